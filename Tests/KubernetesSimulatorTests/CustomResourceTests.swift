internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Custom resources")
struct CustomResourceTests {
    private static let definition: JSONValue = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": ["name": "widgets.example.com"],
        "spec": [
            "group": "example.com", "scope": "Namespaced",
            "names": ["plural": "widgets", "kind": "Widget"],
            "versions": [
                [
                    "name": "v1", "served": true, "storage": true, "subresources": ["status": .object([:])],
                    "schema": ["openAPIV3Schema": schema],
                ]
            ],
        ],
    ]
    private static let schema: JSONValue = [
        "type": "object", "required": ["spec"],
        "properties": [
            "spec": [
                "type": "object", "required": ["size"],
                "properties": [
                    "size": ["type": "integer", "minimum": 1], "color": ["type": "string", "default": "red"],
                    "parts": [
                        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                        "items": [
                            "type": "object", "required": ["id"],
                            "properties": ["id": ["type": "string"], "count": ["type": "integer"]],
                        ],
                    ],
                ],
            ],
            "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
        ],
    ]
    private static let path = "/apis/example.com/v1/namespaces/default/widgets/a"

    private func widget(_ spec: JSONValue) -> JSONValue {
        [
            "apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "a", "namespace": "default"],
            "spec": spec,
        ]
    }

    private func established() -> TestCluster {
        var cluster = TestCluster()
        cluster.apply(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com", Self.definition)
        cluster.run(seconds: 1)
        return cluster
    }

    @Test("a kind is served once its definition is established, and gone with it")
    func life() {
        var cluster = TestCluster()
        #expect(cluster.apply(Self.path, widget(["size": 1])).status == 404)
        let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
        cluster.apply(crd, Self.definition)
        cluster.run(seconds: 1)
        #expect(cluster.get(crd).condition("Established")?["status"] == "True")
        #expect(cluster.apply(Self.path, widget(["size": 1])).status == 201)
        cluster.send("DELETE", crd)
        cluster.run(seconds: 1)
        #expect(cluster.send("GET", crd).status == 404)
        #expect(cluster.send("GET", Self.path).body == "404 page not found\n")
    }

    @Test("defaults are filled in, and what the schema refuses is named")
    func schema() {
        var cluster = established()
        let created = cluster.apply(Self.path, widget(["size": 1]))
        #expect(created.body.at("spec", "color") == "red")
        let small = cluster.apply(Self.path, widget(["size": 0]))
        #expect(
            small.body["message"]
                == "Widget.example.com \"a\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
        )
        let missing = cluster.apply(Self.path, widget(.object([:])))
        #expect(missing.body["message"] == "Widget.example.com \"a\" is invalid: spec.size: Required value")
        let unknown = cluster.apply(Self.path, widget(["size": 2, "nope": 1]))
        #expect(unknown.status == 500)
        var pruned = widget(["size": 2, "nope": 1])
        pruned.put("b", "metadata", "name")
        let posted = cluster.send("POST", "/apis/example.com/v1/namespaces/default/widgets", pruned)
        #expect(posted.body["spec"] == ["size": 2, "color": "red"])
    }

    @Test("a definition may store its objects in another version from now on, and remembers the former one")
    func storageVersion() throws {
        var cluster = established()
        let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
        func with(storage: String) throws -> JSONValue {
            var version = try #require(Self.definition.at("spec", "versions")?.arrayValue?.first)
            version["storage"] = .bool(storage == "v1")
            var other = version
            other["name"] = "v2"
            other["storage"] = .bool(storage == "v2")
            var definition = Self.definition
            definition.put([version, other], "spec", "versions")
            return definition
        }
        #expect(cluster.apply(crd, try with(storage: "v2")).status == 200)
        #expect(cluster.get(crd).at("status", "storedVersions") == ["v1", "v2"])
        #expect(cluster.apply(crd, try with(storage: "v1")).status == 200)
        #expect(cluster.get(crd).at("status", "storedVersions") == ["v1", "v2"])
        // What objects may still be stored in cannot be taken away.
        let gone = cluster.apply(crd, Self.definition)
        #expect(gone.status == 422, "\(gone.body)")
    }

    @Test("lists with keys merge by them")
    func listKeys() {
        var cluster = established()
        cluster.apply(Self.path, widget(["size": 1, "parts": [["id": "x", "count": 1]]]))
        let both = cluster.apply(
            Self.path, widget(["size": 1, "parts": [["id": "y", "count": 2]]]), manager: "other")
        #expect(both.body.at("spec", "parts")?.arrayValue?.count == 2)
        let left = cluster.apply(Self.path, widget(["size": 1]), manager: "other")
        #expect(left.body.at("spec", "parts") == [["id": "x", "count": 1]])
    }

    @Test("status has an endpoint of its own and does not count as a generation")
    func status() {
        var cluster = established()
        cluster.apply(Self.path, widget(["size": 1]))
        let patched = cluster.send(
            "PATCH", Self.path + "/status", ["status": ["phase": "Ready"], "spec": ["size": 9]],
            type: "application/merge-patch+json")
        #expect(patched.body.at("status", "phase") == "Ready")
        #expect(patched.body.int("spec", "size") == 1)
        #expect(patched.body.int("metadata", "generation") == 1)
    }
}
