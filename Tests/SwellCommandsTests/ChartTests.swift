internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// Charts of ours, rendered by the real helm.
@Suite(.enabled(if: SourceFolder.isInstalled("helm"), "there is no helm on the PATH"), .timeLimit(.minutes(2)))
struct ChartTests {
    private static let chart = [
        "chart/Chart.yaml": "apiVersion: v2\nname: store\nversion: 0.1.0\n",
        "chart/values.yaml": "replicas: 1\ncache: {size: small}\n",
        "chart/templates/NOTES.txt": "Thank you for {{ .Release.Name }}.\n",
        "chart/templates/_helpers.tpl": "{{- define \"store.name\" -}}{{ .Release.Name }}-web{{- end -}}\n",
        "chart/templates/web.yaml": """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: {{ include "store.name" . }}, namespace: {{ .Release.Namespace }}}
        spec:
          replicas: {{ .Values.replicas }}
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "web:1"}]}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: found}
        data: {secret: {{ lookup "v1" "Secret" .Release.Namespace "x" | toJson | quote }}}
        """,
        "chart/crds/feed.yaml": """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: feeds.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {kind: Feed, plural: feeds}
          versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
        """,
        "chart/charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.1.0\n",
        "chart/charts/cache/templates/map.yaml": """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: cache}
        data: {size: {{ .Values.size | quote }}}
        """,
    ]

    private static func hook(_ name: String, kind: String = "Job", _ annotations: String) -> String {
        let group = kind == "Job" ? "batch/v1" : "v1"
        return "apiVersion: \(group)\nkind: \(kind)\nmetadata:\n  name: \(name)\n  annotations: {\(annotations)}\n"
            + (kind == "Job"
                ? "spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: \"m:1\"}]}}}\n" : "")
    }

    private func render(
        _ extra: [String: String] = [:], values: String? = nil, set: [String] = [],
        _ body: (_ files: [SourceFile], _ objects: [JSONValue], _ warnings: [String]) throws -> Void
    ) async throws {
        var files = Self.chart.merging(extra) { _, new in new }
        if let values { files["prod.yaml"] = values }
        try await SourceFolder.with(files) { folder in
            let sources = SourceFolder.sources(
                SourceFolder.environment, values: values == nil ? [] : ["\(folder)/prod.yaml"], set: set)
            let (files, warnings) = try await sources.read(["\(folder)/chart"]) { "shop-system" }
            let objects = try files.flatMap { try YAMLReader.documents(in: $0.content, file: $0.name) }.map(\.root.json)
            try body(files, objects, warnings.map { $0.replacing(folder, with: "") })
        }
    }

    /// The chart asks once for something of the cluster, which is warned of each time.
    private static func isOfLookup(_ warning: String) -> Bool { warning.contains("line 14: lookup finds nothing") }

    private func refusal(_ extra: [String: String], set: [String] = []) async throws -> String {
        let error = await #expect(throws: CommandError.self) { try await render(extra, set: set) { _, _, _ in } }
        return error?.message ?? ""
    }

    private func named(_ name: String, _ objects: [JSONValue]) -> JSONValue? {
        objects.first { $0["metadata"]?["name"]?.stringValue == name }
    }

    @Test func givesReleaseValuesSubchartsAndDefinitions() async throws {
        try await render(values: "replicas: 3\ncache: {size: large}\n", set: ["replicas=5"]) {
            files, objects, warnings in
            let web = named("shop-web", objects)
            #expect(web?["metadata"]?["namespace"] == "shop-system")
            #expect(web?["spec"]?["replicas"] == 5, "--set wins over files")
            #expect(named("cache", objects)?["data"]?["size"] == "large", "values reach a subchart")
            #expect(named("found", objects)?["data"]?["secret"] == "{}", "lookup finds nothing: no cluster is asked")
            #expect(named("feeds.example.com", objects) != nil, "crds/ is included")
            #expect(objects.count == 4, "NOTES.txt is no object")
            #expect(warnings.count == 1 && warnings.allSatisfy(Self.isOfLookup), "\(warnings)")
            let names = files.map { $0.name.split(separator: "/chart/").last.map(String.init) ?? "" }
            #expect(names.contains("templates/web.yaml (helm template)"))
            #expect(names.contains("charts/cache/templates/map.yaml (helm template)"))
            let assembled = try ReleaseAssembler.assemble(
                Application(name: "shop", namespace: "shop-system"), from: files)
            #expect(assembled.objectCount == 4)
        }
    }

    @Test func isTheSameReleaseEachTime() async throws {
        var digests: Set<ContentDigest> = []
        for _ in 0..<2 {
            try await render { files, _, _ in
                digests.insert(
                    try ReleaseAssembler.assemble(Application(name: "shop", namespace: "shop"), from: files).digest)
            }
        }
        #expect(digests.count == 1)
    }

