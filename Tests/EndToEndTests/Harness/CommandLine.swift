internal import Foundation
internal import KubernetesObjects

/// The result of one call of a program.
struct CallResult: Sendable {
    let code: Int32
    let output: String
    let errors: String

    /// The output read as JSON.
    func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8)) }
}

/// Where the programs under test are: beside the tests' own bundle; and those of the system.
enum Programs {
    static func url(_ name: String) throws -> URL {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let system = URL(filePath: "/usr/bin")
        let places = [folder, folder.deletingLastPathComponent(), repository.appending(path: ".build/debug"), system]
        for candidate in places {
            let program = candidate.appending(path: name)
            if FileManager.default.isExecutableFile(atPath: program.path) { return program }
        }
        throw HarnessError("the program \(name) was not found beside the tests; build it first")
    }

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Runs a program to its end and collects what it printed.
    static func call(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> CallResult {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-call-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let errors = folder.appending(path: "errors")
        // Errors go to the log; the output goes to a file of its own by a second redirection.
        let output = folder.appending(path: "output")
        let program = try url(name)
        let child = try ChildProcess(
            URL(filePath: "/bin/sh"), ["-c", "exec \"$0\" \"$@\" >\"$SWELL_TEST_OUTPUT\"", program.path] + arguments,
            environment: environment.merging(["SWELL_TEST_OUTPUT": output.path]) { old, _ in old }, log: errors)
        let code: Int32
        do {
            code = try await child.ended(within: limit)
        } catch {
            child.kill()
            try await child.ended()
            throw error
        }
        return CallResult(
            code: code, output: (try? String(contentsOf: output, encoding: .utf8)) ?? "",
            errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? "")
    }
}
