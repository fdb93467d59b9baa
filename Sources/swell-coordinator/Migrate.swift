internal import ArgumentParser
internal import Logging
internal import SwellStore

/// Brings the database up to date apart from the replicas, which then need not own what they work on.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database's schema up to date, as the owner of its tables.",
        discussion: """
            Replicas do this by themselves at their start, where their role owns the tables. Where it is not to, so that not even a \
            replica that was taken over can change what the audit log says: run this as the owner, before the replicas of a new version \
            start, and give them the role that is named here.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(
        help:
            "The role that replicas work as; it is granted what they need, and nothing of the log but to read it and add to it."
    )
    var serviceRole: String?

    func validate() throws {
        _ = try database.configuration()
        _ = try role()
    }

    func run() async throws {
        if let warning = database.warning { Logger(label: "swell.coordinator").warning("\(warning)") }
        try await PostgresStore.migrate(
            database.configuration(), for: role(), logger: Logger(label: "swell.coordinator"))
        print(serviceRole.map { "the schema is up to date; \($0) may work with it" } ?? "the schema is up to date")
    }

    private func role() throws -> ServiceRole? {
        do {
            return try serviceRole.map { name throws(StoreError) in try ServiceRole(name) }
        } catch {
            throw ValidationError("\(error.message)")
        }
    }
}
