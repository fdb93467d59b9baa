internal import FoundationEssentials
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// The variables that tests run with.
private let environment = ProcessInfo.processInfo.environment

private func isInstalled(_ program: String) -> Bool {
    (environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
}

@Suite struct ReleaseSourcesTests {
    /// A folder that goes away after the test.
    private func withFolder(_ files: [String: String], _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-sources-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, content) in files {
            let path = "\(folder)/\(name)"
            let parent = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try Data(content.utf8).write(to: URL(filePath: path))
            if name.hasPrefix("bin/") {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
        }
        try await body(folder)
    }

    private func sources(
        _ environment: [String: String], values: [String] = [], timeout: Duration = .seconds(60)
    ) -> ReleaseSources {
        ReleaseSources(
            application: "shop", values: values,
            program: RenderingProgram(environment: environment, timeout: timeout))
    }

    private let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    private let kustomization = """
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        namePrefix: eu-
        resources: [map.yaml]
        """

    @Test(.enabled(if: isInstalled("kubectl"), "kubectl is not installed"))
    func rendersAKustomizationWithKubectl() async throws {
        try await withFolder(["app/kustomization.yaml": kustomization, "app/map.yaml": map, "plain/b.yaml": map]) {
            folder in
            let (files, warnings) = try await sources(environment).read(["\(folder)/app", "\(folder)/plain"]) { "x" }
            #expect(files.map(\.name) == ["\(folder)/app (kubectl kustomize)", "\(folder)/plain/b.yaml"])
            #expect(files[0].content.contains("name: eu-settings"))
            #expect(!files[0].content.contains("Kustomization"))
            #expect(warnings.isEmpty)
        }
    }

    @Test(.enabled(if: isInstalled("kubectl"), "kubectl is not installed"))
    func tellsWhatKubectlComplainsOf() async throws {
        try await withFolder(["app/kustomization.yaml": kustomization]) { folder in
            let error = await #expect(throws: CommandError.self) {
                _ = try await sources(environment).read(["\(folder)/app"]) { "x" }
            }
            #expect(error?.message.contains("\(folder)/app': kubectl kustomize: ") == true)
            #expect(error?.message.contains("map.yaml") == true)
        }
    }

    @Test func saysWhichProgramToInstall() async throws {
        try await withFolder([
            "app/kustomization.yml": kustomization, "chart/Chart.yaml": "name: shop\n", "bin/x": "",
        ]) { folder in
            let bare = sources(["PATH": "\(folder)/bin"])
            let kustomize = await #expect(throws: CommandError.self) {
                _ = try await bare.read(["\(folder)/app"]) { "x" }
            }
            #expect(kustomize?.message.contains("neither kubectl nor kustomize is installed") == true)
            let helm = await #expect(throws: CommandError.self) { _ = try await bare.read(["\(folder)/chart"]) { "x" } }
            #expect(helm?.message.contains("is a Helm chart, and helm is not installed here; install helm") == true)
        }
    }

    @Test func givesAChartItsNameNamespaceAndValues() async throws {
        let helm = "#!/bin/sh\necho \"# $* [$SWELL_TOKEN]\"\necho 'kind: Job # helm.sh/hook'\n"
        try await withFolder(["bin/helm": helm, "chart/Chart.yaml": "name: x\n", "a.yaml": "", "b.yaml": ""]) {
            folder in
            let values = ["\(folder)/a.yaml", "\(folder)/b.yaml"]
            let chart = sources(["PATH": "\(folder)/bin", "SWELL_TOKEN": "secret"], values: values)
            let (files, warnings) = try await chart.read(["\(folder)/chart"]) { "shop-system" }
            let call = "template shop \(folder)/chart --namespace shop-system --include-crds --skip-tests"
            #expect(
                files.first?.content.hasPrefix("# \(call) --values \(values[0]) --values \(values[1]) []\n") == true)
            #expect(warnings.count == 1 && warnings[0].contains("swell.dev/hook"))
        }
    }

    @Test func refusesValuesWithoutAChart() async throws {
        try await withFolder(["plain/a.yaml": map, "chart/Chart.yaml": ""]) { folder in
            let plain = sources(environment, values: ["\(folder)/v.yaml"])
            let noChart = await #expect(throws: CommandError.self) {
                _ = try await plain.read(["\(folder)/plain"]) { "x" }
            }
            #expect(noChart?.code == .usage && noChart?.message.contains("has no Chart.yaml") == true)
            let missing = await #expect(throws: CommandError.self) {
                _ = try await plain.read(["\(folder)/chart"]) { "x" }
            }
            #expect(missing?.message.contains("there is no file '\(folder)/v.yaml'") == true)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func endsAProgramThatHangsOrPrintsWithoutEnd() async throws {
        // What the program starts holds its output open too, and ends with it.
        let hanging = "#!/bin/sh\n/bin/sleep 300 & /bin/sleep 300\n"
        let endless = "#!/bin/sh\nexec /usr/bin/yes 0123456789012345678901234567890123456789\n"
        try await withFolder([
            "app/kustomization.yaml": kustomization, "bin/kubectl": hanging, "chart/Chart.yaml": "",
            "bin/helm": endless,
        ]) { folder in
            let short = sources(["PATH": "\(folder)/bin"], timeout: .milliseconds(200))
            let late = await #expect(throws: CommandError.self) { _ = try await short.read(["\(folder)/app"]) { "x" } }
            #expect(late?.message.contains("kubectl kustomize: did not end within") == true)
            let long = sources(["PATH": "\(folder)/bin"])
            let large = await #expect(throws: CommandError.self) {
                _ = try await long.read(["\(folder)/chart"]) { "x" }
            }
            #expect(large?.message.contains("printed more than 24 MiB") == true, "\(large?.message ?? "")")
        }
    }
}
