internal import ArgumentParser
internal import Foundation
internal import KubernetesClient
internal import Logging
internal import ServiceLifecycle
internal import SwellAgent
internal import SwellIdentity
internal import SwellModel
internal import SwellTelemetry
internal import UnixSignals

/// Runs the agent until it is told to stop.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the agent.",
        discussion: """
            On its first start it spends the join token for a certificate; from then on it comes back with that. It may be \
            killed at any moment: the state directory tells where to go on.

            The state directory belongs to one cluster, by its name and the uid of kube-system (of the agent's own namespace with \
            --namespaces). Started with another one's state directory or kubeconfig, it touches nothing and ends with 78; so it does \
            where the coordinator says that this is not the cluster that enrolled.
            """)

    @Option(help: "The cluster's name, as the fleet's documents have it.")
    var cluster: String

    @Option(help: "Where journal, documents and certificate are kept; of this agent alone.")
    var stateDir: String

    @Option(help: "The coordinator's fleet port, host:port.")
    var coordinator: String

    @Option(help: "The coordinator's enrolment port, host:port.")
    var enroll: String

    @Option(help: "A file with the join token, for the first start.")
    var joinTokenFile: String?

    @Option(help: "The fingerprint of the coordinator's authority, sha256:…, for the first start.")
    var caHash: String?

    @Option(help: "A kubeconfig file. Without it: the pod's own service account.")
    var kubeconfig: String?

    @Option(help: "The kubeconfig's context; its current one by default.")
    var context: String?

    @Option(help: "The namespace for what the agent itself keeps in the cluster.")
    var namespace: String = "swell-agent"

    @Option(
        help: ArgumentHelp(
            "Keep to these namespaces, comma-separated, and need no right outside of them.", valueName: "names"))
    var namespaces: String?

    @Flag(
        help: ArgumentHelp(
            "Let releases change the agent itself: objects in its namespace, its roles and bindings; never its records.",
            discussion: "A namespace named in --namespaces is meant as it is, also where it is the agent's own."))
    var manageItself = false

    @Option(help: "How long between two looks for drift, such as 60s.")
    var driftInterval: String = "60s"

    @Option(
        help: ArgumentHelp(
            "A file with the key that seals what the agent keeps of releases, elsewhere than the state directory; none where it is missing or empty. See make-key.",
            valueName: "file"))
    var secretsKeyFile: String?

    @Option(help: "A file that is written once the agent works.")
    var readyFile: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// What it ends with where state, certificate or API server are another cluster's: EX_CONFIG of sysexits.h. Starting it again as it
    /// is helps nothing.
    private static let otherCluster = ExitCode(78)

    func validate() throws {
        _ = try settings()
        _ = try logSettings()
        _ = try connection()
        _ = try scope()
    }

    func run() async throws {
        _ = Telemetry.bootstrap(try logSettings())
        let logger = Logger(label: "swell.agent")
        var options = KubernetesAPI.Options()
        // Each application watches every kind that it brings.
        options.maximumWatches = 1_024
        let api = try KubernetesAPI(options: options, source: connection)
        let service = AgentService(
            settings: try settings(), api: api, namespace: namespace, scope: try scope(), managesItself: manageItself,
            logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            logger.error("agent ends", metadata: ["error": "\(error)"])
            await api.shutdown()
            let isOthers = (error as? AgentError)?.code == .otherCluster
            throw isOthers ? Self.otherCluster : ExitCode.failure
        }
        await api.shutdown()
    }

    private func settings() throws -> AgentSettings {
        do {
            var link = LinkSettings(
                cluster: try ClusterName(cluster), coordinator: try Endpoint(coordinator),
                enrolment: try Endpoint(enroll), joinTokenFile: joinTokenFile,
                authorityPin: try caHash.map { try KeyFingerprint(parsing: $0) })
            link.version = Agent.configuration.version
            guard let drift = Interval(driftInterval), drift >= .seconds(1) else {
                throw ValidationError(
                    "--drift-interval: '\(driftInterval)' is no length of time of at least 1s, such as 60s")
            }
            return AgentSettings(
                stateDirectory: stateDir, link: link, driftInterval: drift.duration,
                sealing: try secretsKeyFile.flatMap { try SecretsKeyFile(path: $0).readIfAny() }, readyFile: readyFile)
        } catch let error as ValidationError {
            throw error
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The namespaces to keep to; nil for the whole cluster.
    private func scope() throws -> Set<String>? {
        guard let namespaces else { return nil }
        let names = namespaces.split(separator: ",", omittingEmptySubsequences: false).map { name in
            String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        for name in names {
            let isLabel = name.wholeMatch(of: /[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/) != nil
            guard isLabel else {
                throw ValidationError(
                    "--namespaces: '\(name)' is no name of a namespace; write them as in --namespaces shop,shared")
            }
        }
        return Set(names)
    }

    private func logSettings() throws -> LogSettings {
        do {
            return try LogSettings(flag: logLevel, environment: ProcessInfo.processInfo.environment)
        } catch {
            throw ValidationError(error.message)
        }
    }

    private func connection() throws -> ClusterConnection {
        do {
            guard let kubeconfig else { return try .inCluster() }
            return try Kubeconfig(path: kubeconfig).connection(context: context)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
