internal import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// What is rendered without a server meets what a server would say of it.
@Suite struct ReleaseLimitTests {
    private func map(_ name: String, _ data: String = "{}") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\ndata: \(data)\n---\n"
    }

    private func refusal(_ text: String) -> String? {
        do throws(DocumentErrors) {
            _ = try WrittenObjects.read([SourceFile(name: "m.yaml", content: text)])
            return nil
        } catch {
            return error.description
        }
    }

    @Test func oneObjectIsThereOnce() {
        #expect(refusal(map("a") + map("b") + map("a"))?.contains("m.yaml:11: metadata.name: ") == true)
        let there = refusal(map("a") + map("a"))
        #expect(there?.contains("is there already, at m.yaml:1") == true, "\(there ?? "")")
        // Which namespace an object without one is in is the application's to say.
        let other = map("a") + map("a").replacing("{name: a}", with: "{name: a, namespace: shop}")
        #expect(refusal(other) == nil)
    }

    @Test func thereAreAsManyObjectsAsAReleaseMayHave() {
        let many = (0...ReleaseAssembler.maximumObjects).map { map("a\($0)") }
        #expect(refusal(many.dropLast().joined()) == nil)
        #expect(refusal(many.joined())?.contains("there are 5001 objects; a release may have 5000") == true)
    }

    @Test func theyAreAsLargeAsAReleaseMayBe() {
        let text = String(repeating: "#", count: ReleaseAssembler.maximumSize + 1)
        #expect(refusal(map("a") + text)?.contains("a release may have 16777216") == true)
        // Each alias is its text again.
        let row = "[" + Array(repeating: "*a", count: 400).joined(separator: ", ") + "]"
        let bomb =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\nx: &a \(String(repeating: "y", count: 50_000))\nz: \(row)\n"
        #expect(refusal(bomb) != nil)
    }

    @Test func aTabIsCalledOne() {
        let told = refusal("apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n")
        #expect(told?.contains("m.yaml:4: ") == true && told?.contains("indented with spaces") == true, "\(told ?? "")")
    }

    @Test func namesOfReferencesStayOpen() {
        #expect(refusal(map("'web-${region}'", "{a: '${b:integer} ${', c: $x}")) == nil)
    }

    @Test func whatIsSwellsOwnIsToldWithoutAServer() {
        let text = "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: a}\n"
        #expect(refusal(text)?.contains("`swell apply` takes") == true)
    }

    @Test func aSlashMayBeWrittenAsJSONHasIt() throws {
        let text = """
            ---
            # Source: c/templates/j.yaml
            {"apiVersion": "batch\\/v1", "kind": "Job", "metadata": {"name": "j", "annotations": {"helm.sh\\/hook": "pre-install"}}}
            """
        let output = try ChartOutput(text, chart: "c")
        #expect(output.files.first?.content.contains("swell.dev/hook: before") == true, "\(output.files)")
    }

    @Test(arguments: [
        ("helm.sh/hook: pre-install\n    helm.sh/hook-delete-policy: hook-suceeded", "did you mean 'hook-succeeded'?"),
        ("helm.sh/hook: pre-install\n    helm.sh/hook-weight: five", "helm.sh/hook-weight"),
        ("helm.sh/resource-policy: kep", "did you mean 'keep'?"),
    ])
    func wordsOfChartsThatHelmDoesNotKnowAreTold(annotations: String, expected: String) throws {
        let text =
            "---\n# Source: c/templates/j.yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations:\n    \(annotations)\n"
        let warnings = try ChartOutput(text, chart: "c").warnings
        #expect(warnings.contains { $0.contains(expected) }, "\(warnings)")
    }

    /// A template of one line asks for as much memory as it likes.
    @Test func whatRendersHasSoMuchMemoryAndNoMore() async throws {
        let helm = "#!/bin/sh\nwhile dd if=/dev/zero of=/dev/null bs=300M count=1; do :; done\nexit 1\n"
        try await SourceFolder.with(["bin/helm": helm, "chart/Chart.yaml": "name: x\n"]) { folder in
            var sources = SourceFolder.sources(["PATH": "\(folder)/bin:/usr/bin:/bin"])
            sources.program.memory = 128 << 20
            let limited = sources
            let error = await #expect(throws: CommandError.self) {
                _ = try await limited.read(["\(folder)/chart"]) { "x" }
            }
            #expect(error?.message.contains("took more than 128 MiB of memory") == true, "\(error?.message ?? "")")
        }
    }

    @Test func anUnknownHookOfAChartIsToldWithTheNearest() {
        let text =
            "---\n# Source: c/templates/j.yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations: {helm.sh/hook: pre-instal}\n"
        let error = #expect(throws: CommandError.self) { try ChartOutput(text, chart: "c") }
        #expect(error?.message.contains("did you mean 'pre-install'?") == true, "\(error?.message ?? "")")
    }
}

