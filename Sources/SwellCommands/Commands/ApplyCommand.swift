internal import ArgumentParser
internal import SwellModel

struct ApplyCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Apply clusters, applications and policies from files.",
        discussion: """
            All documents of all files are checked together and stored as a whole, or not at all.
            In a folder, files that hold other things than Swell's documents (such as the manifests of releases) are left out.
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp("A file, a folder with everything below it, or - for a pipe; repeatable.", valueName: "path")
    )
    var files: [String]
    @Flag(help: "Check and say what would change, but store nothing.")
    var dryRun = false
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let (sources, skipped) = try SourceFiles.read(files, keepsForeign: false)
        guard !sources.isEmpty else {
            throw CommandError(
                code: .refused,
                message: "none of the \(skipped.count) files has a document with apiVersion swell.dev/v1")
        }
        let answer = try await session.client.post("/v1/apply", ApplyRequest(files: sources, dryRun: dryRun))
            .decoded(as: ApplyAnswer.self)
        for document in answer.documents {
            session.terminal.line(
                "\(document.kind.lowercased())/\(document.name) \(document.outcome)\(answer.dryRun ? " (dry run)" : "")"
            )
        }
        for warning in answer.warnings ?? [] { session.terminal.note("warning: \(warning.message)") }
        if !skipped.isEmpty {
            session.terminal.note("left out \(skipped.count) files without Swell documents, such as \(skipped[0])")
        }
    }
}
