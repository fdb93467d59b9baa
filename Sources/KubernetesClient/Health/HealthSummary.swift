public import KubernetesObjects

/// The health of a set: as its worst member; unknown where all that could speak for it is excused.
public struct HealthSummary: Sendable, Hashable {
    /// The worst value; healthy for an empty set.
    public var value: HealthValue
    /// Which member is the worst, and why: `apps/v1 Deployment shop/web: …`. The first one where several are. Of a healthy set, which
    /// members are so by leave.
    public var message: String
    /// What holds a set of which nobody knows; nil for all others.
    public var doubt: Doubt?

    /// Why a set that was seen well is unknown.
    public enum Doubt: Sendable, Hashable {
        /// Controllers have said nothing.
        case unspoken
        /// Some were not healthy before either, which is no evidence against the release, and no other shows that anything runs, which
        /// would be evidence for it.
        case unproven
    }

    /// How many members there are of each value.
    public var counts: [HealthValue: Int]

    /// Sums up members.
    ///
    /// What nobody has spoken of yet comes after all that is on its way: there a deadline runs, and silence must not stop it.
    public init(of members: [(reference: ObjectReference, assessment: HealthAssessment)]) {
        var counts: [HealthValue: Int] = [:]
        for member in members { counts[member.assessment.value, default: 0] += 1 }
        self.counts = counts
        let spoken = members.filter { $0.assessment.remark != .silent && $0.assessment.value < .suspended }
        let silent = members.filter { $0.assessment.remark == .silent }
        let worst =
            spoken.min { $0.assessment.value < $1.assessment.value } ?? silent.first
            ?? members.min { $0.assessment.value < $1.assessment.value }
        self.value = worst?.assessment.value ?? .healthy
        self.doubt = worst?.assessment.remark == .silent ? .unspoken : nil
        self.message = ""
        guard let worst, worst.assessment.value != .healthy else {
            takeLeaves(of: members)
            return
        }
        let why = worst.assessment.message.isEmpty ? worst.assessment.value.description : worst.assessment.message
        self.message = "\(worst.reference): \(why)"
        if worst.assessment.remark == .silent, silent.count > 1 { self.message += " (and \(silent.count - 1) more)" }
    }

    /// Names what of a healthy set is so by leave, and doubts the set where nothing else speaks for it.
    private mutating func takeLeaves(of members: [(reference: ObjectReference, assessment: HealthAssessment)]) {
        let excused = members.filter { $0.assessment.remark == .excused }
        let isUnproven = !excused.isEmpty && !members.contains { $0.assessment.isProof }
        let named = isUnproven ? excused : members.filter { [.accepted, .excused].contains($0.assessment.remark) }
        guard let first = named.first else { return }
        let more = named.count > 1 ? " (and \(named.count - 1) more)" : ""
        message = "\(first.reference): \(first.assessment.message)\(more)"
        guard isUnproven else { return }
        value = .unknown
        doubt = .unproven
        message += "; nothing else shows that anything of the release runs, so that one has to become healthy"
    }
}
