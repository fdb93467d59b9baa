internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// What people reported of other tools when releases follow one another: taking over, going back, dropping, leaving to others. An
/// application and a namespace a case, beside each other on one cluster; those that go back by failing have a cluster of their own.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ReportedRolloutScenarios {
    private static let cluster = "use1-a"
    private static let failing = "usw1-a"

    private static func application(_ name: String, _ more: String = "") -> String {
        "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: \(name)}\n"
            + "spec:\n  namespace: \(name)\n  select: {clusters: [\(name == "torn" ? failing : cluster)]}\n\(more)---\n"
    }

    private static let policies = """
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: one}
        spec:
          stages: [{name: all, select: {regions: [us-east-1]}}]
          minHealthyTime: 1s
          progressDeadline: 60s
          onFailure: pause
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: hasty}
        spec:
          stages: [{name: all, select: {regions: [us-west-1]}}]
          minHealthyTime: 1s
          progressDeadline: 5s
          onFailure: pause
        ---

        """

    private static func settings(_ value: String) -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: \"\(value)\"}\n---\n"
    }

    private static func web(_ image: String, replicas: Int? = 1) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
        \(replicas.map { "  replicas: \($0)\n" } ?? "")  selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "\(image)"}]}
        ---

        """
    }

    private static func migration(_ schema: String) -> String {
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: migrate, annotations: {swell.dev/hook: before, swell.dev/hook-timeout: 60s}}
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{name: m, image: "migrate:\(schema)", env: [{name: SCHEMA, value: "\(schema)"}]}]
        ---

        """
    }

    private static let claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---

        """

    private static let webhook = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: validate}
        webhooks:
        - name: v.t.example.com
          admissionReviewVersions: [v1]
          sideEffects: None
          failurePolicy: Ignore
          namespaceSelector: {matchLabels: {validate: "yes"}}
          clientConfig: {service: {name: none, namespace: enforced}}
          rules: [{apiGroups: [t.example.com], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}]
        ---

        """

    private static let first = [
        "taken": web("app:1"), "migrated": migration("1") + settings("1"), "scaled": web("app:1", replicas: 4),
        "furnished": "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra}\n---\n" + settings("1"),
        "enforced": webhook, "claimed": settings("1"), "edited": web("app:1", replicas: 3) + settings("1"),
        "torn": web("app:1"),
    ]

    @Test func reportedRolloutsComeOutAsTheyShould() async throws {
        var shape = Fleet.Shape(regions: ["us-east-1": [Self.cluster], "us-west-1": [Self.failing]])
        shape.driftInterval = "2s"
        try await withFleet(shape) { fleet in
            try await fleet.apply(Self.policies + Self.first.keys.sorted().map { Self.application($0) }.joined())
            try await fleet.withAPI(Self.cluster) { api in
                try await helmHasInstalled(api)
                for (name, manifests) in Self.first.sorted(by: { $0.key < $1.key }) {
                    try await fleet.release(name, "1", manifests: manifests)
                    try await fleet.start("1", of: name, under: name == "torn" ? "hasty" : "one", name: "\(name)-1")
                }
                for name in Self.first.keys.sorted() where name != "taken" { try await succeeded("\(name)-1", fleet) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await whatIsTakenOverIsSaidAndDone(fleet, api) }
                    group.addTask { try await goingBackRunsNoMigrationAndKeepsClaims(fleet, api) }
                    group.addTask { try await whatIsDroppedNeedsNoOutage(fleet, api) }
                    group.addTask { try await whoEnforcesIsNamedAndLeft(fleet, api) }
                    group.addTask { try await correctionsAreAuditedEach(fleet, api) }
                    group.addTask { try await aWayBackThatFailsSaysWhatRuns(fleet) }
                    try await group.waitForAll()
                }
            }
        }
    }

    // MARK: Cases

    private func helmHasInstalled(_ api: KubernetesAPI) async throws {
        let namespace = KubernetesObject(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: "taken")
        _ = try await api.apply(namespace, ApplyOptions(fieldManager: "helm"))
        let text = Self.web("app:0").replacingOccurrences(
            of: "{name: web}\nspec", with: "{name: web, namespace: taken}\nspec")
        for document in try YAMLReader.documents(in: text, file: "helm") where document.root.entries != nil {
            _ = try await api.apply(try KubernetesObject(json: document.root.json), ApplyOptions(fieldManager: "helm"))
        }
    }

    private func whatIsTakenOverIsSaidAndDone(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let web = ObjectReference("apps/v1", "Deployment", "web", in: "taken")
        let status = try await fleet.rollout("taken-1", "refused") { $0["phase"]?.stringValue == "paused" }
        let reason = targets(status).first?["reason"]?.stringValue ?? ""
        #expect(reason.contains("helm owns .spec.template.spec.containers[name=\"app\"].image"), "\(reason)")
        #expect(reason.contains("adopt: force in the application") && reason.contains("make a release with it"))
        #expect(try await image(of: web, api) == "app:0")
        // A retry brings the settings of the time when the release was made, and says so.
        let file = fleet.folder.appending(path: "taken.yaml")
        try Self.application("taken", "  adopt: force\n").write(to: file, atomically: true, encoding: .utf8)
        let applied = try await fleet.swell("apply", "-f", file.path)
        #expect(applied.errors.contains("what changed (adopt) holds from its next release on"), "\(applied)")
        let retried = try await fleet.swell("rollout", "retry", "taken-1")
        #expect(retried.errors.contains("release 1 keeps what application 'taken' said when it was made"), "\(retried)")
        try await fleet.release("taken", "2", manifests: Self.web("app:1"))
        try await fleet.start("2", of: "taken", under: "one", name: "taken-2", superseding: true)
        try await succeeded("taken-2", fleet)
        #expect(try await image(of: web, api) == "app:1")
    }

    private func goingBackRunsNoMigrationAndKeepsClaims(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let job = ObjectReference("batch/v1", "Job", "migrate", in: "migrated")
        let data = ObjectReference("v1", "PersistentVolumeClaim", "data", in: "claimed")
        try await fleet.release("migrated", "2", manifests: Self.migration("2") + Self.settings("2"))
        try await fleet.release("claimed", "2", manifests: Self.claim + Self.settings("2"))
        for name in ["migrated", "claimed"] {
            try await fleet.start("2", of: name, under: "one", name: "\(name)-2")
        }
        for name in ["migrated", "claimed"] { try await succeeded("\(name)-2", fleet) }
        let (ran, bound) = (try await api.get(job)?.uid, try await api.get(data)?.uid)
        #expect(ran != nil && bound != nil)
        // What the older migration would meet: an image that cannot run any more.
        try await fleet.fault(["image", "migrate:1", "crashloop"], cluster: Self.cluster)
        for name in ["migrated", "claimed"] {
            let undone = try await fleet.swell("rollout", "undo", "\(name)-2")
            #expect(undone.code == 0, "\(undone)")
        }
        for name in ["migrated", "claimed"] {
            try await succeeded("\(name)-2-undo", fleet)
            #expect(try await api.get(ObjectReference("v1", "ConfigMap", "c", in: name))?["data"]?["a"] == "1")
        }
        #expect(try await api.get(job)?.uid == ran, "the older migration did not run again")
        #expect(try await api.get(data)?.uid == bound, "the claim stays")
        let listed = try await fleet.swell("get", "rollouts").output
        #expect(listed.contains("1 (undo of 2)"), "\(listed)")
    }

    private func whatIsDroppedNeedsNoOutage(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        try await fleet.release("scaled", "2", manifests: Self.web("app:1", replicas: nil))
        let diff = try await fleet.swell("diff", "scaled", "--version", "2").output
        #expect(diff.contains("spec.replicas is not in the manifest any more: the live 4 stays"), "\(diff)")
        // The namespace holds what a mesh puts into each.
        var furniture = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "extra", name: "istio-ca-root-cert")
        furniture["data"] = ["root-cert.pem": "x"]
        _ = try await api.apply(furniture, ApplyOptions(fieldManager: "istiod"))
        try await fleet.release("furnished", "2", manifests: Self.settings("2"))
        for name in ["scaled", "furnished"] { try await fleet.start("2", of: name, under: "one", name: "\(name)-2") }
        for name in ["scaled", "furnished"] { try await succeeded("\(name)-2", fleet) }
        let web = ObjectReference("apps/v1", "Deployment", "web", in: "scaled")
        #expect(try await api.get(web)?.spec?["replicas"] == 4)
        try await eventually("the namespace goes") {
            try await api.get(ObjectReference("v1", "Namespace", "extra")) == nil ? true : nil
        }
    }

    private func whoEnforcesIsNamedAndLeft(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let webhook = ObjectReference("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validate")
        let path: JSONValue = ["key": "control-plane", "operator": "NotIn", "values": ["true"]]
        func enforce() async throws {
            guard var object = try await api.get(webhook) else { return }
            let place = try FieldPath(parsing: "webhooks[0].namespaceSelector.matchExpressions")
            try object.set([path], at: place)
            let patch: JSONValue = ["webhooks": object["webhooks"] ?? []]
            _ = try await api.patch(webhook, .merge(patch), fieldManager: "admissionsenforcer")
        }
        let told = try await eventually("the enforcer is named", within: .seconds(40)) {
            try await enforce()
            let text = try await fleet.swell("describe", "cluster", Self.cluster).output
            return text.contains("'admissionsenforcer' keeps writing webhooks[0].namespaceSelector.matchExpressions")
                ? text : nil
        }
        let advice = "ignoreFields: [{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration"
        #expect(told.contains("let the application say for its next release: \(advice)"), "\(told)")
        try await fleet.apply(
            Self.application(
                "enforced",
                "  ignoreFields: [{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration,"
                    + " paths: ['webhooks[0].namespaceSelector.matchExpressions']}]\n"))
        try await fleet.release("enforced", "2", manifests: Self.webhook)
        try await fleet.start("2", of: "enforced", under: "one", name: "enforced-2")
        try await succeeded("enforced-2", fleet)
        try await eventually("no drift of it is open") {
            try await enforce()
            // What was put back before is told as such for as long as nothing else is.
            let lines = try await fleet.swell("describe", "cluster", Self.cluster).output.split(separator: "\n")
            return lines.contains { $0.hasPrefix("Drift of enforced") && !$0.contains("put back") } ? nil : true
        } orDescribe: {
            try await fleet.swell("describe", "cluster", Self.cluster).output
        }
        #expect(try await api.get(webhook)?["webhooks"]?[0]?["namespaceSelector"]?["matchExpressions"] == [path])
    }

    /// Two corrections soon after one another are two rows, each with what was found and what it was put back to.
    private func correctionsAreAuditedEach(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let web = ObjectReference("apps/v1", "Deployment", "web", in: "edited")
        let settings = ObjectReference("v1", "ConfigMap", "c", in: "edited")
        _ = try await api.patch(
            web, .merge(["metadata": ["labels": ["added": "by-hand"]]]), fieldManager: "kubectl-label")
        _ = try await api.patch(web, .merge(["spec": ["replicas": 7]]), fieldManager: "kubectl-edit")
        try await eventually("replicas are put back") { try await api.get(web)?.spec?["replicas"] == 3 ? true : nil }
        // The same field again, by another hand, soon after.
        _ = try await api.patch(web, .merge(["spec": ["replicas": 8]]), fieldManager: "kubectl-scale")
        try await eventually("and again") { try await api.get(web)?.spec?["replicas"] == 3 ? true : nil }
        _ = try await api.patch(settings, .merge(["data": ["a": "9"]]), fieldManager: "kubectl-patch")
        try await eventually("the settings are put back") {
            try await api.get(settings)?["data"]?["a"] == "1" ? true : nil
        }
        for words in [
            "Deployment edited/web spec.replicas: found 7 (by kubectl-edit), put back to 3",
            "Deployment edited/web spec.replicas: found 8 (by kubectl-scale), put back to 3",
            "ConfigMap edited/c data.a: found \"9\" (by kubectl-patch), put back to \"1\"",
        ] {
            try await eventually("the audit log to have '\(words)'", within: .seconds(15)) {
                try await fleet.swell("events", "--cluster", Self.cluster).output.contains(words) ? true : nil
            } orDescribe: {
                try await fleet.swell("events", "--cluster", Self.cluster).output
            }
        }
        #expect(try await api.get(web)?.labels["added"] == "by-hand", "what others add is theirs")
    }

    /// The older image cannot run any more either: it is what is there all the same.
    private func aWayBackThatFailsSaysWhatRuns(_ fleet: Fleet) async throws {
        try await fleet.release("torn", "2", manifests: Self.web("app:broken"))
        try await fleet.fault(["image", "app:broken", "crashloop"], cluster: Self.failing)
        try await fleet.start("2", of: "torn", under: "hasty", name: "torn-2")
        try await fleet.rollout("torn-2", "under way") { targets($0).first?["phase"]?.stringValue == "applying" }
        // From now on nothing of the older image runs any more. It did before, so that nothing is excused.
        try await fleet.fault(["image", "app:1", "crashloop"], cluster: Self.failing)
        try await fleet.withAPI(Self.failing) { api in try await Self.replacePods(api) }
        try await fleet.rollout("torn-2", "not back") { status in
            targets(status).first?["reason"]?.stringValue?.contains("going back to 1 failed too") == true
        }
        let failed = try await eventually("the cluster tells of it") { () -> JSONValue? in
            let view = try await fleet.swell("get", "cluster", Self.failing, "-o", "json").json()
            let row = view["status"]?["applications"]?[0]
            return row?["phase"] == "failed" ? row : nil
        }
        #expect(failed["version"] == "1", "it is at the older one: \(failed)")
        let told = try await fleet.swell("rollout", "get", "torn-2").output
        #expect(!told.contains("reverted by its agent"), "\(told)")
        // It heals by itself, long after it was called failed: it is tried again after minutes, and by an agent that starts again.
        try await fleet.fault(["image", "app:1", "healthy"], cluster: Self.failing)
        try await fleet.withAPI(Self.failing) { api in try await Self.replacePods(api) }
        try await fleet.killAgent(Self.failing)
        try await fleet.startAgent(Self.failing)
        try await fleet.rollout("torn-2", "back after all") { status in
            targets(status).first?["reason"]?.stringValue?.hasPrefix("reverted by its agent") == true
        }
        let view = try await fleet.swell("get", "cluster", Self.failing, "-o", "json").json()
        #expect(view["status"]?["applications"]?[0]?["health"] == "healthy", "\(view)")
    }

    private static func replacePods(_ api: KubernetesAPI) async throws {
        let pods = try await api.list(
            ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: "torn"))
        for pod in pods.objects { _ = try await api.delete(pod.reference) }
    }

    // MARK: -

    private func succeeded(_ rollout: String, _ fleet: Fleet) async throws {
        try await fleet.rollout(rollout, "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }

    private func image(of workload: ObjectReference, _ api: KubernetesAPI) async throws -> JSONValue? {
        try await api.get(workload)?.spec?["template"]?["spec"]?["containers"]?[0]?["image"]
    }
}
