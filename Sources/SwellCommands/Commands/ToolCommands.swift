internal import ArgumentParser
private import FoundationEssentials

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Say the version of this program.")

    func run() throws { Terminal(environment: ProcessInfo.processInfo.environment).line("swell \(SwellVersion.text)") }
}

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a script that completes swell's commands in a shell.",
        discussion: "For example: swell completion bash > /etc/bash_completion.d/swell")

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandError(code: .usage, message: "'\(shell)' is not a shell known here; known are bash, zsh, fish")
        }
        Terminal(environment: ProcessInfo.processInfo.environment).data(
            SwellTool.completionScript(for: shell) + "\n")
    }
}
