internal import Foundation
internal import Glibc

/// A real process, started with its output in a file, that can be signalled and waited for.
struct ChildProcess: Sendable {
    let identifier: pid_t
    let log: URL

    /// Starts a program. What it prints is appended to `log`.
    init(_ program: URL, _ arguments: [String], environment: [String: String] = [:], log: URL) throws {
        // The shell does the redirection, then becomes the program, so that signals reach the program itself.
        let script = "exec \"$0\" \"$@\" >>\"$SWELL_TEST_LOG\" 2>&1 </dev/null"
        var merged = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        merged["SWELL_TEST_LOG"] = log.path
        let words = ["/bin/sh", "-c", script, program.path] + arguments
        let argv = words.map { strdup($0) } + [nil]
        let envp = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child = pid_t()
        let code = posix_spawn(&child, "/bin/sh", nil, nil, argv, envp)
        guard code == 0 else { throw HarnessError("could not start \(program.lastPathComponent): error \(code)") }
        identifier = child
        self.log = log
    }

    func signal(_ number: Int32) { _ = Glibc.kill(identifier, number) }
    func interrupt() { signal(SIGTERM) }
    func kill() { signal(SIGKILL) }
    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    /// The exit code once it has ended (128 and the signal's number for a killed one), nil while it runs.
    func exitCode() -> Int32? {
        var status: Int32 = 0
        guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }

    /// Waits until it has ended.
    @discardableResult func ended(within limit: Duration = .seconds(20)) async throws -> Int32 {
        try await eventually("process \(identifier) to end", within: limit) { exitCode() }
    }
}

/// What the harness could not do or waited for in vain.
struct HarnessError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Waits until `condition` gives a value, asking often, up to a deadline; what it waited for in vain, `orDescribe` tells.
@discardableResult
func eventually<Value>(
    _ what: String, within limit: Duration = .seconds(60), _ condition: () async throws -> Value?,
    orDescribe: () async throws -> String = { "" }
) async throws -> Value {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: limit)
    while true {
        if let value = try await condition() { return value }
        guard clock.now < deadline else {
            let rest = try await orDescribe()
            throw HarnessError("waited \(limit) in vain for \(what)\(rest.isEmpty ? "" : ": \(rest)")")
        }
        try await clock.sleep(for: .milliseconds(50))
    }
}
