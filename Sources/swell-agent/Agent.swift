internal import ArgumentParser

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The service in each cluster.
@main
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swell-agent",
        abstract: "Keeps one Kubernetes cluster as the Swell coordinator assigns it.",
        version: "0.1.0", subcommands: [Run.self])

    /// Wrong usage ends with 2, as scripts expect, instead of ArgumentParser's 64.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            say(fullMessage(for: error) + "\n")
            endProcess(2)
        }
    }
}

// `ParsableCommand` has a function named exit of its own.
private func endProcess(_ code: Int32) -> Never { exit(code) }

/// Writes to standard error.
private func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