    @Test func warnsOfChance() async throws {
        let secret =
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: {{ randAlphaNum 20 | quote }}}\n"
        try await render(["chart/templates/secret.yaml": secret]) { _, _, all in
            let warnings = all.filter { !Self.isOfLookup($0) }
            #expect(warnings.count == 1)
            #expect(
                warnings.first?.hasPrefix("the chart '/chart' renders differently each time (templates/secret.yaml)")
                    == true)
        }
    }

    @Test func makesHooksOfHooks() async throws {
        let extra = [
            "chart/templates/hooks.yaml": [
                Self.hook("second", "helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-weight: '2'"),
                Self.hook(
                    "first",
                    "helm.sh/hook: 'pre-upgrade, pre-install', helm.sh/hook-weight: '-3', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'"
                ).replacing("spec: {", with: "spec: {activeDeadlineSeconds: 90, "),
                Self.hook("account", kind: "ServiceAccount", "helm.sh/hook: 'pre-install,pre-upgrade'"),
                Self.hook(
                    "last",
                    "helm.sh/hook: post-install, helm.sh/hook-delete-policy: 'hook-succeeded,hook-failed'"),
                Self.hook("bye", "helm.sh/hook: pre-delete"),
                Self.hook("check", kind: "Pod", "helm.sh/hook: test"),
                Self.hook("kept", kind: "ConfigMap", "helm.sh/resource-policy: keep"),
            ].joined(separator: "---\n")
        ]
        try await render(extra) { _, objects, warnings in
            func annotations(_ name: String) -> JSONValue? { named(name, objects)?["metadata"]?["annotations"] }
            #expect(annotations("second") == ["swell.dev/hook": "before", "swell.dev/hook-timeout": "5m"])
            #expect(
                annotations("first") == [
                    "swell.dev/hook": "before", "swell.dev/hook-timeout": "90s", "swell.dev/hook-delete": "on-success",
                ])
            #expect(annotations("account") == ["swell.dev/hook": "before"])
            #expect(annotations("last")?["swell.dev/hook"] == "after")
            #expect(annotations("last")?["swell.dev/hook-delete"] == "always")
            #expect(annotations("kept")?["swell.dev/prune"] == "keep")
            #expect(named("bye", objects) == nil && named("check", objects) == nil)
            let order = objects.compactMap { $0["metadata"]?["name"]?.stringValue }
            #expect(order.suffix(4) == ["first", "account", "last", "second"])
            #expect(
                warnings.filter { !Self.isOfLookup($0) } == [
                    "Job bye of the chart '/chart' is left out: it is a hook for pre-delete"
                ], "\(warnings)")
            #expect(annotations("last")?["swell.dev/hook-on"] == "install")
        }
    }

    @Test func refusesHooksThatItHasNoFormFor() async throws {
        let both = try await refusal([
            "chart/templates/h.yaml": Self.hook("h", "helm.sh/hook: 'pre-install,post-upgrade'")
        ])
        #expect(
            both.contains("templates/h.yaml (helm template)': Job h is a hook for post-upgrade, pre-install, before"))
        let pod = try await refusal([
            "chart/templates/h.yaml": Self.hook(
                "h", kind: "Pod", "helm.sh/hook: 'pre-install,post-install,pre-upgrade'")
        ]
        )
        #expect(pod.contains("make two Pods of it"))
    }

    @Test func passesOnWhatHelmSaysByTheWay() async throws {
        let extra = ["chart/templates/h.yaml": Self.hook("h", "helm.sh/hook: pre-instal")]
        try await render(extra) { _, objects, warnings in
            #expect(named("h", objects) == nil)
            #expect(
                warnings.filter { !Self.isOfLookup($0) } == [
                    "'/chart': helm template: an object is a hook for 'pre-instal', which this Helm does not know, and is left "
                        + "out; did you mean 'pre-install'?"
                ], "\(warnings)")
        }
    }

    @Test func passesOnWhatHelmComplainsOf() async throws {
        let value = try await refusal(["chart/templates/bad.yaml": "a: b\nc: {{ .Values.x.y.z }}\n"])
        #expect(value.contains("chart': helm template: Error: "))
        #expect(value.contains("store/templates/bad.yaml:2:"))
        let syntax = try await refusal(["chart/templates/bad.yaml": "{{ if }}\n"])
        #expect(syntax.contains("store/templates/bad.yaml:1"))
        let yaml = try await refusal(["chart/templates/bad.yaml": "a: b\n c: d\n"])
        #expect(yaml.contains("YAML parse error on store/templates/bad.yaml"))
        let needs =
            "apiVersion: v2\nname: store\nversion: 0.1.0\ndependencies: [{name: redis, version: 1.x.x, repository: 'https://charts.example.com'}]\n"
        let missing = try await refusal(["chart/Chart.yaml": needs])
        #expect(missing.contains("redis") && missing.contains("helm dependency"), "\(missing)")
    }

    @Test func namesBothPlacesOfADouble() async throws {
        let double = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cache}\n"
        try await render(["chart/templates/double.yaml": double]) { files, _, _ in
            let errors = #expect(throws: DocumentErrors.self) {
                try ReleaseAssembler.assemble(Application(name: "shop", namespace: "shop"), from: files)
            }
            let text = "\(errors.map(String.init(describing:)) ?? "")"
            #expect(text.contains("templates/double.yaml (helm template)"), "\(text)")
            #expect(text.contains("charts/cache/templates/map.yaml (helm template)"), "\(text)")
        }
    }
}
