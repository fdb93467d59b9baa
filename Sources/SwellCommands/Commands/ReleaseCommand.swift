internal import ArgumentParser
private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Render, create and list releases: immutable versions of an application.",
        subcommands: [ReleaseCreate.self, ReleaseRender.self, ReleaseList.self])
}

struct ReleaseCreate: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Store a version of an application from its manifests.",
        discussion: """
            \(ManifestOptions.discussion)

            What is stored is exactly what is applied. The same version with the same content is the same release; with other
            content it is refused. `swell release render` does the first half without a server; its output goes in with -f.

            ${name} in manifests is replaced by a parameter of the application or its cluster where the application's document
            declares `parameters`, or says `substitute: true`. Elsewhere every ${…} stays as it is. Where it is replaced, $${
            is a ${ that stays, an object with the annotation swell.dev/substitute: disabled keeps all of its own, and
            --literal keeps those of every manifest, as for shell scripts and dashboards of others.

            --dry-run checks everything and stores nothing; with -o yaml or -o json it prints the objects that would be stored.
            """)

    @Argument(help: "The application.")
    var application: String
    @Option(help: "The version, such as 1.4.2.")
    var version: String
    @OptionGroup var manifests: ManifestOptions
    @Flag(help: "Leave every ${…} in the manifests as it is.")
    var literal = false
    @Flag(help: "Check everything and store nothing.")
    var dryRun = false
    @Option(help: "The commit that it was made from.")
    var commit: String?
    @Option(name: .shortAndLong, help: "What is in it, for people.")
    var message: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let (files, notes) = try await manifests.read(for: name) {
            let stored = try await session.client.get("/v1/applications/\(segment(application))")
            return stored["spec"]?["namespace"]?.stringValue ?? application
        }
        for note in notes { session.terminal.note("warning: \(note)") }
        // Before anything is sent: what is no Kubernetes object stays on this machine.
        let objects = try WrittenObjects.checked(files).objects
        let request = ReleaseRequest(
            version: version, commit: commit, message: message, files: files, dryRun: dryRun ? true : nil,
            literal: literal ? true : nil)
        let answer = try await session.client.post("/v1/applications/\(segment(application))/releases", request)
        let view = try answer.decoded(as: ReleaseView.self)
        for warning in view.status.warnings ?? [] { session.terminal.note("warning: \(warning)") }
        if dryRun, output.output == .yaml {
            session.terminal.data(objects.map { $0.yaml() }.joined(separator: "---\n"))
            return
        }
        if dryRun, output.output == .json {
            let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(objects)]
            session.terminal.data(list.serialized(pretty: true) + "\n")
            return
        }
        if let text = answer.text(as: output.output) {
            session.terminal.data(text.hasSuffix("\n") ? text : text + "\n")
            return
        }
        session.terminal.line(
            "release/\(view.metadata.name) \(dryRun ? "would be stored" : "stored"): \(view.status.objects) objects, "
                + "\(view.status.size) bytes, \(view.status.digest.short)")
    }
}

/// The half of `release create` that needs no server and no credentials, for a job of its own.
struct ReleaseRender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render", abstract: "Print the manifests of a release, rendered, without asking a server.",
        discussion: """
            \(ManifestOptions.discussion)

            No token is needed or read. What is printed is what `swell release create -f FILE` publishes from a file or, with
            -f -, from a pipe: a job without credentials can render, and another one publish what was seen. It is checked as when
            a release is made; what an application's document says of parameters, overrides and checks is looked at then.
            """)

    @Argument(help: "The application.")
    var application: String
    @OptionGroup var manifests: ManifestOptions
    @Option(help: ArgumentHelp("The application's namespace, for a chart without --document.", valueName: "name"))
    var namespace: String?

    func run() async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
        let (files, notes) = try await manifests.read(for: name) {
            guard let namespace else {
                throw CommandError(
                    code: .usage,
                    message:
                        "a chart is rendered for a namespace; give the application's with --namespace, or its document "
                        + "with --document")
            }
            return namespace
        }
        let written = try WrittenObjects.checked(files, namespace: namespace)
        for note in notes + written.warnings.map(\.description) { terminal.note("warning: \(note)") }
        terminal.data(written.objects.map { $0.yaml() }.joined(separator: "---\n"))
    }
}

extension WrittenObjects {
    /// The objects, or the mistakes as a command tells them.
    fileprivate static func checked(_ files: [SourceFile], namespace: String? = nil) throws -> WrittenObjects {
        do {
            return try WrittenObjects(files, namespace: namespace)
        } catch {
            throw CommandError(error)
        }
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
