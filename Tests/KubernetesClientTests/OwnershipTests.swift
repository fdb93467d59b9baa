internal import FoundationEssentials
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What was applied before stays ours; what was only intended does not become ours by that.
@Suite(.timeLimit(.minutes(2))) struct OwnershipTests {
    private func theirs(_ server: SimulatedServer, force: Bool) async throws {
        var object = try #require(try Sample.manifest(Sample.configMap("a", "theirs")).first)
        object.namespace = "shop"
        _ = try await server.api.apply(object, ApplyOptions(fieldManager: "argocd", force: force))
    }

    @Test func anObjectThatAnotherTookOverWhollyIsTakenBackByTheNextRelease() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours")))
            try await theirs(server, force: true)
            let live = try #require(try await server.live("v1", "ConfigMap", "a"))
            #expect(!FieldLedger(live).isApplied(by: "swell"), "nothing of it is ours by its own word")
            let next = try Sample.manifest(Sample.namespace + Sample.configMap("a", "next"))
            let looked = try await server.applier().preview(next)
            #expect(looked.report("a")?.outcome == .configured, "\(looked.objects)")
            let result = try await server.applier().apply(next)
            #expect(result.report("a")?.outcome == .configured, "\(result.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "next"])
        }
    }

    @Test func aConflictAtFirstContactIsNoLessOneTheSecondTime() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            try await theirs(server, force: false)
            let wanted = try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours"))
            for _ in 0..<2 {
                let result = try await server.applier().apply(wanted)
                #expect(result.report("a")?.message.contains("argocd owns .data.key") == true, "\(result.objects)")
            }
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "theirs"])
        }
    }

    @Test func aFinishedJobThatIsGoneIsNotRunAgainToPutOthersChangesRight() async throws {
        try await SimulatedServer.run { server in
            let job = """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: once}
                spec:
                  ttlSecondsAfterFinished: 600
                  template: {spec: {restartPolicy: Never, containers: [{name: m, image: "m:1"}]}}
                ---

                """
            let objects = try Sample.manifest(Sample.namespace + job)
            #expect(try await server.applier().apply(objects).succeeded)
            let live = try #require(try await server.live("batch/v1", "Job", "once"))
            _ = try await server.api.delete(live.reference)
            let put = try await server.applier { $0.repeatsFinishedJobs = false }.apply(objects)
            #expect(put.report("once")?.outcome == .unchanged, "\(put.objects)")
            #expect(try await server.exists("batch/v1", "Job", "once") == false)
            // A release that wants it runs it, as kubectl would.
            let again = try await server.applier().apply(objects)
            #expect(again.report("once")?.outcome == .created, "\(again.objects)")
        }
    }

    @Test func placesOfAnInventorySurviveTheirStoredForm() throws {
        func reference(_ number: Int) -> ObjectReference {
            ObjectReference(type: configMapType, namespace: "shop", name: "c\(number)")
        }
        let all = Inventory((0..<10).map(reference))
        for part in [[], [0], [9], [0, 1, 2], [0, 2, 3, 4, 9], Array(0..<10)] {
            let inventory = Inventory(part.map(reference))
            #expect(try all.part(at: all.places(of: inventory)) == inventory)
        }
        #expect(all.places(of: Inventory([0, 2, 3, 4].map(reference))) == "0,2-4")
        for text in ["10", "3-1", "x", "1-2-3", "-1", "0-10"] {
            #expect(throws: KubernetesError.self) { try all.part(at: text) }
        }
        let role = ObjectReference(
            type: GroupVersionKind(group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole"),
            name: "system:odd|name")
        #expect(try Inventory(data: Inventory([role]).data).references == [role])
    }
}
