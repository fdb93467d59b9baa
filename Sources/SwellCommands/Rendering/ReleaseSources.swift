private import FoundationEssentials
internal import SwellModel

/// The manifests of a release as they will be stored: folders that are a kustomization or a chart are rendered here, at
/// release time, so that what every cluster gets is what was seen when the release was made.
struct ReleaseSources: Sendable {
    /// How a folder says what it is.
    enum Form: Sendable, Hashable {
        case kustomization
        case chart
    }

    var application: ApplicationName
    var chart = ChartSettings()
    /// What kustomizations may do beside putting files of theirs together.
    var review = KustomizationReview()
    var program: RenderingProgram

    /// How a chart is rendered.
    struct ChartSettings: Sendable, Hashable {
        /// The files of values, the last one winning.
        var values: [String] = []
        /// `key=value`, winning over the files.
        var set: [String] = []
        /// What `.Capabilities.KubeVersion` says; helm's own default where it is nil.
        var kubeVersion: String?
        /// What `.Capabilities.APIVersions` has beside helm's own list.
        var apiVersions: [String] = []

        var arguments: [String] {
            values.flatMap { ["--values", ReleaseSources.local($0)] } + set.flatMap { ["--set", $0] }
                + (kubeVersion.map { ["--kube-version", $0] } ?? []) + apiVersions.flatMap { ["--api-versions", $0] }
        }
    }

    /// What a path has to be rendered as; nil for files and for folders of plain manifests.
    static func form(of path: String) -> Form? {
        if path.hasSuffix(".tgz") { return .chart }
        func has(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: path.hasSuffix("/") ? path + name : "\(path)/\(name)")
        }
        if KustomizationReview.names.contains(where: has) { return .kustomization }
        return has("Chart.yaml") ? .chart : nil
    }

    /// Reads and renders, in the order of the paths.
    ///
    /// - Parameter namespace: Asked for the application's namespace when a chart wants it.
    func read(
        _ paths: [String], namespace: () async throws -> String
    ) async throws -> (files: [SourceFile], warnings: [String]) {
        for path in paths where path.contains("://") {
            throw CommandError(
                code: .refused,
                message: "'\(path)' is not on this machine; fetch it first, so that what is released can be seen: "
                    + (path.hasPrefix("oci:") ? "helm pull \(path) --untar" : "git clone, helm pull or curl")
                    + ", then name the folder or file")
        }
        let forms = paths.map { $0 == "-" ? nil : Self.form(of: $0) }
        guard chart == ChartSettings() || forms.contains(.chart) else {
            throw CommandError(
                code: .usage,
                message: "--values, --set, --kube-version and --api-versions are for a Helm chart, and "
                    + "\(paths.joined(separator: ", ")) has no Chart.yaml")
        }
        for file in chart.values where !FileManager.default.fileExists(atPath: file) {
            throw CommandError(code: .refused, message: "there is no file '\(file)', which --values names")
        }
        var files: [SourceFile] = []
        var warnings: [String] = []
        for (path, form) in zip(paths, forms) {
            switch form {
            case nil: files += try plain(path)
            case .kustomization:
                let (output, notes) = try await kustomization(path)
                files.append(output)
                warnings += notes
            case .chart:
                let (output, notes) = try await render(chart: path, namespace: try await namespace())
                files += output
                warnings += notes
            }
        }
        let size = files.reduce(0) { $0 + $1.content.utf8.count }
        guard size <= SourceFiles.maximumBytes else {
            throw CommandError(
                code: .refused, message: "the manifests have more than \(SourceFiles.maximumBytes >> 20) MiB together")
        }
        return (files, warnings)
    }

    private func plain(_ path: String) throws -> [SourceFile] {
        let files = try SourceFiles.read([path], keepsForeign: true).files
        for file in files where file.name != path {
            let parts = file.name.split(separator: "/", omittingEmptySubsequences: false)
            let folder = parts.dropLast().joined(separator: "/")
            guard let name = parts.last, name == "Chart.yaml" || KustomizationReview.names.contains(String(name)) else {
                continue
            }
            let form = name == "Chart.yaml" ? "a Helm chart" : "a kustomization"
            throw CommandError(
                code: .refused,
                message: "'\(folder)' is \(form) within '\(path)', a folder of plain manifests; "
                    + "name each folder by itself: -f \(folder)")
        }
        return files
    }

    private func kustomization(_ path: String) async throws -> (file: SourceFile, warnings: [String]) {
        try review.check(path)
        for (name, word) in [("kubectl", "kustomize"), ("kustomize", "build")] {
            let call = "\(name) \(word)"
            let arguments = [word] + (review.allowsHelm ? ["--enable-helm"] : []) + [Self.local(path)]
            if let output = try await render(path, name, arguments, call: call) {
                return (SourceFile(name: "\(path) (\(call))", content: output.text), output.warnings)
            }
        }
        throw CommandError(
            code: .refused,
            message: "'\(path)' is a kustomization, and neither kubectl nor kustomize is installed here; "
                + "install kubectl, or render it elsewhere and pipe it in with -f -")
    }

    private func render(
        chart path: String, namespace: String
    ) async throws -> (files: [SourceFile], warnings: [String]) {
        // What a packaged chart's schemas refer to is not seen here, and helm would read or fetch it.
        let isPackaged = try ChartReview(allowsRemote: review.allowsRemote).check(path) && !review.allowsRemote
        let arguments =
            [
                "template", application.rawValue, Self.local(path), "--namespace", namespace, "--include-crds",
                "--skip-tests",
            ] + (isPackaged ? ["--skip-schema-validation"] : []) + chart.arguments
        let call = "helm template"
        guard let rendered = try await render(path, "helm", arguments, call: call) else {
            throw CommandError(
                code: .refused,
                message: "'\(path)' is a Helm chart, and helm is not installed here; "
                    + "install helm, or render it elsewhere and pipe it in with -f -")
        }
        var output = try ChartOutput(rendered.text, chart: path)
        // A second time, to find what is another one each time.
        if let again = try await render(path, "helm", arguments, call: call), again.text != rendered.text {
            output.noteDifferences(rendered.text, again.text)
        }
        return (output.files, try ChartLookups.notes(on: path) + output.warnings + rendered.warnings)
    }

    /// What a program prints; nil where it is not installed.
    private func render(
        _ path: String, _ name: String, _ arguments: [String], call: String
    ) async throws -> RenderingProgram.Output? {
        do {
            var output = try await program.output(of: name, arguments)
            guard !output.text.trimmed.isEmpty else {
                let told = output.warnings.isEmpty ? "" : ": " + output.warnings.joined(separator: "\n")
                throw CommandError(code: .refused, message: "'\(path)': \(call) printed nothing\(told)")
            }
            output.warnings = output.warnings.map { "'\(path)': \(call): \($0)" }
            return output
        } catch RenderingProgram.Failure.notInstalled {
            return nil
        } catch RenderingProgram.Failure.failed(let reason) {
            throw CommandError(code: .refused, message: "'\(path)': \(call): \(reason)")
        }
    }

    /// A path that no program takes for an option or for the name of a repository.
    fileprivate static func local(_ path: String) -> String {
        path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") ? path : "./\(path)"
    }
}
