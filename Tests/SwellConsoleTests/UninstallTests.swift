internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// An application is taken off clusters whatever was proven there, on a person's word; what a word does not do is said.
@Suite struct UninstallTests {
    /// Releases 1.0.0 and 1.1.0 were proven on both clusters.
    private func withTwoProven(_ body: (ConsoleHarness) async throws -> Void) async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            try await console.apply(policy: "flat", "{stages: [{name: all, select: {}}]}")
            let manifests: JSONValue = [
                ["name": "web.yaml", "content": .string(webManifest)],
                ["name": "extra.yaml", "content": .string(Self.extra)],
            ]
            let created = try await console.request(
                .post, "/v1/applications/shop/releases", ["version": "1.1.0", "files": manifests])
            try #require(created.status == 201, "\(created.text)")
            for (name, version) in [("r2", "1.0.0"), ("r3", "1.1.0")] {
                try await console.start(name, version, policy: "flat")
                for cluster in ConsoleHarness.bothClusters {
                    try await console.report(cluster, .healthy, to: try RolloutName(name))
                }
                let view = try await console.request(.get, "/v1/rollouts/\(name)")
                try #require(view.json["status"]?["phase"] == "succeeded", "\(view.text)")
            }
            try await body(console)
        }
    }

    private static let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n"
    private let path = "/v1/applications/shop/uninstall"

    @Test func aWordIsAskedForAndThenAllOfItGoes() async throws {
        try await withTwoProven { console in
            let asked = try await console.request(.post, path)
            #expect(asked.status == 409 && asked.text.contains("unconfirmed"), "\(asked.text)")
            #expect(asked.text.contains("1.1.0 from use1-a, usw1-a"), "\(asked.text)")
            #expect(!asked.text.contains("confirmed:"), "\(asked.text)")
            let taken = try await console.request(.post, path, ["confirmed": true])
            #expect(taken.status == 201, "\(taken.text)")
            let view = try #require(taken.json["items"]?.arrayValue?.first)
            #expect(view["metadata"]?["name"] == "shop-uninstall" && view["spec"]?["type"] == "removal")
            let again = try await console.request(.post, path, ["confirmed": true])
            #expect(again.status == 409 && again.text.contains("held by rollout 'shop-uninstall'"), "\(again.text)")
            for cluster in ConsoleHarness.bothClusters {
                try await console.report(cluster, .removed, to: "shop-uninstall")
            }
            let ended = try await console.request(.get, "/v1/rollouts/shop-uninstall")
            #expect(ended.json["status"]?["phase"] == "succeeded", "\(ended.text)")
            #expect(try await console.target("use1-a", of: "shop-uninstall")["phase"] == "removed")
            let list = try await console.request(.get, "/v1/rollouts")
            #expect(list.json["items"]?[0]?["spec"]?["type"] == "removal", "\(list.text)")
            let nothing = try await console.request(.post, path, ["confirmed": true])
            #expect(nothing.status == 409 && nothing.text.contains("nothing to remove"), "\(nothing.text)")
        }
    }

    @Test func whatStaysIsSaidBeforeAndAfter() async throws {
        try await withTwoProven { console in
            let more = """
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
                ---
                apiVersion: v1
                kind: PersistentVolumeClaim
                metadata: {name: scratch, annotations: {swell.dev/prune: allow}}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: extra, annotations: {helm.sh/resource-policy: keep}}

                """
            let created = try await console.request(
                .post, "/v1/applications/shop/releases",
                ["version": "1.2.0", "files": [["name": "a.yaml", "content": .string(more)]]])
            try #require(created.status == 201, "\(created.text)")
            try await console.start("r9", "1.2.0", policy: "flat")
            for cluster in ConsoleHarness.bothClusters { try await console.report(cluster, .healthy, to: "r9") }
            let asked = try await console.request(.post, path).text
            for words in [
                "PersistentVolumeClaim data, since data go with it",
                "ConfigMap extra, annotated helm.sh/resource-policy: keep", "what was there before shop was",
            ] {
                #expect(asked.contains(words), "\(asked)")
            }
            #expect(!asked.contains("scratch"), "\(asked)")
            _ = try await console.request(.post, path, ["confirmed": true])
            for cluster in ConsoleHarness.bothClusters {
                try await console.report(
                    cluster, .removed, message: "left in the cluster: PersistentVolumeClaim shop/data (why)",
                    to: "shop-uninstall")
            }
            let target = try await console.target("use1-a", of: "shop-uninstall")
            #expect(target["phase"] == "removed")
            #expect(target["reason"] == "left in the cluster: PersistentVolumeClaim shop/data (why)", "\(target)")
        }
    }

    @Test func aPartOfTheFleetMayBeMeant() async throws {
        try await withTwoProven { console in
            let unknown = try await console.request(.post, path, ["region": "us-west-2", "confirmed": true])
            #expect(unknown.status == 404 && unknown.text.contains("did you mean 'us-west-1'?"), "\(unknown.text)")
            let one = try await console.request(.post, path, ["cluster": "usw1-a", "confirmed": true])
            #expect(one.json["items"]?[0]?["status"]?["targets"]?.arrayValue?.count == 1, "\(one.text)")
        }
    }

    /// Its agent says how the removal goes after the rollout has ended.
    private func say(_ phase: AgentPhase, by cluster: ClusterName, in console: ConsoleHarness) async throws {
        let assignment = try #require(try await console.store.assignments(of: cluster).first)
        let report = ApplicationReport(
            application: "shop", generation: assignment.generation, digest: nil, epoch: assignment.epoch, phase: phase,
            health: phase == .removed ? .healthy : .failed)
        _ = try await console.store.ingest([ReceivedReport(cluster: cluster, report: report)])
    }

    @Test func oneThatFailedIsGoneOnWith() async throws {
        try await withTwoProven { console in
            _ = try await console.request(.post, path, ["confirmed": true])
            try await console.report("use1-a", .removed, to: "shop-uninstall")
            try await console.report("usw1-a", .failed, reason: "Forbidden", to: "shop-uninstall")
            let ended = try await console.request(.get, "/v1/rollouts/shop-uninstall")
            try #require(ended.json["status"]?["phase"] == "failed", "\(ended.text)")
            let asked = try await console.request(.post, path)
            #expect(asked.text.contains("1.1.0 whose removal did not come to its end, from usw1-a"), "\(asked.text)")
            #expect(!asked.text.contains("use1-a"), "\(asked.text)")
            let back = try await console.request(.post, "/v1/clusters/usw1-a/rollback", ["application": "shop"])
            #expect(back.text.contains("swell uninstall shop --cluster usw1-a"), "\(back.text)")
            let again = try await console.request(.post, path, ["confirmed": true])
            #expect(again.status == 201, "\(again.text)")
            #expect(again.json["items"]?[0]?["status"]?["targets"]?.arrayValue?.count == 1, "\(again.text)")
            try await console.report("usw1-a", .removed, to: "shop-uninstall-2")
            let done = try await console.request(.get, "/v1/rollouts/shop-uninstall-2")
            #expect(done.json["status"]?["phase"] == "succeeded", "\(done.text)")
            let nothing = try await console.request(.post, path, ["confirmed": true])
            #expect(nothing.status == 409 && nothing.text.contains("nothing to remove"), "\(nothing.text)")
        }
    }

    @Test func oneThatItsAgentFinishesLaterIsDone() async throws {
        try await withTwoProven { console in
            _ = try await console.request(.post, path, ["confirmed": true])
            for cluster in ConsoleHarness.bothClusters {
                try await console.report(cluster, .failed, reason: "Forbidden", to: "shop-uninstall")
            }
            for cluster in ConsoleHarness.bothClusters { try await say(.removed, by: cluster, in: console) }
            let nothing = try await console.request(.post, path, ["confirmed": true])
            #expect(nothing.status == 409 && nothing.text.contains("nothing to remove"), "\(nothing.text)")
            let facts = try await console.store.snapshot(for: "shop").fleet
            #expect(facts.values.allSatisfy { $0.proven.isEmpty })
        }
    }

    @Test func whatWasUninstalledIsNothingToGoBackTo() async throws {
        try await withTwoProven { console in
            _ = try await console.request(.post, path, ["confirmed": true])
            for cluster in ConsoleHarness.bothClusters {
                try await console.report(cluster, .removed, to: "shop-uninstall")
            }
            try await console.start("r4", "1.0.0", policy: "flat")
            for cluster in ConsoleHarness.bothClusters {
                let assignment = try #require(try await console.store.assignments(of: cluster).first)
                #expect(assignment.fallback == nil)
                #expect(try await console.target(cluster.rawValue, of: "r4")["previous"] == nil)
            }
        }
    }

    @Test func clustersThatAreNotSelectedAnyMoreAreReached() async throws {
        try await withTwoProven { console in
            let narrowed = """
                apiVersion: swell.dev/v1
                kind: Application
                metadata: {name: shop}
                spec: {namespace: shop, select: {regions: [us-east-1]}}
                """
            let applied = try await console.request(
                .post, "/v1/apply", ["files": [["name": "a.yaml", "content": .string(narrowed)]]])
            try #require(applied.status == 200, "\(applied.text)")
            let taken = try await console.request(.post, path, ["cluster": "usw1-a", "confirmed": true])
            #expect(taken.status == 201, "\(taken.text)")
            try await console.report("usw1-a", .removed, to: "shop-uninstall")
            let ended = try await console.request(.get, "/v1/rollouts/shop-uninstall")
            #expect(ended.json["status"]?["phase"] == "succeeded", "\(ended.text)")
        }
    }

    @Test func anOrderToGoBackFromItIsRefused() async throws {
        try await withTwoProven { console in
            _ = try await console.request(.post, path, ["confirmed": true])
            let orders: [(String, JSONValue)] = [
                ("/v1/rollouts/shop-uninstall/undo", [:]), ("/v1/rollouts/shop-uninstall/undo", ["remove": true]),
                ("/v1/rollouts/shop-uninstall/undo", ["cluster": "usw1-a", "confirmed": true]),
                ("/v1/clusters/usw1-a/rollback", ["application": "shop", "confirmed": true]),
            ]
            for (order, body) in orders {
                let refused = try await console.request(.post, order, body)
                #expect(refused.status == 409 && refused.text.contains("pause or abort it"), "\(refused.text)")
                #expect(refused.text.contains("swell rollout start shop --version 1.1.0"), "\(refused.text)")
            }
        }
    }

    @Test func whatIsAgreedToIsWhatGoes() async throws {
        try await withTwoProven { console in
            let asked = try await console.request(.post, path)
            let digest = try #require(asked.json["digest"]?.stringValue, "\(asked.text)")
            try await console.start("r4", "1.0.0", policy: "flat")
            for cluster in ConsoleHarness.bothClusters { try await console.report(cluster, .healthy, to: "r4") }
            let refused = try await console.request(.post, path, ["confirmed": true, "digest": .string(digest)])
            #expect(refused.status == 409 && refused.text.contains("unconfirmed"), "\(refused.text)")
            #expect(refused.text.contains("not what was agreed to any more"), "\(refused.text)")
            #expect(refused.text.contains("1.0.0 from use1-a, usw1-a"), "\(refused.text)")
            let now = try #require(refused.json["digest"]?.stringValue, "\(refused.text)")
            let taken = try await console.request(.post, path, ["confirmed": true, "digest": .string(now)])
            #expect(taken.status == 201, "\(taken.text)")
            let warnings = taken.json["items"]?[0]?["warnings"]?.arrayValue ?? []
            #expect(warnings.contains { $0["kind"] == "removes" }, "\(taken.text)")
        }
    }

    private static let orders: [(String, JSONValue)] = [
        ("/v1/rollouts/r3/undo", ["remove": true]),
        ("/v1/clusters/use1-a/rollback", ["remove": true, "application": "shop"]),
    ]

    @Test(arguments: orders)
    func aWordToRemoveThatWouldChangeNothingIsRefused(order: String, body: JSONValue) async throws {
        try await withTwoProven { console in
            let refused = try await console.request(.post, order, body)
            #expect(refused.status == 409 && refused.text.contains("swell uninstall shop"), "\(refused.text)")
            #expect(refused.text.contains("1.0.0 was on use1-a"), "\(refused.text)")
        }
    }

    @Test func aWordToRemoveIsRefusedOfARolloutThatGoesOnToo() async throws {
        try await withTwoProven { console in
            try await console.start("r4", "1.0.0", policy: "flat")
            let refused = try await console.request(.post, "/v1/rollouts/r4/undo", ["remove": true])
            #expect(refused.status == 409 && refused.text.contains("swell uninstall shop"), "\(refused.text)")
        }
    }
}

