internal import KubernetesObjects
internal import Testing

@Suite struct KubernetesObjectTests {
    @Test func readsIdentityAndMetadata() throws {
        let object = try KubernetesObject(json: [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": ["name": "web", "namespace": "shop", "generation": 3, "labels": ["app": "web"], "uid": "u"],
            "spec": ["replicas": 2],
        ])
        #expect(object.reference.description == "apps/v1 Deployment shop/web")
        #expect(object.reference.identity.description == "Deployment.apps shop/web")
        #expect(object.generation == 3)
        #expect(object.value(at: ["spec", "replicas"])?.intValue == 2)
        #expect(GroupVersionKind(apiVersion: "v1", kind: "Pod") == GroupVersionKind(version: "v1", kind: "Pod"))
        #expect(throws: KubernetesObjectError.self) { try KubernetesObject(json: [1]) }
    }

    @Test func changesLabelsAndAnnotations() {
        var object = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "a", name: "b")
        object.labels["x"] = "1"
        object.annotations["y"] = "2"
        object.annotations["y"] = nil
        object.namespace = nil
        #expect(
            object.json == ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "b", "labels": ["x": "1"]]])
    }

    @Test(
        arguments: [
            (["kind": "Pod", "metadata": ["name": "a"]], "apiVersion is missing"),
            (["apiVersion": "v1", "metadata": ["name": "a"]], "kind is missing"),
            (["apiVersion": "v1", "kind": "Pod", "metadata": [:]], "metadata.name is missing"),
            (["apiVersion": "v1", "kind": "Pod", "metadata": ["generateName": "a-"]], "generateName"),
            (["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "Web"]], "\"Web\" must be lower-case"),
            (["apiVersion": "a/b/c", "kind": "Pod", "metadata": ["name": "web"]], "neither version nor"),
            (["apiVersion": "v1", "kind": "Service", "metadata": ["name": "a.b"]], "a.b"),
            (
                ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "labels": ["x": true]]],
                "write it in quotes"
            ),
            (["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "labels": ["x": "a b"]]], "\"a b\""),
            (["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "labels": ["A/B/c": "a"]]], "A/B/c"),
        ] as [(JSONValue, String)])
    func namesWhatIsWrong(json: JSONValue, expected: String) throws {
        let problems = ObjectValidation.problems(in: try KubernetesObject(json: json))
        #expect(problems.contains { $0.contains(expected) }, "\(problems)")
    }

    @Test func acceptsUnusualButValidNames() throws {
        let role: JSONValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "system:a"],
        ]
        #expect(ObjectValidation.problems(in: try KubernetesObject(json: role)).isEmpty)
    }
}

@Suite struct ManifestTests {
    @Test func takesListsOfOneKindApart() throws {
        let text = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBindingList
            items:
            - metadata: {name: a}
            - {apiVersion: rbac.authorization.k8s.io/v1beta1, kind: RoleBinding, metadata: {name: b}}
            ---
            {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: c}}]}]}
            ---
            {apiVersion: v1, kind: ConfigMapList, items: null}
            ---
            {apiVersion: x.io/v1, kind: AllowList, metadata: {name: d}, items: [1]}

            """
        #expect(
            try Manifest.objects(in: text).map(\.reference.description) == [
                "rbac.authorization.k8s.io/v1 RoleBinding a", "rbac.authorization.k8s.io/v1beta1 RoleBinding b",
                "v1 ConfigMap c", "x.io/v1 AllowList d",
            ])
    }

    @Test func takesListsApart() throws {
        let text = """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: c}
            """
        #expect(try Manifest.objects(in: text).map(\.name) == ["a", "b", "c"])
    }

    @Test func refusesAnObjectTwiceNamingBothPlaces() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
        let error = #expect(throws: KubernetesObjectError.self) {
            try Manifest.objects(in: text + "---\n" + text, file: "s.yaml")
        }
        #expect(error?.message == "s.yaml:5:1: v1 Secret a is there twice, first at s.yaml:1:1")
    }

    @Test func namesThePlaceOfABadObject() {
        let error = #expect(throws: KubernetesObjectError.self) {
            try Manifest.objects(in: "\nkind: Secret\nmetadata: {name: a}\n", file: "s.yaml")
        }
        #expect(error?.message == "s.yaml:2:1: Secret a: apiVersion is missing")
    }
}
