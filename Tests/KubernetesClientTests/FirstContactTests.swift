internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Whose an object is, and whose word it is that it gives: what a real server and others did a second before.
@Suite(.timeLimit(.minutes(2))) struct FirstContactTests {
    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 5
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "app:1"}]}
        ---

        """

    @Test(arguments: [false, true]) func takeover(isIgnored: Bool) async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var theirs = try #require(try Sample.manifest(Self.deployment).first)
            theirs.namespace = "shop"
            _ = try await server.api.create(theirs, fieldManager: "kubectl-client-side-apply")
            let text = isIgnored ? Self.deployment : Self.deployment.replacing("  replicas: 5\n", with: "")
            let applier = server.applier {
                $0.waitsForHealth = false
                if isIgnored {
                    $0.ignoredFields = [
                        IgnoredField(type: GroupKind(group: "apps", kind: "Deployment"), path: ["spec", "replicas"])
                    ]
                }
            }
            let objects = try Sample.manifest(Sample.namespace + text.replacing("app:1", with: "app:2"))
            _ = try await applier.preview(objects)
            _ = try await applier.apply(objects)
            let replicas = try await server.live("apps/v1", "Deployment", "web")?.spec?["replicas"]?.intValue
            #expect(replicas == 5)
        }
    }

    @Test func installAfterRemoval() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + Sample.configMap("a", version)
                        + Sample.hook("up", "swell.dev/hook-on: upgrade, ", image: "m:\(version)")
                        + Sample.hook("first", "swell.dev/hook-on: install, ", image: "m:\(version)"))
            }
            @Sendable func ran(_ version: String, _ bundle: [KubernetesObject]) async throws -> [String] {
                let result = try await server.applier { $0.hookScope = version }.apply(bundle)
                return result.objects.filter { $0.message.hasSuffix("succeeded") }.map(\.reference.name).sorted()
            }
            // One that fails halfway is no install yet.
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            #expect(try await ran("0", try bundle("0") + Sample.manifest(broken)) == ["first"])
            let removed = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(removed.succeeded)
            #expect(try await ran("1", try bundle("1")) == ["first"])
        }
    }

    @Test func jobReplacedOnReturn() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace
                        + """
                        apiVersion: batch/v1
                        kind: Job
                        metadata: {name: migrate, annotations: {swell.dev/replace: allow}}
                        spec:
                          template:
                            spec: {restartPolicy: Never, containers: [{name: m, image: "m:\(version)"}]}
                        ---

                        """)
            }
            @Sendable func apply(_ version: String, isReturn: Bool = false) async throws -> BundleProgress.Outcome? {
                let result = try await server.applier {
                    $0.hookScope = version
                    $0.isReturn = isReturn
                }.apply(try bundle(version))
                return result.objects.last { $0.reference.name == "migrate" }?.outcome
            }
            #expect(try await apply("1") == .created)
            #expect(try await apply("2") == .replaced)
            let back = try await apply("1", isReturn: true)
            #expect(back == .unchanged)
        }
    }

    @Test func statefulSetMidRollout() throws {
        let object = try #require(
            try Sample.manifest(
                """
                apiVersion: apps/v1
                kind: StatefulSet
                metadata: {name: db, generation: 3}
                spec: {replicas: 3}
                status: {observedGeneration: 3, replicas: 3, readyReplicas: 3, currentReplicas: 2, updatedReplicas: 2, currentRevision: db-a, updateRevision: db-a}
                """
            ).first)
        let assessment = HealthAssessment(of: object, context: HealthContext(now: KubernetesTime(seconds: 0)))
        #expect(assessment.value == .progressing)
    }

    @Test func checkOfStaleFailure() throws {
        let object = try #require(
            try Sample.manifest(
                """
                apiVersion: example.com/v1
                kind: Thing
                metadata: {name: t, generation: 3}
                spec: {a: 1}
                status: {observedGeneration: 2, phase: Failed}
                """
            ).first)
        let check = CustomHealthCheck(
            type: GroupKind(group: "example.com", kind: "Thing"),
            cases: [
                .init(.failed, when: try FieldExpression(parsing: "status.phase == 'Failed'")),
                .init(.healthy, when: try FieldExpression(parsing: "status.phase == 'Ready'")),
            ])
        var context = HealthContext(now: KubernetesTime(seconds: 0), checks: [check])
        context.evidence = SentEvidence()
        #expect(HealthAssessment(of: object, context: context).value == .progressing)
    }

    @Test func hookOnReturnAfterFailure() async throws {
        try await SimulatedServer.run { server in
            @Sendable func bundle(_ version: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + Sample.configMap("a", version)
                        + Sample.hook("always", "swell.dev/hook-on-return: run, ", image: "m:\(version)"))
            }
            @Sendable func ran(_ version: String, _ bundle: [KubernetesObject], isReturn: Bool = false) async throws
                -> [String]
            {
                let result = try await server.applier {
                    $0.hookScope = version
                    $0.isReturn = isReturn
                }.apply(bundle)
                return result.objects.filter { $0.message.hasSuffix("succeeded") }.map(\.reference.name).sorted()
            }
            let broken = Sample.configMap("broken").replacing("\ndata:", with: "\ndat:")
            let one = try await ran("1", try bundle("1"))
            #expect(one == ["always"])
            let two = try await ran("2", try bundle("2") + Sample.manifest(broken))
            #expect(two == ["always"])
            let back = try await ran("1", try bundle("1"), isReturn: true)
            #expect(back == ["always"])
        }
    }

    private func applier(_ server: SimulatedServer, of name: String) -> BundleApplier {
        server.applier {
            $0.inventoryPrefix = "inv-"
            $0.inventoryName = "inv-\(name)"
        }
    }

    @Test func whatAnotherHoldsIsToldWhenItIsMadeAgain() async throws {
        try await SimulatedServer.run { server in
            _ = try await applier(server, of: "a").apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("x", "a")))
            let live = try #require(try await server.live("v1", "ConfigMap", "x"))
            _ = try await server.api.delete(live.reference)
            var objects = try Sample.manifest(Sample.configMap("x", "b"))
            objects[0].namespace = "shop"
            let result = try await applier(server, of: "b").apply(objects)
            #expect(result.objects.contains { $0.message.contains("application a has it, too") })
        }
    }

    /// Whatever it says, it is another's word on what that one holds.
    @Test func anInventoryThatCannotBeReadStopsNobodyAndNothingIsDeletedMeanwhile() async throws {
        try await SimulatedServer.run { server in
            let two = try Sample.manifest(Sample.namespace + Sample.configMap("x", "1") + Sample.configMap("yy", "1"))
            let one = try Sample.manifest(Sample.namespace + Sample.configMap("x", "2"))
            let applier = applier(server, of: "a")
            _ = try await applier.apply(two)
            var bad = KubernetesObject(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: applier.options.inventoryNamespace,
                name: "inv-c")
            bad.labels = ["app.kubernetes.io/managed-by": applier.options.fieldManager]
            bad["data"] = ["format": "9"]
            _ = try await server.api.create(bad)
            let result = try await applier.apply(one)
            #expect(result.succeeded)
            let kept = result.objects.first { $0.reference.name == "yy" }
            #expect(kept?.outcome == .kept && kept?.message.contains("inv-c cannot be read") == true)
            #expect(try await server.live("v1", "ConfigMap", "yy") != nil)
            _ = try await server.api.delete(bad.reference)
            _ = try await applier.apply(one)
            #expect(try await server.live("v1", "ConfigMap", "yy") == nil, "it stays known, and goes the next time")
        }
    }

    private static let foreignJob = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: payroll, namespace: shop, annotations: {swell.dev/hook-digest: zzz}}
        spec:
          template:
            spec: {restartPolicy: Never, containers: [{name: m, image: "theirs:1"}]}
        ---

        """

    @Test(arguments: ["", "swell.dev/hook-delete: always, "])
    func aHookNeitherTakesNorDeletesAJobThatIsOthers(more: String) async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            let theirs = try #require(try Sample.manifest(Self.foreignJob).first)
            let live = try await server.api.create(theirs, fieldManager: "kubectl-create")
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.hook("payroll", more)))
            #expect(!result.succeeded)
            #expect(result.objects.contains { $0.message.contains("that is others'") })
            #expect(try await server.live("batch/v1", "Job", "payroll")?.uid == live.uid)
        }
    }

    @Test func replacingTakesAnObjectThatIsOursOrTheWordThatItIsTaken() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            let theirs = try #require(try Sample.manifest(Self.foreignJob).first)
            let live = try await server.api.create(theirs, fieldManager: "kubectl-create")
            func ours(_ more: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace
                        + Self.foreignJob.replacing(
                            "swell.dev/hook-digest: zzz", with: "swell.dev/replace: allow\(more)"
                        )
                        .replacing("name: m,", with: "name: other,").replacing("theirs:1", with: "ours:1"))
            }
            let refused = try await server.applier { $0.waitsForHealth = false }.apply(try ours(""))
            #expect(refused.objects.contains { $0.outcome == .failed && $0.message.contains("adopt: force") })
            #expect(try await server.live("batch/v1", "Job", "payroll")?.uid == live.uid)
            let forced = try await server.applier { $0.waitsForHealth = false }.apply(
                try ours(", swell.dev/adopt: force"))
            #expect(forced.succeeded)
            #expect(try await server.live("batch/v1", "Job", "payroll")?.uid != live.uid)
        }
    }

    @Test func anObjectMadeAgainBySomebodyElseIsNotOurs() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("x", "1") + Sample.configMap("yy", "1")))
            let live = try #require(try await server.live("v1", "ConfigMap", "x"))
            _ = try await server.api.delete(live.reference)
            var theirs = try #require(try Sample.manifest(Sample.configMap("x", "theirs")).first)
            theirs.namespace = "shop"
            _ = try await server.api.apply(theirs, ApplyOptions(fieldManager: "helm"))
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("x", "2") + Sample.configMap("yy", "1")))
            #expect(result.objects.contains { $0.outcome == .failed && $0.message.contains("helm") })
            let dropped = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("yy", "1")))
            #expect(dropped.objects.contains { $0.outcome == .kept && $0.reference.name == "x" })
            #expect(try await server.live("v1", "ConfigMap", "x") != nil)
        }
    }
}