/// What a newcomer asks, and is told.
@Suite struct PlainAnswerTests {
    @Test func eventsOfWhatNeverWasAreNotFound() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            for (query, said) in [
                ("rollout=r2", "no rollout 'r2'; did you mean 'r1'?"), ("cluster=use1-b", "did you mean 'use1-a'?"),
                ("region=us-west-2", "did you mean 'us-west-1'?"), ("application=shpo", "did you mean 'shop'?"),
                ("rollout=nope&follow=true", "no rollout 'nope'"),
            ] {
                let answer = try await console.request(.get, "/v1/events?\(query)")
                #expect(answer.status == 404 && answer.text.contains(said), "\(query): \(answer.text)")
            }
            #expect(try await console.request(.get, "/v1/events?rollout=r1").status == 200)
            #expect(try await console.request(.get, "/v1/events?rollout=r1&region=us-west-1").status == 200)
        }
    }

    @Test func whatIsNotPausedSaysSo() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            let region = try await console.request(.post, "/v1/regions/us-west-1/resume")
            #expect(
                region.status == 200 && region.json["message"] == "region/us-west-1 was not paused", "\(region.text)")
            _ = try await console.request(.post, "/v1/rollouts/r1/pause", ["cluster": "usw1-a"])
            let cluster = try await console.request(.post, "/v1/clusters/usw1-a/resume")
            #expect(cluster.text.contains("swell rollout resume r1 --cluster usw1-a"), "\(cluster.text)")
        }
    }

    @Test func aChangedPolicyTellsWhichRolloutsGoOnWithoutIt() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            let policy =
                "apiVersion: swell.dev/v1\nkind: RolloutPolicy\nmetadata: {name: waves}\n"
                + "spec: {stages: [{name: all, select: {}}], silentControllers: accept}\n"
            let applied = try await console.request(
                .post, "/v1/apply", ["files": [["name": "p.yaml", "content": .string(policy)]]])
            #expect(applied.text.contains("rollout 'r1' goes on under what it said at the start"), "\(applied.text)")
            #expect(
                applied.text.contains("start again in place of 'r1' (swell rollout start … --supersede)"),
                "\(applied.text)")
        }
    }

    @Test func aPlanTellsWhatIsLeftToAnAutoscalerAsTheReleaseDid() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            let scaled = """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: scaled}
                spec:
                  replicas: 1
                  selector: {matchLabels: {app: scaled}}
                  template:
                    metadata: {labels: {app: scaled}}
                    spec: {containers: [{name: app, image: "app:1"}]}
                ---
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: scaled}
                spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}, maxReplicas: 5}
                """
            let note =
                "Deployment scaled: spec.replicas is left to HorizontalPodAutoscaler scaled, but for its creation"
            let created = try await console.request(
                .post, "/v1/applications/shop/releases",
                ["version": "2.0.0", "files": [["name": "s.yaml", "content": .string(scaled)]]])
            #expect(created.status == 201 && created.text.contains(note), "\(created.text)")
            let plan = try await console.request(
                .post, "/v1/plan", ["application": "shop", "version": "2.0.0", "policy": "waves"])
            let told = plan.json["warnings"]?.arrayValue?.filter { $0["kind"] == "leftToOthers" } ?? []
            #expect(told.compactMap { $0["message"]?.stringValue } == [note], "\(plan.text)")
        }
    }
}
