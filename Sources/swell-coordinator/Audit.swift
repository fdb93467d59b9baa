internal import ArgumentParser
internal import Foundation
internal import Logging
internal import PostgresClient
internal import SwellCoordinator
internal import SwellStore

/// Looks at the audit log.
struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the audit log.", subcommands: [Verify.self])

    /// Replays the log.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that the audit log replays to the state, and that no generation ever fell.",
            discussion: """
                Worth running after a restore from a backup, or after a failover that may have lost commits. It only reads, and \
                replicas may work meanwhile. Exit code 0: all fits; 1: it does not, one line says what for each finding.
                """)

        @OptionGroup var database: DatabaseOption

        func validate() throws { _ = try database.configuration() }

        func run() async throws {
            let configuration = try database.configuration()
            try await PostgresStore.checkSchema(of: configuration, logger: Logger(label: "swell.audit"))
            let pool = try PostgresPool(configuration: configuration)
            async let _: Void = pool.run()
            let outcome = try await AuditVerifier(store: PostgresStore(pool: pool)).verify()
            for finding in outcome.findings { print(finding) }
            if !outcome.beyondRetention.isEmpty {
                print("\(outcome.beyondRetention.count) ended rollouts are past the log's retention and were left out")
            }
            if !outcome.busy.isEmpty {
                print(
                    "left out, since they were decided on all the while: \(outcome.busy.map { "\($0)" }.joined(separator: ", "))"
                )
            }
            guard outcome.findings.isEmpty else { throw ExitCode.failure }
            print("\(outcome.rollouts) rollouts, \(outcome.transitions) rows: the audit log replays to the state")
        }
    }
}
