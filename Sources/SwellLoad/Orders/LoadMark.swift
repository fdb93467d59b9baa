internal import SwellEngine
package import SwellModel

/// A moment in the life of one agent, by the machine's monotonic clock.
package struct LoadMark: Sendable, Hashable {
    package enum What: String, Sendable, Hashable {
        case connected, disconnected
        /// An assignment of a new generation was taken in.
        case assigned
        /// The release was judged, and the report of it goes out.
        case healthy, failed, reverted, removed

        /// A phase that is an end; nil for what is on its way.
        init?(_ phase: AgentPhase) {
            switch phase {
            case .healthy: self = .healthy
            case .failed: self = .failed
            case .reverted: self = .reverted
            case .removed: self = .removed
            case .accepted, .applying, .verifying, .reverting: return nil
            }
        }
    }

    /// Nanoseconds.
    package var at: UInt64
    package var what: What
    package var cluster: ClusterName
    package var application: ApplicationName?
    package var generation: Int64?

    package init(
        _ what: What, of cluster: ClusterName, application: ApplicationName? = nil, generation: Int64? = nil,
        at: UInt64 = MonotonicTime.now()
    ) {
        self.at = at
        self.what = what
        self.cluster = cluster
        self.application = application
        self.generation = generation
    }

    /// One line of a file of marks.
    package var line: String {
        "\(at)\t\(what.rawValue)\t\(cluster)\t\(application?.rawValue ?? "-")\t\(generation ?? 0)\n"
    }

    /// A line of a file of marks; nil where it is none.
    package init?(line: some StringProtocol) {
        let words = line.split(separator: "\t")
        guard words.count == 5, let at = UInt64(words[0]), let what = What(rawValue: String(words[1])),
            let cluster = try? ClusterName(String(words[2])), let generation = Int64(words[4])
        else { return nil }
        let application = words[3] == "-" ? nil : try? ApplicationName(String(words[3]))
        self.init(
            what, of: cluster, application: application, generation: application == nil ? nil : generation, at: at)
    }
}
