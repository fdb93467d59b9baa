internal import ArgumentParser
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel
internal import SwellTelemetry
internal import UnixSignals

/// Runs one replica of the coordinator until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one replica of the coordinator.",
        discussion: """
            All state is in PostgreSQL; the state directory holds secrets only: the certificate authority (made on the first
            start), the operator's token, and what joining agents need. Replicas share it or get copies of it.

            SIGTERM drains: agents are told to come back, leases are given up, what was ingested is stored.
            """)

    @Option(help: "Where the authority and the operator's token are kept; made with mode 0700 where missing.")
    var stateDir: String

    @OptionGroup var database: DatabaseOption

    @Option(help: "Where agents have their sessions, host:port.")
    var agentListen: String = "0.0.0.0:7443"

    @Option(help: "Where agents come for their first certificate, host:port.")
    var enrollListen: String = "0.0.0.0:7444"

    @Option(help: "Where operators and the API are served, host:port.")
    var apiListen: String = "127.0.0.1:7080"

    @Option(help: "The circle of trust in certificates' names.")
    var trustDomain: String = "swell.local"

    @OptionGroup var names: ServerNameOption

    @OptionGroup var secretsKey: SecretsKeyOption

    @Option(
        help: ArgumentHelp(
            "Whether releases may carry the values of Secrets: allow, or refuse whatever the application says.",
            valueName: "allow|refuse"))
    var secrets: String = SecretsPolicy.allow.rawValue

    @Flag(help: "Be ready although documents are sealed with keys that were not given, such as after their loss.")
    var withoutLostSecrets = false

    @Option(
        help:
            "This replica's name: the same one after a restart, another one for each replica. By default the host's, the port for agents, and a word that the state directory keeps."
    )
    var replica: String?

    @Option(help: "Connections to PostgreSQL at most, beside four for leases, presence, signals and migrations.")
    var databaseConnections: Int = 12

    @Option(help: "A file that is written once everything is served.")
    var readyFile: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    func validate() throws { _ = try settings() }

    func run() async throws {
        var settings = try settings()
        let metrics = Telemetry.bootstrap(settings.log)
        let logger = Logger(label: "swell.coordinator")
        if let warning = database.warning { logger.warning("\(warning)") }
        do {
            if let problem = [settings.agents, settings.enrolment, settings.api].compactMap(\.problem).first {
                logger.critical("the coordinator cannot listen", metadata: ["error": "\(problem)"])
                throw ExitCode.failure
            }
            // What was written down and is not in the certificate was dialled by somebody.
            let written = try? StateFolder(path: stateDir).serverNames()
            if let given = settings.serverNames, let written {
                let missing = Set(written.hosts + written.addresses).subtracting(given.hosts + given.addresses)
                if !missing.isEmpty {
                    logger.warning(
                        "names that `init --server-name` wrote down are not in the certificate, since others were given by --server-name or SWELL_SERVER_NAMES",
                        metadata: ["missing": "\(missing.sorted().joined(separator: ", "))"])
                }
            }
            if replica == nil {
                settings.replica = try StateFolder(path: stateDir)
                    .replicaName(host: settings.replica, port: settings.agents.port)
            }
            let replica = Replica(settings: settings, metrics: metrics, logger: logger)
            let configuration = ServiceGroupConfiguration(
                services: [.init(service: replica, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            try await ServiceGroup(configuration: configuration).run()
        } catch let end as ExitCode {
            throw end
        } catch {
            logger.critical("the coordinator ends", metadata: ["error": "\(error)"])
            throw ExitCode.failure
        }
    }

    /// The flags, checked; a mistake in them is a mistake of usage.
    private func settings() throws -> ReplicaSettings {
        let environment = ProcessInfo.processInfo.environment
        let database = try database.configuration()
        guard (4...200).contains(databaseConnections) else {
            throw ValidationError("--database-connections: \(databaseConnections) is not from 4 to 200")
        }
        guard let policy = SecretsPolicy(rawValue: secrets) else {
            throw ValidationError("--secrets: '\(secrets)' is neither allow nor refuse")
        }
        do {
            let addresses = [
                try ListenAddress("--agent-listen", agentListen), try ListenAddress("--enroll-listen", enrollListen),
                try ListenAddress("--api-listen", apiListen),
            ]
            for (index, first) in addresses.enumerated() {
                if let second = addresses[(index + 1)...].first(where: first.clashes) {
                    throw ValidationError(
                        "\(first.flag) and \(second.flag) are both port \(first.port) of one address; give each its own"
                    )
                }
            }
            return ReplicaSettings(
                stateDirectory: stateDir, database: database, databaseConnections: databaseConnections,
                agents: addresses[0], enrolment: addresses[1], api: addresses[2],
                trustDomain: try TrustDomain(trustDomain),
                serverNames: try names.checked(or: environment["SWELL_SERVER_NAMES"]),
                secretsKeyFile: secretsKey.secretsKeyFile, secrets: policy,
                withoutLostSecrets: withoutLostSecrets, replica: replica ?? ProcessInfo.processInfo.hostName,
                readyFile: readyFile,
                log: try LogSettings(flag: logLevel, environment: environment))
        } catch let error as ValidationError {
            throw error
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
