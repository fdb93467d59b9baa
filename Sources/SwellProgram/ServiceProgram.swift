public import ArgumentParser

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// The root command of a service's executable.
///
/// Wrong usage ends with 2, as scripts and shells expect, instead of ArgumentParser's 64; every other end is ArgumentParser's.
public protocol ServiceProgram: AsyncParsableCommand {}

extension ServiceProgram {
    /// What the executable's own `main()` calls: one here would not be taken for it before ArgumentParser's.
    public static func runProgram() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            guard let usage = wrongUsage(error) else { exit(withError: error) }
            say(usage + "\n")
            endProcess(2)
        }
    }

    /// What to say where `error` is a mistake in the command line; nil where it is none.
    ///
    /// - Parameter arguments: The command line, without the program's own name.
    static func wrongUsage(
        _ error: any Error, arguments: [String] = Array(CommandLine.arguments.dropFirst())
    ) -> String? {
        guard exitCode(for: error) == .validationFailure else { return nil }
        let told = fullMessage(for: error)
        guard let problem = MeantWords.problem(in: arguments, of: Self.self), let usage = told.firstRange(of: "Usage: ")
        else { return told }
        return "Error: \(problem)\n\(told[usage.lowerBound...])"
    }
}

// `ParsableCommand` has a function named exit of its own.
private func endProcess(_ code: Int32) -> Never { exit(code) }

/// Writes to standard error.
private func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
