internal import Foundation
internal import PostgresClient
internal import SwellIdentity
internal import SwellModel
internal import SwellStore

extension Stage {
    /// Starts simulated API servers.
    @discardableResult
    func startSimulator(_ clusters: [String]) async throws -> Child {
        let ready = folder.appending(path: "kubesim.ready").path
        let simulator = try Child.start(
            "swell-kubesim",
            ["serve", "--kubeconfig-dir", folder.appending(path: "kubeconfigs").path, "--ready-file", ready]
                + clusters.flatMap { ["--cluster", $0] }, log: folder.appending(path: "kubesim.log").path)
        keep(simulator)
        try await eventually("the simulated clusters") { FileManager.default.fileExists(atPath: ready) ? true : nil }
        return simulator
    }

    /// The file that leads to a simulated API server.
    nonisolated func kubeconfig(_ cluster: String) -> String {
        folder.appending(path: "kubeconfigs/\(cluster).yaml").path
    }

    /// Declares so many clusters that are simulated API servers, and starts the shipped agent in each; waits until all have a session. The
    /// simulator comes first in what is given back.
    func startAgents(_ count: Int) async throws -> (simulator: Child, agents: [Child]) {
        let names = try (0..<count).map { try ClusterName("real-\($0)") }
        let clusters = names.map {
            Cluster(name: $0, region: "real", environment: "production", labels: ["real": "yes"])
        }
        _ = try await store.apply(FleetDocuments(clusters: clusters), by: "benchmark")
        let simulator = try await startSimulator(names.map(\.rawValue))
        let hash = try String(contentsOfFile: stateFolder + "/ca-hash", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        var agents: [Child] = []
        var generator = SystemRandomNumberGenerator()
        for name in names {
            let place = folder.appending(path: "agents/\(name)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let token = JoinToken.generate(for: name, using: &generator)
            try await store.createToken(
                hash: token.hash, cluster: name, expiresAt: try await store.now() + .minutes(10), by: "benchmark")
            let file = place.appending(path: "join-token")
            try Data(token.text.utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
            let agent = try Child.start(
                "swell-agent",
                [
                    "run", "--cluster", name.rawValue, "--state-dir", place.path, "--coordinator",
                    "localhost:\(ports["agents"] ?? 0)", "--enroll", "localhost:\(ports["enrolment"] ?? 0)",
                    "--join-token-file", file.path, "--ca-hash", hash, "--kubeconfig",
                    kubeconfig(name.rawValue), "--log-level", "warning",
                ], log: folder.appending(path: "agents/\(name).log").path)
            keep(agent)
            agents.append(agent)
        }
        try await eventually("\(count) agents to connect", within: .seconds(120)) {
            let there = try await pool.query(
                "SELECT count(*) FROM agents WHERE cluster LIKE 'real-%' AND connected_to IS NOT NULL"
            ).scalar(Int.self)
            return there == count ? true : nil
        }
        return (simulator, agents)
    }
}
