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
    /// The files of values for a chart, the last one winning.
    var values: [String] = []
    var program: RenderingProgram

    private static let kustomizations = ["kustomization.yaml", "kustomization.yml", "Kustomization"]
    private static let chartHooks = "helm.sh/hook"

    /// What a path has to be rendered as; nil for files and for folders of plain manifests.
    static func form(of path: String) -> Form? {
        func has(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: path.hasSuffix("/") ? path + name : "\(path)/\(name)")
        }
        if kustomizations.contains(where: has) { return .kustomization }
        return has("Chart.yaml") ? .chart : nil
    }

    /// Reads and renders, in the order of the paths.
    ///
    /// - Parameter namespace: Asked for the application's namespace when a chart wants it.
    func read(
        _ paths: [String], namespace: () async throws -> String
    ) async throws -> (files: [SourceFile], warnings: [String]) {
        let forms = paths.map { $0 == "-" ? nil : Self.form(of: $0) }
        guard values.isEmpty || forms.contains(.chart) else {
            throw CommandError(
                code: .usage,
                message: "--values are for a Helm chart, and \(paths.joined(separator: ", ")) has no Chart.yaml")
        }
        for file in values where !FileManager.default.fileExists(atPath: file) {
            throw CommandError(code: .refused, message: "there is no file '\(file)', which --values names")
        }
        var files: [SourceFile] = []
        var warnings: [String] = []
        for (path, form) in zip(paths, forms) {
            switch form {
            case nil: files += try SourceFiles.read([path], keepsForeign: true).files
            case .kustomization: files.append(try await kustomization(path))
            case .chart:
                let chart = try await chart(path, namespace: try await namespace())
                if chart.content.contains(Self.chartHooks) {
                    warnings.append(
                        "the chart '\(path)' has hooks (\(Self.chartHooks)), which Swell applies like any other object; "
                            + "annotate Jobs that are to run before or after with swell.dev/hook")
                }
                files.append(chart)
            }
        }
        let size = files.reduce(0) { $0 + $1.content.utf8.count }
        guard size <= SourceFiles.maximumBytes else {
            throw CommandError(
                code: .refused, message: "the manifests have more than \(SourceFiles.maximumBytes >> 20) MiB together")
        }
        return (files, warnings)
    }

    private func kustomization(_ path: String) async throws -> SourceFile {
        for (name, arguments) in [("kubectl", ["kustomize"]), ("kustomize", ["build"])] {
            let call = ([name] + arguments).joined(separator: " ")
            if let text = try await render(path, name, arguments + [Self.local(path)], call: call) {
                return SourceFile(name: "\(path) (\(call))", content: text)
            }
        }
        throw CommandError(
            code: .refused,
            message: "'\(path)' is a kustomization, and neither kubectl nor kustomize is installed here; "
                + "install kubectl, or render it elsewhere and pipe it in with -f -")
    }

    private func chart(_ path: String, namespace: String) async throws -> SourceFile {
        var arguments = [
            "template", application.rawValue, Self.local(path), "--namespace", namespace, "--include-crds",
            "--skip-tests",
        ]
        for file in values { arguments += ["--values", Self.local(file)] }
        guard let text = try await render(path, "helm", arguments, call: "helm template") else {
            throw CommandError(
                code: .refused,
                message: "'\(path)' is a Helm chart, and helm is not installed here; "
                    + "install helm, or render it elsewhere and pipe it in with -f -")
        }
        return SourceFile(name: "\(path) (helm template)", content: text)
    }

    /// What a program prints; nil where it is not installed.
    private func render(_ path: String, _ name: String, _ arguments: [String], call: String) async throws -> String? {
        do {
            let text = try await program.output(of: name, arguments)
            guard !text.trimmed.isEmpty else {
                throw CommandError(code: .refused, message: "'\(path)': \(call) printed nothing")
            }
            return text
        } catch RenderingProgram.Failure.notInstalled {
            return nil
        } catch RenderingProgram.Failure.failed(let reason) {
            throw CommandError(code: .refused, message: "'\(path)': \(call): \(reason)")
        }
    }

    /// A path that no program takes for an option or for the name of a repository.
    private static func local(_ path: String) -> String {
        path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") ? path : "./\(path)"
    }
}
