internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// What becomes of Helm's hooks, without Helm.
@Suite struct ChartOutputTests {
    @Test(
        arguments: [
            ("pre-upgrade", "upgrade", nil), ("post-upgrade", "upgrade", nil), ("pre-install", "install", nil),
            ("pre-install,pre-upgrade", nil, nil), ("pre-install,post-install", "install", nil),
            ("pre-install,post-install,pre-upgrade,post-upgrade", nil, nil),
            ("pre-upgrade,pre-rollback", "upgrade", "run"),
        ] as [(String, String?, String?)])
    func aHookRunsWhereHelmWouldRunIt(events: String, occasion: String?, onReturn: String?) throws {
        let text = """
            ---
            # Source: c/templates/h.yaml
            apiVersion: batch/v1
            kind: Job
            metadata: {name: h, annotations: {helm.sh/hook: "\(events)"}}
            spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: m}]}}}
            """
        let output = try ChartOutput(text, chart: "c")
        let object = try #require(try output.files.flatMap { try Manifest.objects(in: $0.content) }.first)
        #expect(object.annotations["swell.dev/hook-on"] == occasion)
        #expect(object.annotations["swell.dev/hook-on-return"] == onReturn)
        #expect(output.warnings.isEmpty, "\(output.warnings)")
    }

    @Test func everyHookThatHasNoFormIsTold() throws {
        let text = ["a", "b"].map {
            "---\n# Source: c/templates/\($0).yaml\napiVersion: batch/v1\nkind: Job\n"
                + "metadata: {name: \($0), annotations: {helm.sh/hook: \"pre-install,post-upgrade\"}}\n"
        }
        let error = #expect(throws: CommandError.self) { try ChartOutput(text.joined(), chart: "c") }
        #expect(error?.message.contains("'c/templates/a.yaml (helm template)': Job a is a hook for") == true)
        #expect(error?.message.contains("'c/templates/b.yaml (helm template)': Job b is a hook for") == true)
    }

    @Test(
        arguments: [
            ("v1", "Pod", "pre-install", "before", "5m"), ("v1", "Pod", "post-install,post-upgrade", "after", "5m"),
            ("v1", "Pod", "post-install, pre-install", "before, after", "5m"),
            ("apps/v1", "Deployment", "pre-install", "before", nil),
            ("apps/v1", "Deployment", "post-install", nil, nil),
            ("v1", "ConfigMap", "pre-install", "before", nil),
        ] as [(String, String, String, String?, String?)])
    func aHookMayBeOfAnyKind(version: String, kind: String, events: String, hook: String?, timeout: String?) throws {
        let text = """
            ---
            # Source: c/templates/h.yaml
            apiVersion: \(version)
            kind: \(kind)
            metadata: {name: h, annotations: {helm.sh/hook: "\(events)"}}
            spec: {restartPolicy: Never}
            """
        let output = try ChartOutput(text, chart: "c")
        let object = try #require(try output.files.flatMap { try Manifest.objects(in: $0.content) }.first)
        #expect(object.annotations["swell.dev/hook"] == hook)
        #expect(object.annotations["swell.dev/hook-timeout"] == timeout)
        #expect(try WrittenObjects.read(output.files).count == 1)
    }

    /// Helm makes what is for installs alone once, and touches it never again: neither at an upgrade, nor where all is removed.
    @Test(
        arguments: [
            ("pre-install", "", true), ("post-install", "", true), ("pre-install,post-install", "", true),
            ("pre-install", "before-hook-creation", true), ("pre-install", "hook-succeeded", false),
            ("pre-install,pre-upgrade", "", false), ("post-upgrade", "", false), ("crd-install", "", false),
            ("post-install,pre-rollback", "", false),
        ])
    func whatIsForInstallsAloneIsMadeOnce(events: String, deletion: String, isMadeOnce: Bool) throws {
        let text = """
            ---
            # Source: c/templates/s.yaml
            apiVersion: v1
            kind: Secret
            metadata: {name: s, annotations: {helm.sh/hook: "\(events)", helm.sh/hook-delete-policy: "\(deletion)"}}
            data: {pw: YTVZczJpcXhZNg==}
            """
        let output = try ChartOutput(text, chart: "c")
        let object = try #require(try output.files.flatMap { try Manifest.objects(in: $0.content) }.first)
        #expect(object.annotations["swell.dev/apply"] == (isMadeOnce ? "once" : nil))
        #expect(object.annotations["swell.dev/prune"] == (isMadeOnce ? "keep" : nil))
        #expect(try WrittenObjects.read(output.files).count == 1)
    }
}
