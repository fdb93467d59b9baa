internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Parts of an object that change their form, beside which the server refuses what it had filled in for the former one.
@Suite(.timeLimit(.minutes(2))) struct FormMemberTests {
    private static func workload(_ kind: String, _ strategy: String = "") -> String {
        let field = kind == "Deployment" ? "strategy" : "updateStrategy"
        let more = kind == "Deployment" ? "" : "serviceName: web, "
        let said = strategy.isEmpty ? "" : "\(field): \(strategy), "
        return Sample.namespace + """
            apiVersion: apps/v1
            kind: \(kind)
            metadata: {name: web}
            spec:
              {\(more)\(said)selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "app:1"}]}}}
            ---

            """
    }

    private static let forms = [
        ("Deployment", "strategy", "Recreate"), ("StatefulSet", "updateStrategy", "OnDelete"),
    ]

    @Test(arguments: forms)
    func anotherFormThanTheDefaultIsTakenForthAndBack(kind: String, field: String, form: String) async throws {
        try await SimulatedServer.run { server in
            let plain = try Sample.manifest(Self.workload(kind))
            let other = try Sample.manifest(Self.workload(kind, "{type: \(form)}"))
            #expect(try await server.applier().apply(plain).succeeded)
            for (objects, type) in [(other, form), (plain, "RollingUpdate"), (other, form)] {
                let told = try await server.applier().preview(objects)
                #expect(told.report("web")?.outcome == .configured, "\(told.objects)")
                let changes = told.report("web")?.changes ?? []
                #expect(changes.contains { $0.path == ["spec", field, "type"] }, "\(changes)")
                let result = try await server.applier().apply(objects)
                #expect(result.report("web")?.outcome == .configured, "\(result.objects)")
                let live = try #require(try await server.live("apps/v1", kind, "web"))
                #expect(live.spec?[field]?["type"]?.stringValue == type)
                #expect((live.spec?[field]?["rollingUpdate"] == nil) == (type == form))
                let again = try await server.applier().differences(from: objects)
                #expect(again.report("web")?.outcome == .unchanged, "\(again.objects)")
            }
        }
    }

    @Test(arguments: forms)
    func aMemberThatIsSaidToBeNoneIsNone(kind: String, field: String, form: String) async throws {
        try await SimulatedServer.run { server in
            #expect(try await server.applier().apply(try Sample.manifest(Self.workload(kind))).succeeded)
            let result = try await server.applier().apply(
                try Sample.manifest(Self.workload(kind, "{type: \(form), rollingUpdate: null}")))
            #expect(result.succeeded, "\(result.objects)")
            let live = try #require(try await server.live("apps/v1", kind, "web"))
            #expect(live.spec?[field] == ["type": .string(form)])
        }
    }

    @Test(arguments: ["kubectl-create", "kubectl-client-side-apply"])
    func whatOthersSaidOfTheFormTakesForce(manager: String) async throws {
        try await SimulatedServer.run { server in
            #expect(try await server.applier().apply(try Sample.manifest(Sample.namespace)).succeeded)
            var theirs = try #require(try Sample.manifest(Self.workload("Deployment")).last)
            theirs.namespace = "shop"
            _ = try await server.api.create(theirs, fieldManager: manager)
            let wanted = try Sample.manifest(Self.workload("Deployment", "{type: Recreate}"))
            if manager == "kubectl-create" {
                let refused = try await server.applier().apply(wanted)
                #expect(
                    refused.report("web")?.message.contains("kubectl-create owns .spec.strategy.type") == true,
                    "\(refused.objects)")
                let live = try await server.live("apps/v1", "Deployment", "web")
                #expect(live?.spec?["strategy"]?["rollingUpdate"] != nil)
            }
            let forced = wanted.map { object in
                var object = object
                if object.kind == "Deployment", manager == "kubectl-create" {
                    object.annotations["swell.dev/adopt"] = "force"
                }
                return object
            }
            let told = try await server.applier().preview(forced)
            #expect(told.report("web")?.outcome == .configured, "\(told.objects)")
            let result = try await server.applier().apply(forced)
            #expect(result.succeeded, "\(result.objects)")
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["strategy"] == ["type": "Recreate"])
        }
    }

    @Test func whatSomebodySetOfTheFormerFormGoesWithIt() async throws {
        try await SimulatedServer.run { server in
            #expect(try await server.applier().apply(try Sample.manifest(Self.workload("Deployment"))).succeeded)
            let live = try #require(try await server.live("apps/v1", "Deployment", "web"))
            _ = try await server.api.patch(
                live.reference, .merge(["spec": ["strategy": ["rollingUpdate": ["maxSurge": 2]]]]),
                fieldManager: "kubectl-edit")
            let result = try await server.applier().apply(
                try Sample.manifest(Self.workload("Deployment", "{type: Recreate}")))
            #expect(result.succeeded, "\(result.objects)")
            #expect(try await server.live("apps/v1", "Deployment", "web")?.spec?["strategy"] == ["type": "Recreate"])
        }
    }
}
