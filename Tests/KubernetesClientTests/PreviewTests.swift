internal import KubernetesObjects
internal import KubernetesSimulator
internal import Testing

@testable internal import KubernetesClient

/// What applying would do, asked of a simulated API server by its dry run.
@Suite(.timeLimit(.minutes(2))) struct PreviewTests {
    private static func secret(_ name: String, _ value: String, field: String = "stringData") -> String {
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: \(name)}
        \(field): {password: "\(value)", user: "\(value)"}
        ---

        """
    }

    @Test func onAnEmptyClusterEverythingWouldBeCreatedAndNothingIs() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.definition + Sample.widget + Sample.configMap("a") + Sample.deployment("web")
                + Sample.job("migrate") + Sample.job("mail", hook: "on-failure")
            let preview = try await server.applier().preview(try Sample.manifest(text))
            #expect(
                preview.summary == [
                    "Namespace shop created", "CustomResourceDefinition widgets.example.com created",
                    "Job migrate created", "ConfigMap a created", "Deployment web created", "Widget gadget created",
                ], "\(preview.objects)")
            #expect(preview.report("migrate")?.isHook == true)
            #expect(preview.report("migrate")?.message.hasPrefix("before hook, at most 10 s") == true)
            #expect(preview.report("a")?.message == "not checked by the API server: its namespace is not there yet")
            #expect(
                preview.report("gadget")?.message == "not checked by the API server: its kind comes with the release")
            #expect(preview.report("a")?.changes.map(\.path.description) == ["data.key"])
            for (kind, name) in [("Namespace", "shop"), ("ConfigMap", "inventory")] {
                #expect(
                    try await server.exists("v1", kind, name, namespace: kind == "Namespace" ? nil : "default") == false
                )
            }
        }
    }

    @Test func whatWouldBeCreatedChangedAndPrunedIsWhatApplyingThenDoes() async throws {
        try await SimulatedServer.run { server in
            let first = Sample.namespace + Sample.configMap("a") + Sample.deployment("web") + Sample.job("migrate")
            let applied = try await server.applier().apply(try Sample.manifest(first))
            #expect(applied.succeeded, "\(applied.objects)")
            let same = try await server.applier().preview(try Sample.manifest(first))
            #expect(same.objects.allSatisfy { $0.outcome == .unchanged }, "\(same.objects)")

            let next = try Sample.manifest(
                Sample.namespace + Sample.configMap("b", "2") + Sample.deployment("web", image: "app:2")
                    + Sample.job("migrate", image: "migrate:2"))
            let preview = try await server.applier().preview(next)
            #expect(
                preview.summary == [
                    "Namespace shop unchanged", "Job migrate created", "ConfigMap b created",
                    "Deployment web configured",
                    "ConfigMap a pruned",
                ])
            #expect(preview.report("migrate")?.message.contains("deleted first") == true)
            #expect(try await server.exists("v1", "ConfigMap", "a"))
            #expect(try await server.exists("v1", "ConfigMap", "b") == false)

            let done = try await server.applier().apply(next)
            func changed(_ result: BundleResult) -> [String] {
                zip(result.summary, result.objects).filter { $1.outcome != .unchanged && !$1.isHook }
                    .filter { $1.reference.type.kind != "Job" }.map(\.0)
            }
            #expect(changed(done) == changed(preview))
            #expect(done.report("web")?.changes.map(\.path) == preview.report("web")?.changes.map(\.path))
        }
    }

    @Test func whatIsRefusedIsToldOfThatObjectAlone() async throws {
        try await SimulatedServer.run { server in
            let base =
                Sample.namespace + Sample.deployment("web")
                + Sample.configMap("kept", annotations: "{swell.dev/prune: keep}")
            #expect(try await server.applier().apply(try Sample.manifest(base)).succeeded)
            let unknown = "apiVersion: nowhere.example/v1\nkind: Thing\nmetadata: {name: thing}\n---\n"
            let invalid = """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: wrong}
                spec:
                  replicas: -1
                  selector: {matchLabels: {app: wrong}}
                  template:
                    metadata: {labels: {app: wrong}}
                    spec: {containers: [{name: app, image: "app:1"}]}
                ---

                """
            let text =
                Sample.namespace + unknown + invalid + Sample.deployment("web", selector: "-2")
                + Sample.configMap("fine")
            let preview = try await server.applier().preview(try Sample.manifest(text))
            #expect(preview.report("thing")?.outcome == .failed)
            #expect(preview.report("wrong")?.outcome == .failed)
            #expect(preview.report("wrong")?.reason == "Invalid")
            #expect(preview.report("wrong")?.message.contains("spec.replicas") == true, "\(preview.objects)")
            #expect(preview.report("web")?.outcome == .failed)
            #expect(preview.report("web")?.message.contains("cannot be changed once set") == true)
            #expect(preview.report("fine")?.outcome == .created)
            #expect(preview.report("kept")?.outcome == .kept)
        }
    }

    @Test func anObjectThatMayBeReplacedWouldBe() async throws {
        try await SimulatedServer.run { server in
            let applied = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.deployment("web")))
            #expect(applied.succeeded)
            let other = Sample.deployment("web", selector: "-2").replacing(
                "annotations: {", with: "annotations: {swell.dev/replace: allow, ")
            let preview = try await server.applier().preview(try Sample.manifest(Sample.namespace + other))
            #expect(preview.report("web")?.outcome == .replaced, "\(preview.objects)")
            #expect(preview.report("web")?.message.contains("spec.selector") == true)
        }
    }

    @Test func onFirstContactConflictsAreToldAsApplyingWouldTellThem() async throws {
        try await SimulatedServer.run { server in
            let namespace = try Sample.manifest(Sample.namespace)[0]
            _ = try await server.api.apply(namespace, ApplyOptions(fieldManager: "helm"))
            var other = try Sample.manifest(Sample.configMap("a", "theirs"))[0]
            other.namespace = "shop"
            _ = try await server.api.apply(other, ApplyOptions(fieldManager: "helm"))
            let preview = try await server.applier().preview(try Sample.manifest(Sample.configMap("a", "ours")))
            #expect(preview.report("a")?.outcome == .failed)
            #expect(preview.report("a")?.message.contains("helm owns .data.key") == true, "\(preview.objects)")
            let forced = try await server.applier { $0.adoption = .force }.preview(
                try Sample.manifest(Sample.configMap("a", "ours")))
            #expect(forced.report("a")?.outcome == .configured)
            #expect(forced.report("a")?.changes.first?.managers == ["helm"])
        }
    }

    @Test func valuesOfSecretsAreHiddenEqualOnesAlike() async throws {
        try await SimulatedServer.run { server in
            let before =
                Sample.namespace + Self.secret("one", "hunter-two-is-secret") + Self.secret("two", "other-value")
            #expect(try await server.applier().apply(try Sample.manifest(before)).succeeded)
            let after =
                Sample.namespace + Self.secret("one", "the-new-password") + Self.secret("two", "the-new-password")
            let preview = try await server.applier().preview(try Sample.manifest(after))
            let changes = preview.objects.flatMap(\.changes)
            #expect(changes.count == 4)
            #expect(Set(changes.map(\.after)).count == 1, "equal values are hidden alike: \(changes)")
            let told = "\(preview.objects)"
            for value in ["hunter-two", "other-value", "the-new-password", "aHVudGVy", "dGhlLW5ldy"] {
                #expect(!told.contains(value), "\(value) is told: \(told)")
            }
            // Numbers follow the order of objects, so that equal previews are equal.
            let again = try await server.applier().preview(try Sample.manifest(after))
            #expect(again == preview)
        }
    }

    @Test(arguments: [
        ("invalid value \"hunter2222\" here", "invalid value \"<hidden>\" here"),
        ("base64 aHVudGVyMjIyMg== too", "base64 <hidden> too"), ("an \"abc\" in abcdef", "an <hidden> in abcdef"),
        ("nothing of it", "nothing of it"),
    ])
    func aRefusalDoesNotQuoteASecretsValues(_ text: String, _ told: String) throws {
        let object = try Sample.manifest(
            """
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            data: {a: aHVudGVyMjIyMg==}
            stringData: {b: abc}
            """)[0]
        #expect(SecretMask.hidingValues(of: object, in: text) == told)
        let other = try Sample.manifest(Sample.configMap("c", "hunter2222"))[0]
        #expect(SecretMask.hidingValues(of: other, in: text) == text)
    }

    /// A Job that is deleted by the cluster once it has finished.
    private static func passingJob() throws -> KubernetesObject {
        try Sample.manifest(
            """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: cleanup}
            spec:
              ttlSecondsAfterFinished: 5
              template:
                spec: {restartPolicy: Never, containers: [{name: a, image: "cleanup:1"}]}
            """)[0]
    }

    @Test func whatOthersChangedIsToldWithTheirNames() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.namespace + Sample.configMap("a") + Sample.deployment("web"))
            #expect(try await server.applier().apply(objects).succeeded)
            let none = try await server.applier().differences(from: objects)
            #expect(none.objects.allSatisfy { $0.outcome == .unchanged })
            #expect(try await server.applier().isRecorded(objects, in: none.inventory))

            let type = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
            var scaled = KubernetesObject(type: type, namespace: "shop", name: "web")
            try scaled.set(5, at: ["spec", "replicas"])
            _ = try await server.api.apply(scaled, ApplyOptions(fieldManager: "kube-scaler", force: true))
            let container: JSONValue = ["name": "app", "image": "app:evil"]
            var patched = KubernetesObject(type: type, namespace: "shop", name: "web")
            try patched.set(.array([container]), at: ["spec", "template", "spec", "containers"])
            _ = try await server.api.apply(patched, ApplyOptions(fieldManager: "kubectl-edit", force: true))
            _ = try await server.api.delete(objects[1].reference.placed(in: "shop"))

            let found = try await server.applier().differences(from: objects + [try Self.passingJob()])
            #expect(found.report("cleanup")?.outcome == .unchanged, "a Job that goes by itself is not missed")
            #expect(found.report("a")?.outcome == .created)
            let changes = try #require(found.report("web")?.changes)
            #expect(changes.map(\.path.description) == ["spec.replicas", "spec.template.spec.containers[0].image"])
            #expect(changes.map(\.managers) == [["kube-scaler"], ["kubectl-edit"]])
            #expect(changes[0].before == 5 && changes[0].after == 2)
            #expect(try await server.exists("v1", "ConfigMap", "a") == false, "looking changes nothing")
        }
    }
}

extension ObjectReference {
    fileprivate func placed(in namespace: String) -> ObjectReference {
        var copy = self
        copy.namespace = namespace
        return copy
    }
}
