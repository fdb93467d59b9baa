internal import Subprocess
internal import SwellModel

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// A program that writes manifests to its standard output.
///
/// It runs without a shell, in a process group of its own that ends with it, and sees neither credentials nor the user's
/// home (``RenderingEnvironment``).
struct RenderingProgram: Sendable {
    /// The bytes of what it prints at most.
    static let maximumBytes = SourceFiles.maximumBytes
    /// What is told of its complaints at most, half from the start and half from the end.
    private static let maximumComplaint = 4_096

    /// The user's variables, of which it gets few; programs are found by their `PATH`.
    var environment: [String: String]
    /// Whether it may fetch things.
    var allowsRemote = false
    /// How long it may take.
    var timeout: Duration = .seconds(120)
    /// The bytes of addresses that it, and each program that it starts, may use, where the system can be told so: a template of one
    /// line asks for as much as it likes. Programs in Go ask for about one GiB more than they use.
    var memory = 4 << 30

    /// Why there is no output.
    enum Failure: Error {
        case notInstalled
        case failed(String)
    }

    /// What a program printed that succeeded.
    struct Output: Sendable {
        var text: String
        /// What it said beside that.
        var warnings: [String]
    }

    /// Runs a program to its end.
    ///
    /// - Throws: ``Failure``, whose text names no program; `CancellationError`.
    func output(of program: String, _ arguments: [String]) async throws -> Output {
        try await withThrowingTaskGroup(of: Output?.self) { group in
            group.addTask {
                try await ScratchFolder.with { home in try await collected(program, arguments, home: home) }
            }
            group.addTask {
                try await ContinuousClock().sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let output = first else {
                throw Failure.failed("did not end within \(timeout.components.seconds) s")
            }
            return output
        }
    }

    /// What programs say that got no more memory.
    private static let sayOutOfMemory = ["out of memory", "annot allocate memory", "emory exhausted"]

    /// Keeps a program that was just started from taking the machine's memory.
    private func limit(execution process: pid_t) {
        #if canImport(Glibc)
            // Linux alone sets limits of another process; the C library's headers name the call to programs in C only.
            typealias Call =
                @convention(c) (pid_t, Int32, UnsafePointer<rlimit>?, UnsafeMutablePointer<rlimit>?) -> Int32
            guard let symbol = dlsym(nil, "prlimit") else { return }
            var limit = rlimit(rlim_cur: rlim_t(memory), rlim_max: rlim_t(memory))
            // One that has ended already needs no limit.
            _ = unsafeBitCast(symbol, to: Call.self)(process, Int32(RLIMIT_AS.rawValue), &limit, nil)
        #endif
    }

    private func collected(_ program: String, _ arguments: [String], home: String) async throws -> Output {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        var variables: [Subprocess.Environment.Key: String] = [:]
        let own = RenderingEnvironment.variables(from: environment, home: home, allowsRemote: allowsRemote)
        for (name, value) in own {
            if let key = Subprocess.Environment.Key(rawValue: name) { variables[key] = value }
        }
        let result: ExecutionResult<Void, BytesOutput, BytesOutput>
        do {
            result = try await run(
                .name(program), arguments: Subprocess.Arguments(arguments), environment: .custom(variables),
                platformOptions: options, input: .none, output: .bytes(limit: Self.maximumBytes),
                error: .bytes(limit: 1 << 20)
            ) { limit(execution: $0.processIdentifier.value) }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw Failure.notInstalled
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw Failure.failed("printed more than \(Self.maximumBytes >> 20) MiB, or complained without end")
        } catch let error as SubprocessError {
            throw Failure.failed("could not be run: \(error)")
        }
        guard result.terminationStatus.isSuccess else {
            let whole = result.standardError
            if Self.sayOutOfMemory.contains(where: { String(decoding: whole, as: UTF8.self).contains($0) }) {
                throw Failure.failed(
                    "took more than \(memory >> 20) MiB of memory, which is as much as rendering may; what it makes is most "
                        + "likely far too large")
            }
            let complaint = Self.shortened(whole)
            throw Failure.failed(
                complaint.isEmpty ? "\(result.terminationStatus)" : ProgramComplaint(complaint).text)
        }
        guard let text = String(validating: result.standardOutput, as: UTF8.self) else {
            throw Failure.failed("printed what is not UTF-8 text")
        }
        return Output(text: text, warnings: ProgramComplaint(Self.shortened(result.standardError)).warnings)
    }

    private static func shortened(_ complaint: [UInt8]) -> String {
        let half = maximumComplaint / 2
        return complaint.count <= maximumComplaint
            ? String(decoding: complaint, as: UTF8.self).trimmed
            : String(decoding: complaint.prefix(half), as: UTF8.self).trimmed + "\n…\n"
                + String(decoding: complaint.suffix(half), as: UTF8.self).trimmed
    }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        return String(start.reversed().drop(while: \.isWhitespace).reversed())
    }
}
