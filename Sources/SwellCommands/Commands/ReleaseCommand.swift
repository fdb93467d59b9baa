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
            `kustomize build`), one with a Chart.yaml (or a packaged chart, .tgz) with `helm template`, under the application's
            name and namespace: what is stored is exactly what is applied. Other folders are read as plain manifests. The same
            version with the same content is the same release; with other content it is refused.

            ${name} in manifests stands for a parameter of the application or its cluster. Manifests of others that have
            ${…} of their own, such as shell scripts and dashboards, go in with --literal.

            --dry-run checks everything and stores nothing; with -o yaml or -o json it prints the objects that would be stored.
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
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("A value for a Helm chart, winning over files; repeatable.", valueName: "key=value"))
    var set: [String] = []
    @Option(help: ArgumentHelp("The Kubernetes version that a Helm chart is rendered for.", valueName: "version"))
    var kubeVersion: String?
    @Option(
        help: ArgumentHelp(
            "An API that a Helm chart may count on beside helm's own list; repeatable.", valueName: "api"))
    var apiVersions: [String] = []
    @Flag(help: "Leave every ${…} in the manifests as it is.")
    var literal = false
    @Flag(help: "Check everything and store nothing.")
    var dryRun = false
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
            application: name,
            chart: .init(values: values, set: set, kubeVersion: kubeVersion, apiVersions: apiVersions),
            program: RenderingProgram(environment: ProcessInfo.processInfo.environment))
        var (manifests, notes) = try await sources.read(paths) {
            let stored = try await session.client.get("/v1/applications/\(segment(application))")
            return stored["spec"]?["namespace"]?.stringValue ?? application
        }
        for note in notes { session.terminal.note("warning: \(note)") }
        if literal {
            for index in manifests.indices { manifests[index].content.replace("${", with: "$${") }
        }
        let request = ReleaseRequest(
            version: version, commit: commit, message: message, files: manifests, dryRun: dryRun ? true : nil)
        let answer = try await session.client.post("/v1/applications/\(segment(application))/releases", request)
        let view = try answer.decoded(as: ReleaseView.self)
        for warning in view.status.warnings ?? [] { session.terminal.note("warning: \(warning)") }
        if dryRun, output.output == .yaml {
            session.terminal.write(try Self.objects(in: manifests).map { $0.yaml() }.joined(separator: "---\n"))
            return
        }
        if dryRun, output.output == .json {
            let list: JSONValue = [
                "apiVersion": "v1", "kind": "List", "items": .array(try Self.objects(in: manifests)),
            ]
            session.terminal.line(list.serialized(pretty: true))
            return
        }
        if let text = answer.text(as: output.output) {
            session.terminal.line(text)
            return
        }
        session.terminal.line(
            "release/\(view.metadata.name) \(dryRun ? "would be stored" : "stored"): \(view.status.objects) objects, "
                + "\(view.status.size) bytes, \(view.status.digest.short)")
    }

    /// The objects of manifests, as they are stored.
    private static func objects(in manifests: [SourceFile]) throws -> [JSONValue] {
        var objects: [JSONValue] = []
        for file in manifests {
            let limits = ReadingLimits(maximumBytes: SourceFiles.maximumBytes, maximumDepth: 100, maximumNodes: 500_000)
            for document in try YAMLReader.documents(in: file.content, file: file.name, limits: limits) {
                objects += Manifest.items(of: document.root).map(\.json)
            }
        }
        return objects
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
