internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

@Suite(.timeLimit(.minutes(2))) struct BundleApplierTests {
    @Test func createsThenLeavesAloneThenConfiguresThenPrunes() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.configMap("a") + Sample.deployment("web")
            let first = try await server.applier().apply(try Sample.manifest(text))
            #expect(first.summary == ["Namespace shop created", "ConfigMap a created", "Deployment web created"])
            #expect(first.succeeded)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.status?["readyReplicas"]?.intValue == 2)

            let second = try await server.applier().apply(try Sample.manifest(text))
            #expect(second.objects.allSatisfy { $0.outcome == .unchanged }, "\(second.objects)")

            let changed = Sample.namespace + Sample.configMap("b", "2") + Sample.deployment("web", image: "app:2")
            let third = try await server.applier().apply(try Sample.manifest(changed))
            #expect(
                third.summary == [
                    "Namespace shop unchanged", "ConfigMap b created", "Deployment web configured",
                    "ConfigMap a pruned",
                ])
            #expect(
                third.objects.first { $0.outcome == .configured }?.changes.map(\.path.description)
                    == ["spec.template.spec.containers[0].image"])
            #expect(try await server.exists("v1", "ConfigMap", "a") == false)
            #expect(third.inventory.references.count == 3)
        }
    }

    @Test func waitsForDefinitionsToBeServed() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.widget + Sample.definition + Sample.namespace)
            let result = try await server.applier { $0.waitsForHealth = false }.apply(objects)
            #expect(
                result.summary == [
                    "Namespace shop created", "CustomResourceDefinition widgets.example.com created",
                    "Widget gadget created",
                ], "\(result.objects)")
            #expect(try await server.exists("example.com/v1", "Widget", "gadget"))
        }
    }

    @Test func stopsAfterAFailedWaveAndNamesTheCulprit() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.deployment("web", image: "app:missing") + Sample.deployment("late", wave: 1)
            let result = try await server.applier { $0.healthTimeout = .seconds(5) }.apply(try Sample.manifest(text))
            #expect(!result.succeeded)
            #expect(result.message("web").contains("not healthy within 5 s"), "\(result.message("web"))")
            #expect(result.message("web").contains("container app: "), "\(result.message("web"))")
            #expect(result.message("late") == "wave 0 failed")
            #expect(try await server.exists("apps/v1", "Deployment", "late") == false)
            let recorded = result.inventory.references.map(\.name).sorted()
            #expect(recorded == ["shop", "web"], "what was never tried is nothing to look for later")
        }
    }

    @Test func skipsOnlyWhatDependsOnAFailure() async throws {
        try await SimulatedServer.run { server in
            let broken = """
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: settings}
                dat: {typo: "1"}
                ---

                """
            let user = Sample.deployment("user").replacing(
                "image: \"app:1\"", with: "image: \"app:1\", envFrom: [{configMapRef: {name: settings}}]")
            let text = Sample.namespace + broken + user + Sample.deployment("other")
            let stopped = try await server.applier().apply(try Sample.manifest(text))
            #expect(stopped.message("user") == "it needs ConfigMap shop/settings")
            #expect(stopped.message("other") == "ConfigMap shop/settings failed")
            #expect(try await server.exists("apps/v1", "Deployment", "other") == false)
            let result = try await server.applier { $0.stopsAtFailure = false }.apply(try Sample.manifest(text))
            #expect(result.message("settings").contains("field not declared in schema"), "\(result.objects)")
            #expect(result.message("user") == "it needs ConfigMap shop/settings")
            #expect(result.objects.contains { $0.reference.name == "other" && $0.outcome == .created })
        }
    }

    @Test func reportsConflictsAtFirstContactAndForcesWhenTold() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var foreign = try #require(try Sample.manifest(Sample.configMap("a", "theirs")).first)
            foreign.namespace = "shop"
            _ = try await server.api.apply(foreign, ApplyOptions(fieldManager: "helm"))
            let objects = try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours"))
            let refused = try await server.applier().apply(objects)
            #expect(refused.message("a").contains("helm owns .data.key"), "\(refused.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?.value(at: ["data", "key"]) == "theirs")
            let forced = try await server.applier { $0.adoption = .force }.apply(objects)
            #expect(forced.succeeded)
            #expect(try await server.live("v1", "ConfigMap", "a")?.value(at: ["data", "key"]) == "ours")
        }
    }

    /// Whether the objects are looked at one by one, or by a list.
    @Test(arguments: [1, 5])
    func leavesNoTraceOnWhatOthersThanKubectlOwnToo(count: Int) async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            let names = (1...count).map { "c\($0)" }
            for name in names {
                var theirs = try #require(try Sample.manifest(Sample.configMap(name, "old")).first)
                theirs.namespace = "shop"
                theirs["data"] = ["key": "old", "extra": "x"]
                _ = try await server.api.create(theirs, fieldManager: "kubectl-client-side-apply")
                _ = try await server.api.patch(
                    theirs.reference, .merge(["data": ["key": "theirs"]]), fieldManager: "helm")
            }
            let before = try await server.live("v1", "ConfigMap", "c1")
            let objects = try Sample.manifest(Sample.namespace + names.map { Sample.configMap($0, "ours") }.joined())
            for _ in 0..<2 {
                let refused = try await server.applier { $0.stopsAtFailure = false }.apply(objects)
                #expect(refused.failures.count == count, "\(refused.objects)")
                #expect(
                    refused.message("c1").hasPrefix("others own fields of it: helm owns .data.key;"),
                    "\(refused.message("c1"))")
            }
            #expect(try await server.live("v1", "ConfigMap", "c1") == before)
            let removed = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(try await server.live("v1", "ConfigMap", "c1") == before, "\(removed.objects)")
        }
    }

    @Test(arguments: [("gate", false), ("other", true)])
    func awaitsWhatACheckOfTheirNameSays(name: String, succeeds: Bool) async throws {
        let check = CustomHealthCheck(
            type: GroupKind(kind: "ConfigMap"), name: name,
            cases: [.init(.healthy, when: try FieldExpression(parsing: "data.key == \"2\""))])
        try await SimulatedServer.run { server in
            let applier = server.applier {
                $0.checks = [check]
                $0.healthTimeout = succeeds ? .seconds(20) : .seconds(5)
            }
            let result = try await applier.apply(try Sample.manifest(Sample.namespace + Sample.configMap("gate")))
            #expect(result.succeeded == succeeds, "\(result.objects)")
            if !succeeds { #expect(result.message("gate").contains("waits for data.key"), "\(result.objects)") }
        }
    }

    @Test func takesOverFromKubectlWithoutLeavingFieldsBehind() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var theirs = try #require(try Sample.manifest(Sample.configMap("a", "old")).first)
            theirs.namespace = "shop"
            theirs["data"] = ["key": "old", "extra": "x"]
            _ = try await server.api.create(theirs, fieldManager: "kubectl-client-side-apply")
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a", "new")))
            #expect(result.message("a") == "taken over from kubectl apply", "\(result.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "new"])
        }
    }

    @Test func takesBackWhatOthersChangedInOurs() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours"))
            _ = try await server.applier().apply(objects)
            let live = try #require(try await server.live("v1", "ConfigMap", "a"))
            _ = try await server.api.patch(
                live.reference, .merge(["data": ["key": "edited"]]), fieldManager: "kubectl-edit")
            let result = try await server.applier().apply(objects)
            #expect(
                result.objects.last?.changes == [
                    FieldChange(path: ["data", "key"], before: "edited", after: "ours")
                ])
        }
    }

    @Test func leavesIgnoredFieldsToOthers() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.namespace + Sample.deployment("web"))
            _ = try await server.applier().apply(objects)
            let ignoring = server.applier {
                $0.ignoredFields = [
                    IgnoredField(type: GroupKind(group: "apps", kind: "Deployment"), path: ["spec", "replicas"])
                ]
            }
            // Ours alone so far: dropping it would scale to the default.
            _ = try await ignoring.apply(objects)
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"]?.intValue == 2)
            let live = try #require(try await server.live("apps/v1", "Deployment", "web"))
            _ = try await server.api.patch(
                live.reference, .merge(["spec": ["replicas": 4]]), fieldManager: "autoscaler")
            let result = try await ignoring.apply(objects)
            #expect(result.objects.allSatisfy { $0.outcome == .unchanged }, "\(result.objects)")
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"]?.intValue == 4)
        }
    }

    @Test func failsOnImmutableFieldsUnlessReplacingIsAllowed() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.deployment("web")))
            let changed = Sample.namespace + Sample.deployment("web", selector: ", tier: x")
            let refused = try await server.applier().apply(try Sample.manifest(changed))
            #expect(refused.message("web").contains("spec.selector cannot be changed once set"), "\(refused.objects)")
            #expect(refused.message("web").contains("annotate it swell.dev/replace: allow"), "\(refused.objects)")
            #expect(
                refused.message("web").hasSuffix("field is immutable)"),
                "the server's own words are missing: \(refused.message("web"))")
            let allowed = changed.replacing("{swell.dev/wave: \"0\"}", with: "{swell.dev/replace: allow}")
            let replaced = try await server.applier().apply(try Sample.manifest(allowed))
            #expect(replaced.summary.last == "Deployment web replaced", "\(replaced.objects)")
            #expect(replaced.succeeded)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct LargeBundleTests {
    @Test func twoHundredObjectsSurviveErrors() async throws {
        try await SimulatedServer.run { server in
            try await server.fleet.setFaults(FaultPlan(errors: .init(rate: 0.02, status: 503)), in: "one")
            let text = Sample.namespace + (0..<200).map { Sample.configMap("c\($0)") }.joined()
            let objects = try Sample.manifest(text)
            var seen = 0
            let result = try await server.applier().apply(objects) { _ in seen += 1 }
            #expect(result.succeeded, "\(result.failures)")
            #expect(seen == 201)
        }
    }
}
