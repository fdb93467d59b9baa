internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// Who may write which field of which object, and which object is which: a row a rule.
@Suite struct FieldPolicyTests {
    private static func object(_ json: String, managedFields: String = "[]") throws -> KubernetesObject {
        var object = try KubernetesObject(json: try JSONValue(parsing: json))
        object.setMetadata("managedFields", try JSONValue(parsing: managedFields))
        return object
    }

    /// As a server of v1.36 answered after a Deployment that was applied was scaled, and its image was patched.
    private static let scaled = """
        [{"manager": "swell", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z", "fieldsV1":
          {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:paused": {}, "f:selector": {}, "f:template": {"f:spec":
            {"f:containers": {"k:{\\"name\\":\\"main\\"}": {".": {}, "f:name": {}}}}}}}},
         {"manager": "hpa", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
          "subresource": "scale"},
         {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1", "subresource": "status",
          "time": "2026-01-01T00:00:09Z", "fieldsV1": {"f:metadata": {"f:annotations": {".": {},
            "f:deployment.kubernetes.io/revision": {}}}, "f:status": {"f:replicas": {}}}},
         {"manager": "kubectl-patch", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-01-01T00:00:05Z",
          "fieldsV1": {"f:spec": {"f:paused": {}, "f:template": {"f:spec": {"f:containers":
            {"k:{\\"name\\":\\"main\\"}": {"f:image": {}}}}}}}}]
        """

    @Test(arguments: [
        ("metadata.labels.app", FieldOwner.ours), ("spec.replicas", .others(["hpa"])),
        ("spec.paused", .shared(["kubectl-patch"])), ("spec.selector.matchLabels.app", .ours),
        ("spec.template.spec.containers[0].image", .others(["kubectl-patch"])),
        ("spec.template.spec.containers[0].name", .ours), ("spec.minReadySeconds", .nobody),
        ("metadata.annotations[\"deployment.kubernetes.io/revision\"]", .nobody),
    ])
    func ownersAreReadFromManagedFields(path: String, owner: FieldOwner) throws {
        let live = try Self.object(
            """
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"replicas": 4, "paused": true,
              "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {"containers": [{"name": "main", "image": "a"}]}}}}
            """, managedFields: Self.scaled)
        let ledger = FieldLedger(live)
        let field = try FieldPath(parsing: path)
        #expect(ledger.owner(of: field, beside: "swell") == owner)
        #expect(ledger.lastWriter(beside: "swell") == "kubectl-patch", "a controller's status is no assignment")
        #expect(ledger.isInsideWhole(field) == path.hasPrefix("spec.selector."))
    }

    /// A manifest, what is live (nil for nothing), and what is sent of a field; nil where it is left out.
    struct Sent: Sendable, CustomTestStringConvertible {
        var what: String
        var manifest: String
        var live: String?
        var managedFields = "[]"
        var others: [String] = []
        var ignored: [String] = []
        var path: String
        var sent: JSONValue?
        var note: String?
        var testDescription: String { what }
    }

