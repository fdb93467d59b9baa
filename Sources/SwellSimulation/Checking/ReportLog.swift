internal import SwellEngine
internal import SwellModel

/// What agents said, as the database has it. It goes back with the database.
struct IngestLog {
    struct Word: Hashable {
        var digest: ContentDigest?
        /// On the database's clock.
        var at: Timestamp
        /// Its place among all words.
        var order: Int
    }

    /// What was said of one generation in one place.
    struct Subject: Hashable {
        var place: ClusterApplication
        var generation: Int64
    }

    /// The latest good and bad word of each generation, whatever came of it.
    private(set) var good: [Subject: Word] = [:]
    private(set) var bad: [Subject: Word] = [:]
    /// All that was ever called good of a generation: one that lies may say two things in one breath.
    private(set) var goodDigests: [Subject: Set<ContentDigest?>] = [:]
    /// The last time an agent said of a generation that it failed or reverted.
    private(set) var givenUp: [Subject: Word] = [:]
    /// The highest epoch that the agents of a place spoke of.
    private(set) var highestEpoch: [ClusterApplication: Int64] = [:]
    /// The highest generation that they spoke of.
    private(set) var highestGeneration: [ClusterApplication: Int64] = [:]
    /// What was spoken of at all, and how often.
    private(set) var words: [Subject: Int] = [:]
    /// What its agent cannot see, by its last word.
    private(set) var blind: Set<Subject> = []
    /// How many words were heard.
    private(set) var count = 0

    mutating func hear(_ report: ApplicationReport, of cluster: ClusterName, at now: Timestamp) {
        count += 1
        // Where nothing runs, a digest is one of what ran.
        let word = Word(digest: report.phase == .removed ? nil : report.digest, at: now, order: count)
        let place = ClusterApplication(cluster, report.application)
        highestEpoch[place] = max(highestEpoch[place] ?? 0, report.epoch)
        highestGeneration[place] = max(highestGeneration[place] ?? 0, report.generation)
        let subject = Subject(place: place, generation: report.generation)
        words[subject, default: 0] += 1
        // There is no generation above such a one: it is no evidence against anything.
        let isNonsense = report.generation >= 1 << 52
        if !isNonsense { noteSight(report, subject) }
        switch report.phase {
        case .healthy where report.health == .healthy, .removed:
            // A word said again after the database's clock was set back does not take back when it was said first.
            var word = word
            if let former = good[subject], former.digest == word.digest { word.at = max(former.at, now) }
            good[subject] = word
            goodDigests[subject, default: []].insert(word.digest)
        case .failed, .reverting, .reverted:
            givenUp[subject] = word
            if !isNonsense { bad[subject] = word }
        // An agent that is done never goes back to bringing it up: such a word was overtaken on its way.
        case .accepted, .applying, .verifying: if good[subject] == nil, !isNonsense { bad[subject] = word }
        case .healthy: if !isNonsense { bad[subject] = word }
        }
    }
}

extension IngestLog {
    /// Whether an agent sees its cluster. A word from before it was done, which was overtaken on its way, says nothing of that.
    private mutating func noteSight(_ report: ApplicationReport, _ subject: Subject) {
        switch report.phase {
        case .accepted, .applying, .verifying: if good[subject] != nil { return }
        case .healthy: break
        case .removed, .failed, .reverting, .reverted:
            blind.remove(subject)
            return
        }
        if report.health == .unknown { blind.insert(subject) } else { blind.remove(subject) }
    }
}

/// What agents really said, and what they were ever told. Nothing takes that back.
struct ReportLog {
    /// What each agent said lately.
    private var said: [ClusterApplication: [ApplicationReport]] = [:]
    /// Every assignment that was ever committed.
    private(set) var issued: [ClusterApplication: [Assignment]] = [:]

    /// How many words of an agent are remembered; none is under way for as long as that.
    private static let limit = 512

    mutating func say(_ report: ApplicationReport, by cluster: ClusterName) {
        let place = ClusterApplication(cluster, report.application)
        // What others changed is stored apart, and decides nothing.
        var report = report
        report.drift = nil
        said[place, default: []].append(report)
        if said[place, default: []].count > 2 * Self.limit { said[place]?.removeFirst(Self.limit) }
    }

    /// Whether the agents of this cluster said that.
    func has(_ cluster: ClusterName, said report: ApplicationReport) -> Bool {
        said[ClusterApplication(cluster, report.application)]?.reversed().contains(report) ?? false
    }

    mutating func issue(_ assignments: [Assignment]) {
        for assignment in assignments { issued[ClusterApplication(assignment), default: []].append(assignment) }
    }

    /// What stands is told again, with a pause that has begun or ended.
    mutating func issue(_ pauses: [PauseNotice], of application: ApplicationName) {
        for notice in pauses {
            let place = ClusterApplication(notice.cluster, application)
            for var assignment in Set(issued[place] ?? []) where assignment.generation == notice.generation {
                assignment.isPaused = notice.isPaused ? true : nil
                if issued[place]?.contains(assignment) != true { issued[place]?.append(assignment) }
            }
        }
    }
}