/// What a kustomization draws in, and how often.
@Suite struct KustomizationBoundTests {
    private let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

    private func refusal(_ files: [String: String], _ path: String) async throws -> String? {
        var message: String?
        try await SourceFolder.with(files) { folder in
            do {
                try KustomizationReview().check("\(folder)/\(path)")
            } catch let error as CommandError {
                message = error.message.replacing(folder, with: "")
            }
        }
        return message
    }

    /// Kustomize builds a base once for each that draws it in, and those once for each of theirs.
    @Test func basesCountAsOftenAsTheyAreBuilt() async throws {
        var files = ["d0/kustomization.yaml": "resources: [m.yaml]\n", "d0/m.yaml": map]
        for level in 1...12 {
            for side in ["a", "b"] {
                files["d\(level)\(side)/kustomization.yaml"] =
                    level == 1 ? "resources: [../d0]\n" : "resources: [../d\(level - 1)a, ../d\(level - 1)b]\n"
            }
        }
        #expect(try await refusal(files, "d4a") == nil)
        let told = try await refusal(files, "d12a")
        #expect(told?.contains("kustomizations are built") == true, "\(told ?? "")")
    }

    @Test func oneThatDrawsItselfInIsRefused() async throws {
        let told = try await refusal(
            ["a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"], "a")
        #expect(told?.contains("draws itself in") == true, "\(told ?? "")")
    }

    @Test func whatLiesBeyondTheRootIsRefusedWithItsLine() async throws {
        let files = [
            "elsewhere/kustomization.yaml": "resources: [m.yaml]\n", "elsewhere/m.yaml": map,
            "base/kustomization.yaml": "namePrefix: x-\nresources:\n- ../../elsewhere\n",
            "r/base/kustomization.yaml": "namePrefix: x-\nresources:\n- ../../elsewhere\n",
            "r/overlays/eu/prod/kustomization.yaml": "resources:\n- ../../../../elsewhere\n",
            "r/overlays/prod/kustomization.yaml": "resources: [../../base]\n",
            "r/.git/HEAD": "",
        ]
        let told = try await refusal(files, "r/overlays/eu/prod")
        #expect(
            told?.hasPrefix(
                "'/r/overlays/eu/prod/kustomization.yaml', line 2: resources: '../../../../elsewhere' lies outside of '/r'"
            )
                == true, "\(told ?? "")")
        #expect(told?.contains("--root") == true)
        try await SourceFolder.with(files) { folder in
            try KustomizationReview(root: folder).check("\(folder)/r/overlays/eu/prod")
            let error = #expect(throws: CommandError.self) {
                try KustomizationReview(root: "\(folder)/base").check("\(folder)/r/overlays/prod")
            }
            #expect(error?.message.contains("which --root names") == true)
        }
        let inner = try await refusal(files, "r/overlays/prod")
        #expect(
            inner?.contains("base/kustomization.yaml', line 3: resources: '../../elsewhere' lies outside of") == true)
    }
}
