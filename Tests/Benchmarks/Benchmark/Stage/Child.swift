internal import Foundation
internal import Glibc
internal import Synchronization

/// A process of the stage. It ends with this one, however this one ends.
final class Child: Sendable {
    /// Of the program itself, for signals and figures.
    let identifier: pid_t
    /// Closed, it ends the program.
    private let control: Int32
    private let waited: pid_t
    private let hasEnded = Mutex(false)

    private init(identifier: pid_t, control: Int32, waited: pid_t) {
        self.identifier = identifier
        self.control = control
        self.waited = waited
    }

    /// Starts the program, and kills it once its pipe to this process closes: the kernel closes that in any case. A number may have gone to
    /// somebody else since: only what carries this run's mark is ours.
    private static let keeper = """
        "$0" "$@" >>"$SWELL_BENCHMARK_LOG" 2>&1 </dev/null &
        echo $!
        exec >/dev/null
        cat >/dev/null
        grep -qz "^SWELL_BENCHMARK_RUN=$SWELL_BENCHMARK_RUN$" "/proc/$!/environ" 2>/dev/null && kill -KILL $!
        wait
        """

    /// Starts a program of which nothing is heard but what it logs.
    static func start(_ program: String, _ arguments: [String], log: String) throws -> Child {
        let (keeper, input, output) = try spawn(
            "/bin/sh", ["-c", Self.keeper, try Programs.path(program)] + arguments, log: log)
        defer { close(output) }
        var reader = LineReader(output)
        guard let line = reader.next(), let identifier = pid_t(line) else {
            throw BenchmarkError("\(program) did not start; see \(log)")
        }
        return Child(identifier: identifier, control: input, waited: keeper)
    }

    /// Starts a program that is spoken with over its standard input and output, and that ends when the former closes.
    static func talk(_ program: String, _ arguments: [String], log: String) throws -> (
        child: Child, input: Int32, output: Int32
    ) {
        let (identifier, input, output) = try spawn(try Programs.path(program), arguments, log: log)
        return (Child(identifier: identifier, control: input, waited: identifier), input, output)
    }

    /// Ends it as a crash would. What keeps it stays until ``end()``.
    func crash() { kill(identifier, SIGKILL) }

    func signal(_ number: Int32) { kill(identifier, number) }

    /// Whether it is there, and not only its number until somebody asks what became of it.
    var isRunning: Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
            let close = stat.lastIndex(of: ")")
        else { return false }
        return !stat[stat.index(after: close)...].hasPrefix(" Z")
    }

    /// Ends it, and waits for that; nothing the second time.
    func end() async {
        let isFirst = hasEnded.withLock { hasEnded in
            defer { hasEnded = true }
            return !hasEnded
        }
        guard isFirst else { return }
        close(control)
        for _ in 0..<1_000 {
            var status: Int32 = 0
            if waitpid(waited, &status, WNOHANG) != 0 { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
        kill(waited, SIGKILL)
    }

    /// What every process of this run has in its environment.
    private static let mark = "\(getpid())-\(UInt64.random(in: .min ... .max))"

    private static func spawn(
        _ program: String, _ arguments: [String], log: String
    ) throws -> (identifier: pid_t, input: Int32, output: Int32) {
        var ends: [[Int32]] = [[-1, -1], [-1, -1]]
        for index in ends.indices {
            // Not for other children: nothing else is started meanwhile, so that two steps are as good as one.
            guard pipe(&ends[index]) == 0, fcntl(ends[index][0], F_SETFD, FD_CLOEXEC) == 0,
                fcntl(ends[index][1], F_SETFD, FD_CLOEXEC) == 0
            else { throw BenchmarkError("no pipe could be made") }
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0][0], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1][1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        // A group of its own: the terminal's interrupt is for who started the run. Signals are as a shell would leave them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var variables = ProcessInfo.processInfo.environment
        variables["SWELL_BENCHMARK_LOG"] = log
        variables["SWELL_BENCHMARK_RUN"] = mark
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var identifier = pid_t()
        let code = posix_spawn(&identifier, program, &actions, &attributes, argv, envp)
        close(ends[0][0])
        close(ends[1][1])
        guard code == 0 else { throw BenchmarkError("\(program) could not be started: error \(code)") }
        return (identifier, ends[0][1], ends[1][0])
    }
}

/// Where the programs are: beside this one.
enum Programs {
    static func path(_ name: String) throws -> String {
        // A path, as that of a shell, is what it is.
        if name.hasPrefix("/") { return name }
        let own = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let path = own.appending(path: name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw BenchmarkError("\(name) is not beside this program; scripts/benchmark builds it")
        }
        return path
    }
}

extension Programs {
    /// Runs one of PostgreSQL's programs to its end; what it printed.
    static func output(of name: String, _ arguments: [String]) async throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root))?.compactMap { Int($0) } ?? []
        let places =
            versions.sorted(by: >).map { "\(root)/\($0)/bin/\(name)" } + ["/usr/bin/\(name)", "/usr/local/bin/\(name)"]
        guard let path = places.first(where: FileManager.default.isExecutableFile) else {
            throw BenchmarkError("\(name) is not here; it comes with PostgreSQL")
        }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}

/// Reads a descriptor line by line; blocks.
struct LineReader {
    private let descriptor: Int32
    private var waiting: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    mutating func next() -> String? {
        while true {
            if let end = waiting.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: waiting[..<end], as: UTF8.self)
                waiting.removeSubrange(...end)
                return line
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return nil }
            waiting += buffer[..<count]
        }
    }
}
