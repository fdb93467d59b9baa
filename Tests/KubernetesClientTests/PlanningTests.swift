internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

private func object(
    _ apiVersion: String, _ kind: String, _ name: String, namespace: String? = nil, annotations: [String: String] = [:]
) -> KubernetesObject {
    var object = KubernetesObject(
        type: GroupVersionKind(apiVersion: apiVersion, kind: kind), namespace: namespace, name: name)
    object.annotations = annotations
    return object
}

@Suite struct ApplyOrderTests {
    @Test func ordersByWaveThenPhase() throws {
        let steps = try ApplyOrder.steps(of: [
            object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "hook"),
            object("example.com/v1", "Widget", "widget"), object("apps/v1", "Deployment", "web"),
            object("v1", "Service", "svc"), object("v1", "ConfigMap", "cm"),
            object("rbac.authorization.k8s.io/v1", "Role", "role"), object("storage.k8s.io/v1", "StorageClass", "fast"),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com"),
            object("v1", "Namespace", "shop"),
            object("batch/v1", "Job", "early", annotations: ["swell.dev/wave": "-1"]),
            object("apps/v1", "Deployment", "late", annotations: ["swell.dev/wave": "2"]),
        ])
        let names = steps.map { step in
            "\(step.wave.map(String.init) ?? "-"):\(step.objects.map(\.name).joined(separator: ","))"
        }
        #expect(
            names == [
                "-:shop", "-:widgets.example.com", "-1:early", "0:fast", "0:role", "0:cm", "0:svc", "0:web", "0:widget",
                "0:hook", "2:late",
            ])
    }

    @Test func refusesUnreadableWaves() {
        let error = #expect(throws: KubernetesError.self) {
            try ApplyOrder.steps(of: [object("v1", "ConfigMap", "cm", annotations: ["swell.dev/wave": "first"])])
        }
        #expect(error?.message.contains("v1 ConfigMap cm: annotation swell.dev/wave \"first\"") == true)
    }

    @Test func prunesInReverse() {
        let references = [
            object("v1", "Namespace", "shop"), object("v1", "ConfigMap", "cm"), object("apps/v1", "Deployment", "web"),
        ].map(\.reference)
        #expect(ApplyOrder.pruneOrder(references).map { $0.map(\.name) } == [["web"], ["cm"], ["shop"]])
    }
}

@Suite struct ObjectDifferenceTests {
    private func changes(
        _ live: JSONValue?, _ desired: JSONValue, ignoring: [FieldPath] = []
    ) throws -> [String] {
        var mask = SecretMask()
        return ObjectDifference.changes(
            from: try live.map { try KubernetesObject(json: $0) }, to: try KubernetesObject(json: desired),
            ignoring: ignoring, mask: &mask
        ).map(\.description)
    }

    @Test func looksPastWhatServersWrite() throws {
        let live: JSONValue = [
            "kind": "Deployment",
            "metadata": ["name": "a", "resourceVersion": "1", "generation": 1, "labels": ["x": "1"]],
            "spec": ["replicas": 2], "status": ["replicas": 2],
        ]
        var desired = live
        try desired.set(
            ["name": "a", "resourceVersion": "9", "managedFields": [], "labels": ["x": "1"]], at: ["metadata"])
        try desired.set(["replicas": 0], at: ["status"])
        #expect(try changes(live, desired).isEmpty)
        try desired.set(3, at: ["spec", "replicas"])
        try desired.set("2", at: ["metadata", "labels", "x"])
        #expect(try changes(live, desired) == ["metadata.labels.x: \"1\" -> \"2\"", "spec.replicas: 2 -> 3"])
        #expect(try changes(live, desired, ignoring: [["spec", "replicas"]]).count == 1)
    }

