internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

@Suite struct ReleaseAndRolloutTests {
    @Test func createsReleasesOnceAVersion() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let path = "/v1/applications/shop/releases"
            let same: JSONValue = [["name": "web.yaml", "content": .string(webManifest)]]
            let other: JSONValue = [
                ["name": "web.yaml", "content": .string(webManifest + "\n# x\n---\n" + serviceManifest)]
            ]
            let again = try await console.request(.post, path, ["version": "1.0.0", "files": same])
            #expect(again.status == 201)
            let taken = try await console.request(.post, path, ["version": "1.0.0", "files": other])
            #expect(taken.status == 409, "\(taken.text)")
            let trial = try await console.request(.post, path, ["version": "9.0.0", "files": other, "dryRun": true])
            #expect(trial.status == 200 && trial.json["status"]?["objects"] == 2)
            let doomed = try await console.request(.post, path, ["version": "1.0.0", "files": other, "dryRun": true])
            #expect(doomed.status == 409)
            let list = try await console.request(.get, path)
            #expect(list.json["items"]?.arrayValue?.count == 1)
            #expect(list.json["items"]?[0]?["status"]?["digest"] == again.json["status"]?["digest"])
            let empty = try await console.request(.post, path, ["version": "2", "files": []])
            #expect(empty.status == 422 && empty.text.contains("there are no Kubernetes objects"))
            let odd = try await console.request(.post, path, ["version": "a b", "files": same])
            #expect(odd.status == 422)
            #expect(try await console.request(.get, "\(path)/9").status == 404)
        }
    }

    @Test func tellsWhatAReleaseConsistsOf() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let text = """
                apiVersion: v1
                kind: Secret
                metadata: {name: key, namespace: vault}
                stringData: {password: hidden-word}
                ---
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: feedz.example.com}
                spec: {group: example.com, scope: Cluster, names: {kind: Feed, plural: feedz}}
                ---
                apiVersion: example.com/v1
                kind: Feed
                metadata: {name: a}
                """
            let path = "/v1/applications/shop/releases"
            let made = try await console.request(
                .post, path, ["version": "3", "files": [["name": "all.yaml", "content": .string(text)]]])
            #expect(made.status == 201, "\(made.text)")
            let contents = try await console.request(.get, "\(path)/3/contents")
            #expect(contents.status == 200 && !contents.text.contains("hidden-word"), "\(contents.text)")
            let items = contents.json["items"]
            #expect(items?[0]?["kind"] == "Secret" && items?[0]?["namespace"] == "vault")
            #expect(items?[0]?["namespaced"] == true && items?[1]?["namespaced"] == false)
            #expect(items?[1]?["defines"]?["resource"] == "feedz")
            #expect(items?[2]?["kind"] == "Feed" && items?[2]?["namespaced"] == false)
            #expect(try await console.request(.get, "\(path)/9/contents").status == 404)
        }
    }

    /// What was told when the document was applied is told again where its effect begins.
    @Test func tellsOfSettingsThatAreAboutNothing() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let text =
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec:\n  namespace: shop\n"
                + "  select: {labels: {tier: nothing}}\n"
                + "  ignoreFields: [{apiVersion: apps/v1, kind: Deployment, paths: [spec.replica]}]\n"
            let files: JSONValue = [["name": "shop.yaml", "content": .string(text)]]
            let applied = try await console.request(.post, "/v1/apply", ["files": files])
            let told = (applied.json["warnings"]?.arrayValue ?? []).compactMap { $0["message"]?.stringValue }
            let doubt = "spec.replica: spec of a Deployment has no field 'replica'; did you mean 'replicas'?"
            #expect(told.contains { $0.hasPrefix("shop.yaml:7: spec.ignoreFields[0].paths[0]: \(doubt)") }, "\(told)")
            let made = try await console.request(
                .post, "/v1/applications/shop/releases",
                ["version": "3", "files": [["name": "web.yaml", "content": .string(webManifest)]], "dryRun": true])
            let warnings = (made.json["status"]?["warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
            #expect(warnings.contains("spec.ignoreFields[0].paths[0]: \(doubt)"), "\(warnings)")
            #expect(warnings.contains { $0.hasPrefix("spec.select.labels: no cluster has ") }, "\(warnings)")
        }
    }

    @Test func tellsWhereARenderingWouldFail() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let asking =
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec: {namespace: shop, substitute: true}\n"
            let files: JSONValue = [["name": "shop.yaml", "content": .string(asking)]]
            #expect(try await console.request(.post, "/v1/apply", ["files": files]).status == 200)
            let text = webManifest.replacing("replicas: 1", with: "replicas: \"${label.size:integer}\"")
            let answer = try await console.request(
                .post, "/v1/applications/shop/releases",
                ["version": "2", "files": [["name": "web.yaml", "content": .string(text)]]])
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.text.contains("on cluster 'use1-a': Deployment web: there is no parameter 'label.size'"))
        }
    }

    /// What says nothing of parameters keeps its texts; asked for or not, the release says what it did.
    @Test func leavesReferencesAloneUnlessAsked() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let text =
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {run: 'echo ${HOME:-x} ${region}'}\n"
            let files: JSONValue = [["name": "m.yaml", "content": .string(text)]]
            let path = "/v1/applications/shop/releases"
            let made = try await console.request(.post, path, ["version": "2", "files": files])
            #expect(made.status == 201, "\(made.text)")
            #expect(made.json["status"]?["warnings"]?[0]?.stringValue?.contains("'${region}' stays as it is") == true)
            let literal = try await console.request(.post, path, ["version": "3", "files": files, "literal": true])
            #expect(literal.status == 201 && literal.json["status"]?["warnings"] == nil, "\(literal.text)")
            #expect(literal.json["status"]?["digest"] == made.json["status"]?["digest"])
        }
    }

    /// Whoever follows the advice to write something into the application has to hear that releases keep what they were made with.
    @Test func saysWhereAnApplicationHasChangedSinceItsRelease() async throws {
        try await ConsoleHarness.run { console in
            try await console.apply(
                policy: "pausing",
                "{stages: [{name: all, select: {regions: [us-east-1, us-west-1]}}], onFailure: pause}")
            try await console.startRollout(policy: "pausing")
            let request: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves"]
            func settings(_ answer: JSONValue) -> String? {
                answer["warnings"]?.arrayValue?.first { $0["kind"] == "settings" }?["message"]?.stringValue
            }
            let same = try await console.request(.post, "/v1/plan", request)
            #expect(same.status == 200 && settings(same.json) == nil, "\(same.text)")
            var application = try await console.store.application("shop")
            application.adopt = .force
            application.select = ClusterSelector(regions: ["us-east-1", "us-west-1"])
            let text = application.document.serialized()
            func apply() async throws -> JSONValue {
                let answer = try await console.request(
                    .post, "/v1/apply", ["files": [["name": "shop.yaml", "content": .string(text)]]])
                #expect(answer.status == 200, "\(answer.text)")
                return answer.json
            }
            let applied = settings(try await apply()) ?? ""
            #expect(applied.contains("what changed (adopt) holds from its next release on"), "\(applied)")
            #expect(settings(try await apply()) == nil, "nothing changed")
            let other = settings(try await console.request(.post, "/v1/plan", request).json) ?? ""
            #expect(other.contains("release 1.0.0 keeps what application 'shop' said when it was made"), "\(other)")
            #expect(other.contains("(adopt)") && other.contains("make another release"), "\(other)")
            try await console.pass(.seconds(1))
            try await console.report("use1-a", .failed, reason: "Conflict")
            let retried = try await console.request(.post, "/v1/rollouts/r1/retry", [:])
            #expect(settings(retried.json)?.contains("(adopt)") == true, "\(retried.text)")
        }
    }

    /// What an earlier version stored unread would fail on every cluster.
    @Test func refusesWhatAgentsCouldNotRead() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            var application = try await console.store.application("shop")
            application.checks = [
                HealthCheck(apiVersion: "example.com/v1", kind: "Probe", healthy: "status.phase ==== 1")
            ]
            application.ignoreFields = [IgnoredFields(apiVersion: "apps/v1", kind: "Deployment", paths: ["a..b"])]
            let fleet = FleetDocuments(clusters: [], applications: [application], policies: [])
            _ = try await console.store.apply(fleet, by: "an earlier version")
            let files: JSONValue = [["name": "m.yaml", "content": .string(webManifest)]]
            let answer = try await console.request(
                .post, "/v1/applications/shop/releases", ["version": "2", "files": files])
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.text.contains("the check of Probe 'status.phase ==== 1' cannot be read"), "\(answer.text)")
            #expect(answer.text.contains("'a..b', which is ignored of Deployment, is not a path"), "\(answer.text)")

            // A release of that time, too.
            let bundle = Bundle(application: application, documents: [])
            let release = Release(
                application: "shop", reference: ReleaseReference(version: "old", digest: bundle.digest),
                createdBy: "an earlier version", createdAt: try await console.store.now(), objectCount: 0, size: 1)
            _ = try await console.store.createRelease(release, documents: [bundle.document])
            for path in ["/v1/plan", "/v1/rollouts"] {
                let refused = try await console.request(
                    .post, path, ["application": "shop", "version": "old", "policy": "waves"])
                #expect(refused.status == 422, "\(refused.text)")
                #expect(refused.text.contains("the check of Probe"), "\(refused.text)")
            }
        }
    }

    @Test func refusesControlCharactersInMessages() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let files: JSONValue = [["name": "m.yaml", "content": .string(webManifest)]]
            for field in ["message", "commit"] {
                let answer = try await console.request(
                    .post, "/v1/applications/shop/releases",
                    ["version": "2", "files": files, field: "a\u{1B}]0;b\u{7}"])
                #expect(answer.status == 422 && answer.text.contains("the \(field) has the control character U+001B"))
            }
        }
    }

    @Test func plansWithoutStartingAndStartsOnce() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let request: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves"]
            let plan = try await console.request(.post, "/v1/plan", request)
            #expect(plan.status == 200, "\(plan.text)")
            #expect(plan.json["rollout"]?["metadata"]?["name"] == "shop-1-0-0")
            #expect(plan.json["rollout"]?["status"]?["targets"]?.arrayValue?.count == 2)
            #expect(plan.json["warnings"]?[0]?["kind"] == "unreachable")
            #expect(
                plan.json["warnings"]?[0]?["clusters"] == ["use1-a", "usw1-a"],
                "scripts see all, whatever the text names")
            // What only the start itself would end is nothing that a plan waits for.
            let waits = plan.json["rollout"]?["status"]?["waitingFor"]?.arrayValue ?? []
            #expect(waits.allSatisfy { $0["why"] != "the next decision" }, "\(plan.text)")
            #expect(try await console.request(.get, "/v1/rollouts").json["items"] == [])
            let started = try await console.request(.post, "/v1/rollouts", request)
            #expect(started.status == 201, "\(started.text)")
            let second = try await console.request(.post, "/v1/rollouts", request)
            #expect(second.status == 409 && second.text.contains("shop-1-0-0"), "\(second.text)")
            let misspelt = try await console.request(.get, "/v1/rollouts/shop-1-0-1")
            #expect(misspelt.status == 404 && misspelt.text.contains("did you mean 'shop-1-0-0'?"), "\(misspelt.text)")
            let rollout = try await console.request(.get, "/v1/rollouts/shop-1-0-0")
            #expect(rollout.json["metadata"]?["createdBy"] == "alice")
            #expect(rollout.json["status"]?["phase"] == "scheduled")
            #expect(rollout.json["status"]?["stages"]?[0]?["lanes"] == ["us-east-1": 1])
            #expect(rollout.json["status"]?["targets"]?[1]?["stage"] == "rest")
            let unknown = try await console.request(
                .post, "/v1/plan", ["application": "shop", "version": "7", "policy": "waves"])
            #expect(unknown.status == 404 && unknown.text.contains("the newest are 1.0.0"))
            let badName = try await console.request(
                .post, "/v1/plan", ["application": "Shop!", "version": "7", "policy": "waves"])
            #expect(badName.status == 422 && badName.text.contains("'Shop!' is not a name"), "\(badName.text)")
        }
    }

    @Test func warnsBeforehandOfWhatWouldBeRemovedAndOfLimitsThatLimitNothing() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let text = """
                apiVersion: swell.dev/v1
                kind: Application
                metadata: {name: shop}
                spec: {namespace: shop, strategy: {whenNeverHealthy: remove}}
                """
            let applied = try await console.request(
                .post, "/v1/apply", ["files": [["name": "app.yaml", "content": .string(text)]]])
            try #require(applied.status == 200, "\(applied.text)")
            let manifests: JSONValue = [["name": "web.yaml", "content": .string(webManifest)]]
            _ = try await console.request(
                .post, "/v1/applications/shop/releases", ["version": "1.1.0", "files": manifests])
            try await console.apply(policy: "loose", "{stages: [{name: all, select: {}, failureBudget: 2}]}")
            let request: JSONValue = ["application": "shop", "version": "1.1.0", "policy": "loose"]
            for path in ["/v1/plan", "/v1/rollouts"] {
                let warnings = try await console.request(.post, path, request).json["warnings"]?.arrayValue ?? []
                let removes = warnings.first { $0["kind"] == "removes" }
                #expect(removes?["clusters"] == ["use1-a", "usw1-a"], "\(path): \(warnings)")
                let limit = warnings.first { $0["kind"] == "voidLimit" }
                #expect(limit?["stage"] == "all", "\(path): \(warnings)")
            }
        }
    }

    @Test func storesOrdersBeforeAnswering() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let request: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "r1"]
            _ = try await console.request(.post, "/v1/rollouts", request)
            // No reconcile loop runs here: the order is stored, and its effect is still to come.
            let pause = try await console.request(.post, "/v1/rollouts/r1/pause", ["reason": "lunch"])
            #expect(pause.status == 202, "\(pause.text)")
            let both = try await console.request(
                .post, "/v1/rollouts/r1/pause", ["region": "us-east-1", "cluster": "use1-a"])
            #expect(both.status == 400)
            let stage = try await console.request(.post, "/v1/rollouts/r1/approve", ["stage": "nope"])
            #expect(stage.status == 404 && stage.text.contains("stages are canary, rest"))
            #expect(try await console.request(.post, "/v1/rollouts/r2/abort").status == 404)
            let history = try await console.request(.get, "/v1/rollouts/r1/history")
            #expect(history.json["items"]?.arrayValue?.isEmpty == false)
        }
    }
}

private let serviceManifest = """
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    """
