internal import SwellModel
internal import Testing

@testable internal import SwellCommands

@Suite struct ReleaseSourcesTests {
    private let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    private let kustomization = """
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        namePrefix: eu-
        resources: [map.yaml]
        """

    @Test(.enabled(if: SourceFolder.isInstalled("kubectl"), "kubectl is not installed"))
    func rendersAKustomizationWithKubectl() async throws {
        try await SourceFolder.with(["app/kustomization.yaml": kustomization, "app/map.yaml": map, "plain/b.yaml": map])
        {
            folder in
            let (files, warnings) = try await SourceFolder.sources(SourceFolder.environment).read([
                "\(folder)/app", "\(folder)/plain",
            ]) { "x" }
            #expect(files.map(\.name) == ["\(folder)/app (kubectl kustomize)", "\(folder)/plain/b.yaml"])
            #expect(files[0].content.contains("name: eu-settings"))
            #expect(!files[0].content.contains("Kustomization"))
            #expect(warnings.isEmpty)
        }
    }

    @Test(.enabled(if: SourceFolder.isInstalled("kubectl"), "kubectl is not installed"))
    func tellsWhatKubectlWarnsOf() async throws {
        let old = kustomization + "\ncommonLabels: {a: b}\n"
        try await SourceFolder.with(["app/kustomization.yaml": old, "app/map.yaml": map]) { folder in
            let sources = SourceFolder.sources(SourceFolder.environment)
            let warnings = try await sources.read(["\(folder)/app"]) { "x" }.warnings
            #expect(
                warnings.count == 1
                    && warnings[0].hasPrefix("'\(folder)/app': kubectl kustomize: 'commonLabels' is deprecated"),
                "\(warnings)")
        }
    }

    @Test(.enabled(if: SourceFolder.isInstalled("kubectl"), "kubectl is not installed"))
    func tellsWhatKubectlComplainsOf() async throws {
        try await SourceFolder.with(["app/kustomization.yaml": kustomization]) { folder in
            let error = await #expect(throws: CommandError.self) {
                _ = try await SourceFolder.sources(SourceFolder.environment).read(["\(folder)/app"]) { "x" }
            }
            #expect(error?.message.contains("\(folder)/app': kubectl kustomize: ") == true)
            #expect(error?.message.contains("map.yaml") == true)
        }
    }

    @Test(.enabled(if: SourceFolder.isInstalled("kubectl"), "kubectl is not installed"))
    func rendersOverlaysWithPatchesAndGeneratedNames() async throws {
        let overlay = """
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            namespace: shop-prod
            resources: [../base]
            configMapGenerator: [{name: flags, literals: [dark=true]}]
            patches:
              - target: {kind: ConfigMap, name: settings}
                patch: |-
                  - {op: add, path: /data, value: {tier: gold}}
            """
        let base = "resources: [map.yaml]\n"
        try await SourceFolder.with([
            "base/kustomization.yaml": base, "base/map.yaml": map, "prod/kustomization.yaml": overlay,
        ]) { folder in
            let sources = SourceFolder.sources(SourceFolder.environment)
            let text = try await sources.read(["\(folder)/prod"]) { "x" }.files[0].content
            #expect(text.contains("tier: gold") && text.contains("namespace: shop-prod"))
            #expect(text.contains(/name: flags-[a-z0-9]{10}\n/))
            let again = try await sources.read(["\(folder)/prod"]) { "x" }.files[0].content
            #expect(again == text)
        }
    }

    @Test func refusesWhatIsNotOnThisMachine() async throws {
        for path in ["oci://charts.example.com/shop", "https://example.com/shop.tgz"] {
            let error = await #expect(throws: CommandError.self) {
                _ = try await SourceFolder.sources([:]).read([path]) { "x" }
            }
            #expect(error?.message.hasPrefix("'\(path)' is not on this machine; fetch it first") == true)
        }
    }

    @Test func refusesAChartOrKustomizationWithinPlainManifests() async throws {
        try await SourceFolder.with([
            "app/a.yaml": map, "app/redis/Chart.yaml": "name: redis\n", "b/x/kustomization.yaml": "", "b/c.yaml": map,
        ]) { folder in
            for (name, inner, form) in [("app", "redis", "a Helm chart"), ("b", "x", "a kustomization")] {
                let error = await #expect(throws: CommandError.self) {
                    _ = try await SourceFolder.sources([:]).read(["\(folder)/\(name)"]) { "x" }
                }
                #expect(
                    error?.message.hasPrefix("'\(folder)/\(name)/\(inner)' is \(form) within '\(folder)/\(name)'")
                        == true)
            }
        }
    }

    @Test func saysWhichProgramToInstall() async throws {
        try await SourceFolder.with([
            "app/kustomization.yml": kustomization, "chart/Chart.yaml": "name: shop\n", "bin/x": "",
        ]) { folder in
            let bare = SourceFolder.sources(["PATH": "\(folder)/bin"])
            let kustomize = await #expect(throws: CommandError.self) {
                _ = try await bare.read(["\(folder)/app"]) { "x" }
            }
            #expect(kustomize?.message.contains("neither kubectl nor kustomize is installed") == true)
            let helm = await #expect(throws: CommandError.self) { _ = try await bare.read(["\(folder)/chart"]) { "x" } }
            #expect(helm?.message.contains("is a Helm chart, and helm is not installed here; install helm") == true)
        }
    }

    @Test func givesAChartItsNameNamespaceAndValues() async throws {
        let helm = "#!/bin/sh\necho \"# $* [$SWELL_TOKEN]\"\necho 'kind: Job'\n"
        try await SourceFolder.with(["bin/helm": helm, "chart/Chart.yaml": "name: x\n", "a.yaml": "", "b.yaml": ""]) {
            folder in
            let values = ["\(folder)/a.yaml", "\(folder)/b.yaml"]
            let chart = SourceFolder.sources(["PATH": "\(folder)/bin", "SWELL_TOKEN": "secret"], values: values)
            let (files, warnings) = try await chart.read(["\(folder)/chart"]) { "shop-system" }
            let call = "template shop \(folder)/chart --namespace shop-system --include-crds --skip-tests"
            #expect(
                files.first?.content.hasPrefix("# \(call) --values \(values[0]) --values \(values[1]) []\n") == true)
            #expect(warnings.isEmpty)
        }
    }

    @Test func refusesValuesWithoutAChart() async throws {
        try await SourceFolder.with(["plain/a.yaml": map, "chart/Chart.yaml": ""]) { folder in
            let plain = SourceFolder.sources(SourceFolder.environment, values: ["\(folder)/v.yaml"])
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
        try await SourceFolder.with([
            "app/kustomization.yaml": kustomization, "bin/kubectl": hanging, "chart/Chart.yaml": "",
            "bin/helm": endless,
        ]) { folder in
            let short = SourceFolder.sources(["PATH": "\(folder)/bin"], timeout: .milliseconds(200))
            let late = await #expect(throws: CommandError.self) { _ = try await short.read(["\(folder)/app"]) { "x" } }
            #expect(late?.message.contains("kubectl kustomize: did not end within") == true)
            let long = SourceFolder.sources(["PATH": "\(folder)/bin"])
            let large = await #expect(throws: CommandError.self) {
                _ = try await long.read(["\(folder)/chart"]) { "x" }
            }
            #expect(large?.message.contains("printed more than 24 MiB") == true, "\(large?.message ?? "")")
        }
    }
}
