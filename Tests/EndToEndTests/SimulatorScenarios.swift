internal import Foundation
internal import Glibc
internal import KubernetesClient
internal import KubernetesObjects
internal import Synchronization
internal import Testing

/// The simulated clusters end well, whoever watches them.
@Suite(.serialized) struct SimulatorScenarios {
    @Test(.timeLimit(.minutes(3))) func theSimulatorEndsWellUnderHundredsOfWatches() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-simulator-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let ready = folder.appending(path: "ready")
        let simulator = try ChildProcess(
            Programs.url("swell-kubesim"),
            ["serve", "--cluster", "one", "--kubeconfig-dir", folder.path, "--ready-file", ready.path],
            log: folder.appending(path: "log"))
        defer { simulator.kill() }
        try await eventually("the simulator to be ready", within: .seconds(60)) {
            FileManager.default.fileExists(atPath: ready.path) ? true : nil
        }
        var options = KubernetesAPI.Options()
        options.maximumWatches = 400
        let path = folder.appending(path: "one.yaml").path
        let api = try KubernetesAPI(options: options) { try Kubeconfig(path: path).connection() }
        let watching = OpenWatches()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<400 {
                group.addTask {
                    // Those that are cut come back at once.
                    let maps = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "ConfigMap"))
                    let backoff = RetryPolicy(base: .milliseconds(1), ceiling: .milliseconds(5))
                    try? await Reflector(api: api, selection: maps, backoff: backoff).run { update in
                        if case .watching = update { watching.add() }
                    }
                }
            }
            defer { group.cancelAll() }
            try await eventually("the watches to be open", within: .seconds(90)) {
                watching.count >= 400 ? true : nil
            }
            simulator.interrupt()
            let code = try await simulator.ended(within: .seconds(60))
            let log = (try? String(contentsOf: simulator.log, encoding: .utf8)) ?? ""
            #expect(code == 0, "\(log.suffix(1_000))")
        }
        await api.shutdown()
    }
}

/// How often a watch was opened.
private final class OpenWatches: Sendable {
    private let opened = Atomic(0)

    var count: Int { opened.load(ordering: .relaxed) }

    func add() { opened.add(1, ordering: .relaxed) }
}
