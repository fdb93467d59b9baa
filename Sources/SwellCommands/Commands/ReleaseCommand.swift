internal import ArgumentParser
private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Create and list releases: immutable versions of an application.",
        subcommands: [ReleaseCreate.self, ReleaseList.self])
}

struct ReleaseCreate: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Store a version of an application from its manifests.",
        discussion: """
            Without -f, the manifests are those that the application's document names, beside the document given with --document,
            or else below the working folder. A folder with a kustomization is rendered with `kubectl kustomize` (or
            `kustomize build`), one with a Chart.yaml with `helm template`, under the application's name and namespace: what is
            stored is exactly what is applied. Other folders are read as plain manifests. The same version with the same content is the same release; with other content it
            is refused.
            """)

    @Argument(help: "The application.")
    var application: String
    @Option(help: "The version, such as 1.4.2.")
    var version: String
    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp("Manifests: a file, a folder, or - for a pipe; repeatable.", valueName: "path"))
    var files: [String] = []
    @Option(help: ArgumentHelp("Values for a Helm chart; repeatable, the last one wins.", valueName: "file"))
    var values: [String] = []
    @Option(help: ArgumentHelp("The file of the application's document.", valueName: "path"))
    var document: String?
    @Option(help: "The commit that it was made from.")
    var commit: String?
    @Option(name: .shortAndLong, help: "What is in it, for people.")
    var message: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let paths = files.isEmpty ? [try await manifests(of: name, session)] : files
        let sources = ReleaseSources(
            application: name, values: values,
            program: RenderingProgram(environment: ProcessInfo.processInfo.environment))
        let (manifests, notes) = try await sources.read(paths) {
            let stored = try await session.client.get("/v1/applications/\(segment(application))")
            return stored["spec"]?["namespace"]?.stringValue ?? application
        }
        for note in notes { session.terminal.note("warning: \(note)") }
        let request = ReleaseRequest(version: version, commit: commit, message: message, files: manifests)
        let answer = try await session.client.post("/v1/applications/\(segment(application))/releases", request)
        let view = try answer.decoded(as: ReleaseView.self)
        for warning in view.status.warnings ?? [] { session.terminal.note("warning: \(warning)") }
        if let text = answer.text(as: output.output) {
            session.terminal.line(text)
            return
        }
        session.terminal.line(
            "release/\(view.metadata.name) stored: \(view.status.objects) objects, \(view.status.size) bytes, "
                + "\(view.status.digest.short)")
    }

    private func manifests(of name: ApplicationName, _ session: Session) async throws -> String {
        if let document {
            let set: DocumentSet
            do {
                set = try DocumentReader.read(SourceFiles.read([document], keepsForeign: true).files)
            } catch let errors as DocumentErrors {
                throw CommandError(errors)
            }
            guard let application = set.applications.first(where: { $0.value.name == name })?.value,
                let manifests = application.manifests
            else {
                throw CommandError(
                    code: .refused, message: "'\(document)' has no application '\(name)' that names its manifests")
            }
            let folder = document.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
                separator: "/")
            return folder.isEmpty ? manifests : "\(folder)/\(manifests)"
        }
        let stored = try await session.client.get("/v1/applications/\(segment(application))")
        guard let manifests = stored["spec"]?["manifests"]?.stringValue else {
            throw CommandError(
                code: .usage, message: "application '\(name)' does not say where its manifests are; give -f PATH")
        }
        return manifests
    }
}

struct ReleaseList: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List an application's releases, the newest first.")

    @Argument(help: "The application.")
    var application: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await Listing(session: session, format: output.output).show(.releases, application)
    }
}
