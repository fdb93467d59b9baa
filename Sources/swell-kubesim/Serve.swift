internal import ArgumentParser
internal import Foundation
internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Serves clusters until told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve clusters until interrupted.",
        discussion: """
            Each cluster gets an HTTPS listener on 127.0.0.1 and a kubeconfig, NAME.yaml, in the kubeconfig directory. \
            Pods whose image tag contains crash, broken, flapping, missing, pullerror, slow or never-ready behave so; \
            the annotation kubesim/fault on a pod template orders the same.
            """)

    @Option(help: "A cluster, as NAME or NAME:REGION; may be repeated.")
    var cluster: [String] = []

    @Option(help: "A directory whose YAML documents of kind Cluster name the clusters.")
    var clustersFrom: String?

    @Option(help: "Where to write the kubeconfigs; made when missing.")
    var kubeconfigDir: String

    @Option(help: "A number that makes names, UIDs and chance repeatable.")
    var seed: UInt64 = 1

    @Option(help: "A file to write once every cluster is ready.")
    var readyFile: String?

    @Option(help: "The port of the first cluster, the others follow; 0 lets the system choose.")
    var basePort = 0

    @Option(help: "The port of the control endpoint; 0 lets the system choose.")
    var controlPort = 0

    @Option(help: "Nodes of each cluster.")
    var nodes = 3

    @Option(help: "Seconds from a pod's creation to its readiness, at the least.")
    var podReadyMin = 0.3

    @Option(help: "Seconds from a pod's creation to its readiness, at the most.")
    var podReadyMax = 1.0

    func validate() throws {
        guard podReadyMin > 0, podReadyMax >= podReadyMin else {
            throw ValidationError("--pod-ready-min must be above 0 and at most --pod-ready-max")
        }
    }

    func run() async throws {
        var clusters = try cluster.enumerated().map { index, text in
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard let name = parts.first else { throw ValidationError("--cluster wants NAME or NAME:REGION") }
            return SimulatedFleet.Cluster(
                name: name, region: parts.count > 1 ? parts[1] : "", port: port(index), nodes: nodes)
        }
        if let clustersFrom {
            for (name, region) in try Inventory.clusters(in: clustersFrom) {
                clusters.append(
                    SimulatedFleet.Cluster(name: name, region: region, port: port(clusters.count), nodes: nodes))
            }
        }
        guard !clusters.isEmpty else {
            throw ValidationError("name at least one cluster with --cluster or --clusters-from")
        }
        var pace = SimulatedFleet.Pace()
        pace.podReady = podReadyMin...podReadyMax
        let fleet = try SimulatedFleet(clusters: clusters, seed: seed, pace: pace)
        let files = FleetFiles(directory: kubeconfigDir)
        try files.prepare()
        let control = ControlServer(fleet: fleet, port: controlPort) { port in
            try files.writeControl(port: port, token: fleet.token)
        }
        let announcer = Announcer(fleet: fleet, files: files, readyFile: readyFile)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: control), .init(service: fleet),
                    .init(service: announcer, successTerminationBehavior: .ignore),
                ], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "swell-kubesim", factory: { StreamLogHandler.standardError(label: $0) })))
        try await group.run()
    }

    private func port(_ index: Int) -> Int { basePort == 0 ? 0 : basePort + index }
}

/// Writes the kubeconfigs and says so, once every cluster listens.
private struct Announcer: Service {
    let fleet: SimulatedFleet
    let files: FleetFiles
    let readyFile: String?

    func run() async throws {
        try await fleet.ready()
        for cluster in fleet.clusters {
            try files.writeKubeconfig(try await fleet.kubeconfig(for: cluster.name), cluster: cluster.name)
            let region = cluster.region.isEmpty ? "" : " in \(cluster.region)"
            say("\(cluster.name)\(region) at \(try await fleet.server(of: cluster.name))")
        }
        if let readyFile { try Data("ready\n".utf8).write(to: URL(fileURLWithPath: readyFile), options: .atomic) }
        say("ready")
        try await gracefulShutdown()
    }

    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}

/// The files that clients and the `fault` subcommand find the fleet by.
struct FleetFiles: Sendable {
    let directory: String

    /// Where the control endpoint's address and token are.
    var controlFile: URL { URL(fileURLWithPath: directory).appendingPathComponent(".control.json") }

    func prepare() throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func writeKubeconfig(_ text: String, cluster: String) throws {
        try write(text, to: URL(fileURLWithPath: directory).appendingPathComponent("\(cluster).yaml"))
    }

    func writeControl(port: Int, token: String) throws {
        let value: JSONValue = ["url": .string("http://127.0.0.1:\(port)"), "token": .string(token)]
        try write(value.serialized(), to: controlFile)
    }

    /// Writes a file that only its owner may read, whole or not at all.
    private func write(_ text: String, to url: URL) throws {
        let temporary = url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).new")
        let created = FileManager.default.createFile(
            atPath: temporary.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard created else {
            throw SimulatorError(code: .start, message: "cannot write \(temporary.path)")
        }
        _ = try? FileManager.default.removeItem(at: url)
        try FileManager.default.moveItem(at: temporary, to: url)
    }
}