    private static let role =
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\nrules: []\n"
    private static func deployment(_ replicas: String) -> String {
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {\(replicas)paused: false}"
    }
    private static func webhooks(_ annotations: String, selector: String = "matchLabels: {a: b}") -> String {
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: v, annotations: {\(annotations)}}
        webhooks: [{name: one.example.com, clientConfig: {caBundle: QQ==}, namespaceSelector: {\(selector)}}]
        """
    }
    private static func scaler(_ kind: String, _ target: String) -> String {
        "apiVersion: x.example.com/v1\nkind: \(kind)\nmetadata: {name: s, namespace: shop}\nspec: {scaleTargetRef: {\(target)}}"
    }
    private static let ourReplicas =
        "[{\"manager\": \"swell\", \"operation\": \"Apply\", \"fieldsV1\": {\"f:spec\": {\"f:replicas\": {}}}}]"
    private static let theirReplicas = """
        [{"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}, "subresource": "scale"}]
        """
    private static let wholeSelector = """
        [{"manager": "swell", "operation": "Apply", "fieldsV1": {"f:webhooks": {"k:{\\"name\\":\\"one.example.com\\"}":
          {"f:namespaceSelector": {}}}}}]
        """

    static let rows: [Sent] = [
        Sent(what: "rules of a plain role", manifest: role, path: "rules", sent: []),
        Sent(
            what: "rules of an aggregated role", manifest: role + "aggregationRule: {clusterRoleSelectors: [{}]}",
            path: "rules", sent: nil, note: "rules is left to the control plane"),
        Sent(
            what: "an autoscaler's target at its creation", manifest: deployment("replicas: 3, "),
            others: [scaler("HorizontalPodAutoscaler", "apiVersion: apps/v1, kind: Deployment, name: web")],
            path: "spec.replicas", sent: 3, note: "spec.replicas is left to HorizontalPodAutoscaler s"),
        Sent(
            what: "an autoscaler's target that nobody scaled yet", manifest: deployment("replicas: 3, "),
            live: deployment("replicas: 2, "), managedFields: ourReplicas,
            others: [scaler("ScaledObject", "name: web")],
            path: "spec.replicas", sent: 2),
        Sent(
            what: "an autoscaler's target that it scaled", manifest: deployment("replicas: 3, "),
            live: deployment("replicas: 9, "), managedFields: theirReplicas,
            others: [scaler("HorizontalPodAutoscaler", "apiVersion: extensions/v1beta1, kind: Deployment, name: web")],
            path: "spec.replicas", sent: nil),
        Sent(
            what: "the target of another's autoscaler", manifest: deployment("replicas: 3, "),
            live: deployment("replicas: 9, "), managedFields: theirReplicas, path: "spec.replicas", sent: 3),
        Sent(
            what: "replicas that the manifest dropped", manifest: deployment(""), live: deployment("replicas: 4, "),
            managedFields: ourReplicas, path: "spec.replicas", sent: 4, note: "the live 4 stays"),
        Sent(
            what: "replicas that the manifest dropped and somebody else has", manifest: deployment(""),
            live: deployment("replicas: 4, "), managedFields: theirReplicas, path: "spec.replicas", sent: nil),
        Sent(
            what: "an authority of one's own", manifest: webhooks(""), path: "webhooks[0].clientConfig.caBundle",
            sent: "QQ=="),
        Sent(
            what: "an injected authority", manifest: webhooks("cert-manager.io/inject-ca-from: a/b"),
            path: "webhooks[0].clientConfig.caBundle", sent: nil, note: "caBundle is left to who injects"),
        Sent(
            what: "a part of what is owned as a whole, which only goes along", manifest: webhooks(""),
            live: webhooks("", selector: "matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]"),
            managedFields: wholeSelector, ignored: ["webhooks[0].namespaceSelector.matchExpressions"],
            path: "webhooks[0].namespaceSelector.matchExpressions", sent: [["key": "c", "operator": "Exists"]]),
        Sent(
            what: "a controller's counter",
            manifest:
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w, annotations: {deployment.kubernetes.io/revision: \"3\"}}",
            path: "metadata.annotations[\"deployment.kubernetes.io/revision\"]", sent: nil),
    ]

    @Test(arguments: rows) func whatIsLeftToOthersIsNotSent(row: Sent) throws {
        let object = try #require(try Manifest.objects(in: row.manifest).first)
        var live = try row.live.map { try Manifest.objects(in: $0)[0] }
        live?.setMetadata("managedFields", try JSONValue(parsing: row.managedFields))
        let others = try row.others.flatMap { try Manifest.objects(in: $0) }
        var options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "a", inventoryName: "b", now: { KubernetesTime.current })
        options.ignoredFields = try row.ignored.map { IgnoredField(path: try FieldPath(parsing: $0)) }
        let policy = FieldPolicy(options: options, objects: [object] + others)
        let left = try policy.left(of: object)
        let sent = try policy.sent(object, live: live, left: left)
        let path = try FieldPath(parsing: row.path)
        #expect(sent.value(at: path) == row.sent)
        let notes = policy.notes(on: object, left: left, sent: sent).joined(separator: "; ")
        if let note = row.note { #expect(notes.contains(note), "\(notes)") }
    }

    @Test func everyKindOfTheTableHasAReasonAndOneRow() {
        #expect(Set(KindTable.rows.map(\.kind)).count == KindTable.rows.count)
        for row in KindTable.rows {
            #expect(!row.why.isEmpty)
            #expect(KindTable.canonical(row.kind) == row.kind)
            for group in row.otherGroups {
                #expect(KindTable.canonical(GroupKind(group: group, kind: row.kind.kind)) == row.kind)
            }
        }
        #expect(KindTable.facts(of: GroupKind(kind: "ConfigMap")).isReplaceable)
    }

    @Test(arguments: [
        ("u1", false, "[]", true), ("u1", false, "[{\"manager\": \"kubectl\", \"operation\": \"Update\"}]", true),
        ("u1", false, "[{\"manager\": \"helm\", \"operation\": \"Apply\"}]", false),
        ("u1", true, "[{\"manager\": \"openshift\", \"operation\": \"Apply\"}]", true),
        ("u2", true, "[]", false), (nil, true, "[]", false),
    ])
    func whatNobodyAppliesAndIsTheSameObjectIsOurs(
        uid: String?, isBare: Bool, managedFields: String, isOurs: Bool
    ) throws {
        let live = try Self.object(
            "{\"apiVersion\": \"v1\", \"kind\": \"ServiceAccount\", \"metadata\": {\"name\": \"a\", \"uid\": \"u1\"}}",
            managedFields: managedFields)
        #expect(ObjectMark(uid: uid, isBare: isBare).isStillOurs(live, beside: "swell") == isOurs)
    }

    @Test func finishedWorkStaysNotedWithinItsBound() {
        var work = FinishedWork()
        work.insert("a")
        work.insert("b", isRepeated: true)
        work.insert("a")
        #expect(FinishedWork(text: work.text) == work)
        #expect(work.contains("a") && work.contains("b"))
        work.forgetRepeated(but: ["b"])
        #expect(work.contains("b"), "its own bundle is there")
        work.forgetRepeated(but: ["c"])
        #expect(!work.contains("b") && work.contains("a"))
        for number in 0..<FinishedWork.capacity { work.insert("n\(number)") }
        #expect(!work.contains("a") && work.contains("n\(FinishedWork.capacity - 1)"))
        #expect(work.remove("n1") && !work.remove("n1"))
    }
}
