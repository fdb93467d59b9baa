package import SwellStore

/// Takes in what agents say.
package protocol ReportIngesting: Sendable {
    /// Returns once `reports` are committed, and throws where they are not or may not be: then nobody acknowledges them
    /// and the agent says them again. May wait: a session reads no further meanwhile, which is the back-pressure.
    func ingest(_ reports: [ReceivedReport]) async throws
}
