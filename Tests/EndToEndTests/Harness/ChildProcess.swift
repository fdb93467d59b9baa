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
        merged["SWELL_TEST_RUN"] = Reaper.mark
        let words = ["/bin/sh", "-c", script, program.path] + arguments
        let argv = words.map { strdup($0) } + [nil]
        let envp = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        // As a shell would start it: the thread that runs this has signals blocked, which a child would inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child = pid_t()
        let code = posix_spawn(&child, "/bin/sh", nil, &attributes, argv, envp)
        guard code == 0 else { throw HarnessError("could not start \(program.lastPathComponent): error \(code)") }
        identifier = child
        self.log = log
        Reaper.watch(child)
    }

    func signal(_ number: Int32) { _ = Glibc.kill(identifier, number) }
    func interrupt() { signal(SIGTERM) }
    func kill() { signal(SIGKILL) }
    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    /// What it holds in memory now, in MiB; 0 where it has ended.
    func residentMemory() -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }) else { return 0 }
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) / 1_024
    }

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

/// Ends what the tests started should the tests themselves be killed: a shell that hears of each process, and kills those that are
/// left once the socket to it closes. The kernel closes that however the tests end.
private enum Reaper {
    private static let script = """
        pids=
        while read -r pid; do pids="$pids $pid"; done
        for pid in $pids; do
            # A number may have gone to somebody else since: only what carries this run's mark is ours.
            grep -qz "^SWELL_TEST_RUN=$SWELL_TEST_RUN$" "/proc/$pid/environ" 2>/dev/null && kill -KILL "$pid"
        done
        """

    /// What every process of this run has in its environment.
    static let mark = "\(getpid())-\(UInt64.random(in: .min ... .max))"

    /// The end to write to; negative where there is no reaper.
    private static let socket: CInt = {
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { return -1 }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        for descriptor in [1, 2] as [CInt] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        }
        // A group of its own: the terminal's interrupt is for the tests.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let words: [String] = ["/bin/sh", "-c", script]
        let variables: [String] = ["SWELL_TEST_RUN=\(mark)", "PATH=/usr/bin:/bin"]
        let argv = words.map { strdup($0) } + [nil]
        let envp = variables.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var process = pid_t()
        guard posix_spawn(&process, "/bin/sh", &actions, &attributes, argv, envp) == 0 else { return -1 }
        return ends[1]
    }()

    static func watch(_ process: pid_t) {
        let line = Array("\(process)\n".utf8)
        _ = send(socket, line, line.count, Int32(MSG_NOSIGNAL))
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
