package import SwellModel

/// Takes in what agents say.
package protocol ReportIngesting: Sendable {
    /// Returns once `reports` are committed, and throws where they are not or may not be: then nobody acknowledges them
    /// and the agent says them again. May wait: a session reads no further meanwhile, which is the back-pressure.
    ///
    /// - Throws: A `StoreError`: `invalid` where the store refused some of them for what is in them, and has the others.
    ///   ``SessionOvertaken`` where another session speaks for the cluster by now than `session`.
    func ingest(_ reports: [ApplicationReport], of cluster: ClusterName, session: String?) async throws

    /// How long what the agent of `cluster` says is held back yet, since it said too much.
    func wait(of cluster: ClusterName) async -> Interval
}

/// Another session speaks for the cluster by now: what this one says is not taken in.
struct SessionOvertaken: Error, CustomStringConvertible {
    var description: String { "a newer session took over" }
}
