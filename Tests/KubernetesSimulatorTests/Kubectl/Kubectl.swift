internal import Foundation
internal import Testing

@testable internal import KubernetesSimulator

/// The real kubectl, pointed at one simulated cluster, with files and caches of its own.
struct Kubectl: Sendable {
    /// What a call printed and how it ended.
    struct Answer: Sendable {
        let code: Int32
        let output: String
        let errors: String
    }

    let program: URL
    let folder: URL
    let kubeconfig: URL

    /// Where kubectl is on this machine; nil where there is none.
    static let program: URL? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { URL(filePath: String($0)).appending(path: "kubectl") }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }

    /// What `kubectl kustomize` makes of a folder.
    static func rendered(_ kustomization: String) async throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-kubectl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let kubectl = Kubectl(
            program: try #require(Self.program), folder: folder, kubeconfig: folder.appending(path: "none"))
        let answer = try await kubectl("kustomize", kustomization)
        try #require(answer.code == 0, "\(answer.errors)")
        return answer.output
    }

    /// Runs a cluster over HTTPS, and the body with a kubectl that reaches it.
    static func withCluster(_ body: @escaping @Sendable (Kubectl) async throws -> Void) async throws {
        let program = try #require(Self.program)
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-kubectl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let fleet = try SimulatedFleet(clusters: [.init(name: "one")], pace: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await fleet.ready()
            let kubeconfig = folder.appending(path: "kubeconfig.yaml")
            try Data(try await fleet.kubeconfig(for: "one").utf8).write(to: kubeconfig)
            try await body(Kubectl(program: program, folder: folder, kubeconfig: kubeconfig))
            group.cancelAll()
        }
    }

    /// Writes a manifest and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    /// Runs kubectl with the words of a line, which knows no quotes, and then more words, to its end.
    @discardableResult
    func callAsFunction(_ line: String, _ more: String...) async throws -> Answer {
        try await run(line.split(separator: " ").map(String.init) + more) { _ in true }
    }

    /// Waits for a definition's kind. kubectl's own wait gives up at once on a definition that has no conditions yet.
    func untilEstablished(_ name: String) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while try await self("wait crd/\(name) --for condition=Established --timeout 20s").code != 0 {
            try #require(ContinuousClock.now < end, "\(name) was not established")
        }
    }

    /// Runs a kubectl that does not end by itself for as long as the body runs, which may wait for words of its output.
    func watch(
        _ line: String, _ body: (_ see: (String) async throws -> Void) async throws -> Void
    ) async throws {
        try await run(line.split(separator: " ").map(String.init)) { output in
            try await body { word in
                let end = ContinuousClock.now + .seconds(20)
                while try !String(contentsOf: output, encoding: .utf8).contains(word) {
                    try #require(ContinuousClock.now < end, "kubectl \(line) did not print \(word)")
                    await Task.yield()
                }
            }
            return false
        }
    }

    /// Starts kubectl, runs `meanwhile`, and ends kubectl when that says no; returns once it has ended.
    @discardableResult
    private func run(
        _ arguments: [String], meanwhile: (_ output: URL) async throws -> Bool
    ) async throws -> Answer {
        let identifier = UUID().uuidString
        let output = folder.appending(path: "\(identifier).out")
        let errors = folder.appending(path: "\(identifier).err")
        for url in [output, errors] { try Data().write(to: url) }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = [
            "KUBECONFIG": kubeconfig.path, "HOME": folder.path,
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let (ended, end) = AsyncStream<Int32>.makeStream(bufferingPolicy: .bufferingOldest(1))
        process.terminationHandler = { process in
            end.yield(process.terminationStatus)
            end.finish()
        }
        try process.run()
        do {
            if try await !meanwhile(output) { process.terminate() }
        } catch {
            process.terminate()
            throw error
        }
        let code = await ended.first { _ in true } ?? -1
        return Answer(
            code: code, output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}
