internal import ArgumentParser
private import FoundationEssentials
internal import SwellModel

/// Where manifests are, and how they are rendered. Says the same to `release create` and `release render`.
struct ManifestOptions: ParsableArguments {
    static let discussion = """
        Without -f, the manifests are those that the application's document names, below the folder of the document given with
        --document. A folder with a kustomization is rendered with `kubectl kustomize` (or `kustomize build`), one with a
        Chart.yaml (or a packaged chart, .tgz) with `helm template`, under the application's name and namespace. Other folders
        are read as plain manifests, symbolic links that stay within them included.

        Nothing of the manifests is run, and nothing is fetched: programs that render see no credentials and none of your
        settings, and what names something remote is refused. --allow-remote and --allow-helm are for kustomizations that you
        trust. What a kustomization draws in lies in its work tree of Git (outside of any: in the working directory, or two
        folders up); --root names another folder. They have two minutes, 4 GiB of memory, and a thousand bases.
        """

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp("Manifests: a file, a folder, or - for a pipe; repeatable.", valueName: "path"))
    var files: [String] = []
    @Option(help: ArgumentHelp("The file of the application's document.", valueName: "path"))
    var document: String?
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
    @Flag(help: "Let a kustomization have helm render charts that lie beside it.")
    var allowHelm = false
    @Flag(help: "Let kustomize and helm fetch what manifests name from elsewhere.")
    var allowRemote = false

    @Option(
        help: ArgumentHelp(
            "The folder that all which a kustomization draws in must lie in; otherwise its Git work tree.",
            valueName: "folder"))
    var root: String?

    /// The files, rendered.
    ///
    /// - Parameter namespace: Asked for the application's namespace when a chart wants it and no document says it.
    func read(
        for application: ApplicationName, namespace: () async throws -> String
    ) async throws -> (files: [SourceFile], warnings: [String]) {
        let written = try document.map { try Self.application(application, in: $0) }
        let paths = files.isEmpty ? [try manifests(of: application, written)] : files
        let sources = ReleaseSources(
            application: application,
            chart: .init(values: values, set: set, kubeVersion: kubeVersion, apiVersions: apiVersions),
            review: KustomizationReview(allowsHelm: allowHelm, allowsRemote: allowRemote, root: root),
            program: RenderingProgram(
                environment: ProcessInfo.processInfo.environment, allowsRemote: allowRemote))
        return try await sources.read(paths) {
            if let written { return written.namespace }
            return try await namespace()
        }
    }

    /// An application as a document has it.
    private static func application(_ name: ApplicationName, in document: String) throws -> Application {
        let set: DocumentSet
        do {
            set = try DocumentReader.read(SourceFiles.read([document], keepsForeign: true).files)
        } catch let errors as DocumentErrors {
            throw CommandError(errors)
        }
        guard let application = set.applications.first(where: { $0.value.name == name })?.value else {
            throw CommandError(code: .refused, message: "'\(document)' has no application '\(name)'")
        }
        return application
    }

    /// The folder that a document names, which lies below the document's own. What the server says of it is not asked: whoever
    /// may change it there would choose which files of this machine are sent.
    private func manifests(of name: ApplicationName, _ application: Application?) throws -> String {
        guard let document, let application else {
            throw CommandError(
                code: .usage,
                message: "give the manifests with -f PATH, or with --document FILE the document that names them")
        }
        guard let manifests = application.manifests else {
            throw CommandError(
                code: .refused,
                message: "application '\(name)' in '\(document)' does not name its manifests; give -f PATH")
        }
        let parts = document.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let folder = parts.isEmpty ? "." : parts.joined(separator: "/") + "/"
        let path = parts.isEmpty ? manifests : folder + manifests
        guard let real = FolderWalk.realPath(path) else {
            throw CommandError(code: .refused, message: "there is no '\(path)', which '\(document)' names")
        }
        guard Application.isPathBelow(manifests), let root = FolderWalk.realPath(folder),
            FolderWalk.isBelow(real, root)
        else {
            throw CommandError(
                code: .refused,
                message: "'\(path)', which '\(document)' names, leads out of the document's folder, to '\(real)'; "
                    + "give it with -f")
        }
        return path
    }
}
