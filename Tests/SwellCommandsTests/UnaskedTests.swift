internal import ArgumentParser
internal import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// What nobody asked for does not happen: no code from manifests runs, nothing remote is fetched, no file of this machine is
/// read because somebody else named it.
@Suite struct UnaskedTests {
    private let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

    private func refusal(
        _ files: [String: String], _ review: KustomizationReview = KustomizationReview(), path: String = "app"
    ) async throws -> String {
        var message = ""
        try await SourceFolder.with(files) { folder in
            let error = #expect(throws: CommandError.self) { try review.check("\(folder)/\(path)") }
            message = error?.message.replacing(folder, with: "") ?? ""
        }
        return message
    }

    @Test(arguments: [
        "https://example.com/a.yaml", "github.com/org/repo//base?ref=v1", "git@example.com:org/repo.git",
        "ssh://git@example.com/org/repo", "git::https://example.com/x", "example.com/repo.git/base", "gh:org/repo",
        "host.example.com/org/repo//deploy", "user@host.example.com:repo", "https://example.com/_git/x",
        "GitHub.com/a/b",
        "file:///etc", "../x?ref=main",
    ])
    func nothingRemoteIsFetched(entry: String) async throws {
        for key in ["resources", "bases", "components", "transformers", "configurations", "crds"] {
            let told = try await refusal(["app/kustomization.yaml": "\(key): ['\(entry)']\n"])
            #expect(
                told.hasPrefix("'/app/kustomization.yaml': \(key): '\(entry)' is not on this machine; fetch it first"),
                "\(told)")
        }
        for text in [
            "patches: [{path: '\(entry)'}]", "configMapGenerator: [{name: a, files: ['x=\(entry)']}]",
            "secretGenerator: [{name: a, envs: ['\(entry)']}]", "openapi: {path: '\(entry)'}",
            "replacements: [{path: '\(entry)'}]",
        ] where !entry.contains("=") {
            #expect(try await refusal(["app/kustomization.yaml": text + "\n"]).contains("is not on this machine"))
        }
        try await SourceFolder.with(["app/kustomization.yaml": "resources: ['\(entry)']\n"]) { folder in
            try KustomizationReview(allowsRemote: true).check("\(folder)/app")
        }
    }

    @Test(arguments: ["../base", "map.yaml", "./a/b", "../../x/y", "a.github.com.yaml", "org-chart", "v1.2/x@y.yaml"])
    func whatIsHereIsNotRemote(entry: String) { #expect(!KustomizationReview.isRemote(entry)) }

    @Test func aBaseIsLookedAtToo() async throws {
        let told = try await refusal([
            "app/kustomization.yaml": "resources: [../base]\n",
            "base/kustomization.yml": "resources: ['https://example.com/a']\n",
        ])
        #expect(told.hasPrefix("'/app/../base/kustomization.yml': resources: "), "\(told)")
    }

    @Test func chartsAreRenderedOnlyWhereAllowedAndNeverWithPlugins() async throws {
        let chart = "helmCharts: [{name: x}]\n"
        #expect(try await refusal(["app/kustomization.yaml": chart]).contains("--allow-helm lets it"))
        let allowed = KustomizationReview(allowsHelm: true)
        let plugins = try await refusal(
            ["app/kustomization.yaml": chart + "helmGlobals: {configHome: app/.evil}\n"], allowed)
        #expect(plugins.contains("configHome would have helm load plugins from there"), "\(plugins)")
        let fetched = try await refusal(
            ["app/kustomization.yaml": "helmCharts: [{name: x, repo: 'evil://x'}]\n"], allowed)
        #expect(fetched.contains("repo is not on this machine"), "\(fetched)")
        let outside = try await refusal(
            ["app/kustomization.yaml": chart + "helmGlobals: {chartHome: ../charts}\n"], allowed)
        #expect(outside.contains("leads out of the kustomization's folder"), "\(outside)")
        let generator = "kind: HelmChartInflationGenerator\nname: x\nconfigHome: plugins\n"
        let inFile = try await refusal(
            ["app/kustomization.yaml": "generators: [g.yaml]\n", "app/g.yaml": generator], allowed)
        #expect(inFile.contains("configHome"), "\(inFile)")
    }

    /// Kustomize reads keys however they are written, and takes generators from files, folders, lists and texts.
    @Test(arguments: [
        ["app/kustomization.yaml": "Resources: ['https://example.com/a.yaml']\n"],
        ["app/kustomization.yaml": "OpenAPI: {Path: 'https://example.com/a.json'}\n"],
        [
            "app/kustomization.yaml": "generators: [g.yaml]\n",
            "app/g.yaml": "kind: ConfigMapGenerator\nfiles: ['a=https://example.com/a.yaml']\n",
        ],
        [
            "app/kustomization.yaml": "transformers: [t.yaml]\n",
            "app/t.yaml": "kind: List\nitems: [{kind: PatchTransformer, path: 'https://example.com/a.yaml'}]\n",
        ],
        ["app/kustomization.yaml": "generators: ['{kind: ConfigMapGenerator, files: [a=https://example.com/a]}']\n"],
        [
            "app/kustomization.yaml": "generators: [gen]\n", "app/gen/kustomization.yaml": "resources: [g.yaml]\n",
            "app/gen/g.yaml": "kind: SecretGenerator\nenvs: ['https://example.com/a']\n",
        ],
    ])
    func nothingRemoteIsFetchedHoweverItIsWritten(files: [String: String]) async throws {
        #expect(try await refusal(files).contains("is not on this machine"))
    }

    @Test(arguments: [
        ["app/kustomization.yaml": "HelmCharts: [{name: x}]\nHelmGlobals: {ConfigHome: evil}\n"],
        ["app/kustomization.yaml": "generators: ['{kind: HelmChartInflationGenerator, name: x, configHome: evil}']\n"],
        [
            "app/kustomization.yaml": "generators: [gen]\n", "app/gen/kustomization.yaml": "resources: [g.yaml]\n",
            "app/gen/g.yaml": "kind: HelmChartInflationGenerator\nname: x\nconfigHome: evil\n",
        ],
    ])
    func pluginsAreFoundHoweverTheyAreWritten(files: [String: String]) async throws {
        #expect(try await refusal(files, KustomizationReview(allowsHelm: true)).contains("helm load plugins"))
        #expect(try await refusal(files).contains("--allow-helm lets it"))
    }

    @Test func oneKeyInTwoSpellingsIsRefused() async throws {
        let told = try await refusal(["app/kustomization.yaml": "resources: []\nResources: []\n"])
        #expect(told.contains("'resources' stands there twice, in two spellings"), "\(told)")
    }

    @Test(arguments: [
        ##"{"$schema": "https://example.com/meta.json"}"##, ##"{"$dynamicRef": "file:///etc/passwd"}"##,
        ##"{"$recursiveRef": "https://example.com/a"}"##,
    ])
    func aSchemaRefersToNothingElsewhere(schema: String) async throws {
        try await SourceFolder.with(["c/values.schema.json": schema]) { folder in
            let error = #expect(throws: CommandError.self) { try ChartReview().check("\(folder)/c") }
            #expect(error?.message.contains("which is not of the chart") == true)
        }
    }

    @Test func aSchemaThatCannotBeLookedAtIsRefusedAndOnesOfPackagedChartsAreNotFollowed() async throws {
        let twice = ##"{"é": 1, "e\#u{301}": 2, "$ref": "https://example.com/a"}"##
        try await SourceFolder.with(["c/values.schema.json": twice]) { folder in
            let error = #expect(throws: CommandError.self) { try ChartReview().check("\(folder)/c") }
            #expect(error?.message.contains("no JSON that can be looked at") == true)
        }
        let known = ##"{"$schema": "http://json-schema.org/draft-07/schema#"}"##
        try await SourceFolder.with(["c/values.schema.json": known, "p/charts/x-1.tgz": ""]) { folder in
            let unpacked = try ChartReview().check("\(folder)/c")
            #expect(!unpacked)
            for path in ["p", "p/charts/x-1.tgz"] {
                let isPackaged = try ChartReview().check("\(folder)/\(path)")
                #expect(isPackaged, "\(path)")
            }
        }
    }

    @Test func aChartReadsNothingBeyondItself() async throws {
        try await SourceFolder.with(["c/Chart.yaml": "name: c\n", "secret.txt": "x"]) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/c/notes.txt", withDestinationPath: "../secret.txt")
            let error = #expect(throws: CommandError.self) { try ChartReview().check("\(folder)/c") }
            #expect(error?.message.contains("is a symbolic link out of") == true)
        }
        let schema = ##"{"properties": {"a": {"$ref": "https://example.com/a.json"}, "b": {"$ref": "#/x"}}}"##
        try await SourceFolder.with(["c/values.schema.json": schema]) { folder in
            let error = #expect(throws: CommandError.self) { try ChartReview().check("\(folder)/c") }
            #expect(
                error?.message.contains("refers to 'https://example.com/a.json', which is not of the chart") == true)
        }
    }

    @Test func programsSeeNeitherCredentialsNorSettings() {
        let variables = RenderingEnvironment.variables(
            from: [
                "PATH": "/usr/bin:bin::./x:/bin", "HOME": "/home/me", "SWELL_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "k",
                "KUBECONFIG": "/k", "HELM_PLUGINS": "/p", "LC_ALL": "C", "GITHUB_TOKEN": "g", "https_proxy": "http://p",
            ], home: "/scratch", allowsRemote: false)
        #expect(variables["PATH"] == "/usr/bin:/bin" && variables["HOME"] == "/scratch" && variables["LC_ALL"] == "C")
        #expect(!variables.values.contains { ["t", "k", "g", "/k", "/p", "http://p", "/home/me"].contains($0) })
        #expect(variables["GIT_ALLOW_PROTOCOL"] == "none" && variables["HTTPS_PROXY"] == "http://127.0.0.1:9")
        let remote = RenderingEnvironment.variables(
            from: ["https_proxy": "http://p"], home: "/s", allowsRemote: true)
        #expect(remote["https_proxy"] == "http://p" && remote["GIT_ALLOW_PROTOCOL"] == nil)
    }

    @Test func aProgramRunsInAHomeThatGoesAway() async throws {
        let script = "#!/bin/sh\necho \"home: $HOME token: [$SWELL_TOKEN]\"\n/bin/ls -A \"$HOME\"\n"
        try await SourceFolder.with(["bin/helm": script]) { folder in
            let program = RenderingProgram(environment: ["PATH": "\(folder)/bin", "SWELL_TOKEN": "x", "HOME": folder])
            let lines = try await program.output(of: "helm", []).text.split(separator: "\n").map(String.init)
            #expect(lines.count == 1 && lines[0].hasSuffix("token: []") && !lines[0].contains(folder), "\(lines)")
            let home = String(lines[0].dropFirst("home: ".count).prefix { $0 != " " })
            #expect(!FileManager.default.fileExists(atPath: home))
        }
    }

    @Test(arguments: [["release", "create"], ["release", "render"]])
    func noPathIsTakenFromTheServer(words: [String]) async throws {
        let options = try ManifestOptions.parse([])
        let error = await #expect(throws: CommandError.self) {
            _ = try await options.read(for: "shop") { "x" }
        }
        #expect(error?.code == .usage && error?.message.contains("give the manifests with -f PATH") == true)
    }

    @Test func aDocumentLeadsNowhereElse() async throws {
        let text =
            "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec: {namespace: a, manifests: m}\n"
        try await SourceFolder.with(["d/app.yaml": text, "d/m/a.yaml": map, "other/b.yaml": map]) { folder in
            let options = try ManifestOptions.parse(["--document", "\(folder)/d/app.yaml"])
            #expect(try await options.read(for: "shop") { "x" }.files.map(\.name) == ["\(folder)/d/m/a.yaml"])
            try FileManager.default.removeItem(atPath: "\(folder)/d/m")
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/d/m", withDestinationPath: "../other")
            let error = await #expect(throws: CommandError.self) {
                _ = try await options.read(for: "shop") { "x" }
            }
            #expect(error?.message.contains("leads out of the document's folder") == true, "\(error?.message ?? "")")
        }
    }

    @Test func whatIsNoManifestIsNotSent() {
        for (text, expected) in [
            ("-----BEGIN KEY-----\nabc: [\n", "x:"),
            ("a: 1\n", "x:1: this is no Kubernetes object: apiVersion is missing"),
            (
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: 'a-${b}'\n  namespace: 20417\n",
                "x:5: ConfigMap a-${b}: metadata.namespace must be a string, not an integer; write it in quotes: \"20417\""
            ),
            ("just words\n", "x:1: expected a Kubernetes object"),
            ("apiVersion: v1\nkind: 3\n", "kind is missing, or is no text"),
        ] {
            let error = #expect(throws: DocumentErrors.self) {
                try WrittenObjects.read([SourceFile(name: "x", content: text)])
            }
            #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
        }
    }

    @Test(.enabled(if: SourceFolder.isInstalled("kubectl"), "kubectl is not installed"))
    func aKustomizationKeepsToItsRoot() async throws {
        try await SourceFolder.with(["app/kustomization.yaml": "resources: [../secret.yaml]\n", "secret.yaml": map]) {
            folder in
            let error = await #expect(throws: CommandError.self) {
                _ = try await SourceFolder.sources(SourceFolder.environment).read(["\(folder)/app"]) { "x" }
            }
            #expect(error?.message.contains("is not in or below") == true, "\(error?.message ?? "")")
        }
    }
}