    @Test func hidesSecretsAndEqualValuesAlike() throws {
        let live: JSONValue = ["kind": "Secret", "apiVersion": "v1", "data": ["a": "b25l", "b": "b25l", "c": "dHdv"]]
        let desired: JSONValue = [
            "kind": "Secret", "apiVersion": "v1", "data": ["a": "dHdv", "b": "dHdv", "d": "b25l"],
        ]
        let texts = try changes(live, desired)
        #expect(
            texts == [
                "data.a: \"<hidden 1>\" -> \"<hidden 2>\"", "data.b: \"<hidden 1>\" -> \"<hidden 2>\"",
                "data.c: \"<hidden 2>\" -> (absent)", "data.d: (absent) -> \"<hidden 1>\"",
            ])
    }

    @Test func hidesSecretsWhereverTheyAppear() throws {
        let secret: JSONValue = [
            "kind": "Secret", "apiVersion": "v1",
            "metadata": ["annotations": ["kubectl.kubernetes.io/last-applied-configuration": "{\"data\":\"hunter2\"}"]],
            "data": ["a": "hunter2"], "stringData": ["b": "hunter2"],
        ]
        #expect(try changes(nil, secret).allSatisfy { !$0.contains("hunter2") })
        #expect(try changes(["kind": "Secret", "apiVersion": "v1"], secret).allSatisfy { !$0.contains("hunter2") })
        #expect(try changes(secret, ["kind": "Secret", "apiVersion": "v1"]).allSatisfy { !$0.contains("hunter2") })
        var mask = SecretMask()
        let hidden = ObjectDifference.hidingSecrets(try KubernetesObject(json: secret), mask: &mask)
        #expect(!hidden.json.serialized().contains("hunter2"))
    }
}

@Suite struct ConflictTests {
    private func conflict(_ causes: [(String, String)]) -> KubernetesError {
        KubernetesError(
            code: .refused, message: "Apply failed", status: 409, reason: "Conflict",
            causes: causes.map { .init(reason: "FieldManagerConflict", message: $0.0, field: $0.1) })
    }

    @Test func readsManagersAndFields() {
        let error = conflict([
            ("conflict with \"kubectl-edit\" using v1", ".data.b"), ("conflict with \"helm\"", ".spec.replicas"),
            ("conflict with \"kubectl-edit\" using v1 at 2026-01-01T00:00:00Z", ".data.a"),
        ])
        let conflicts = ApplyConflict.list(in: error)
        #expect(conflicts.first == ApplyConflict(manager: "kubectl-edit", apiVersion: "v1", field: ".data.b"))
        #expect(ApplyConflict.summary(conflicts) == "helm owns .spec.replicas; kubectl-edit owns .data.a, .data.b")
        #expect(!ApplyConflict.areSafeToForce(conflicts, applier: "swell"))
        #expect(!error.isTransient)
        let kubectl = conflict([("conflict with \"kubectl-client-side-apply\" using apps/v1", ".spec.replicas")])
        #expect(ApplyConflict.areSafeToForce(ApplyConflict.list(in: kubectl), applier: "swell"))
        #expect(ApplyConflict.areSafeToForce([ApplyConflict(manager: "swell", field: ".a")], applier: "swell"))
        #expect(!ApplyConflict.areSafeToForce([], applier: "swell"))
    }

    @Test func knowsImmutableFieldsByStatusAndCause() {
        func error(_ status: Int, _ message: String) -> KubernetesError {
            KubernetesError(
                code: .refused, message: "", status: status, reason: "Invalid",
                causes: [.init(reason: "FieldValueInvalid", message: message, field: "spec.selector")])
        }
        #expect(ImmutableFields.fields(in: error(422, "Invalid value: {}: field is immutable")) == ["spec.selector"])
        #expect(ImmutableFields.fields(in: error(422, "must be greater than or equal to 0")).isEmpty)
        #expect(ImmutableFields.fields(in: error(409, "field is immutable")).isEmpty)
    }

    @Test func classifiesConflictsOnUpdateAsTransient() {
        let stale = KubernetesError(code: .refused, message: "modified", status: 409, reason: "Conflict")
        #expect(stale.isTransient)
        let exists = KubernetesError(code: .refused, message: "exists", status: 409, reason: "AlreadyExists")
        #expect(!exists.isTransient)
    }
}

@Suite struct InventoryTests {
    private let web = object("apps/v1", "Deployment", "web", namespace: "shop").reference
    private let role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "system:x").reference

    @Test func survivesItsStoredForm() throws {
        let inventory = Inventory([web, role])
        #expect(try Inventory(data: inventory.data) == inventory)
        #expect(try Inventory(data: Inventory().data) == Inventory())
        #expect(throws: KubernetesError.self) { try Inventory(data: [:]) }
        #expect(throws: KubernetesError.self) { try Inventory(data: ["format": "1", "objects": "a|b"]) }
        #expect(throws: KubernetesError.self) { try Inventory(data: ["format": "2", "objects": ""]) }
    }

    @Test func comparesWhateverTheVersion() {
        var old = web
        old.type.version = "v1beta1"
        #expect(Inventory([old]).subtracting(Inventory([web])).references.isEmpty)
        #expect(Inventory([old]).union(Inventory([web])).references == [web])
        #expect(Inventory([old, role]).subtracting(Inventory([web])).references == [role])
    }
}
