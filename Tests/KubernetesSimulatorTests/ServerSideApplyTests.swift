internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Server-side apply")
struct ServerSideApplyTests {
    @Test("creates with defaults and owns only what was applied")
    func creates() {
        var cluster = TestCluster()
        let (status, object) = cluster.apply(TestCluster.web, TestCluster.deployment())
        #expect(status == 201)
        #expect(object.int("metadata", "generation") == 1)
        #expect(object.int("spec", "progressDeadlineSeconds") == 600)
        let container = object.at("spec", "template", "spec", "containers")?[0]
        #expect(container?["imagePullPolicy"] == "IfNotPresent")
        #expect(container?["ports"]?[0]?["protocol"] == "TCP")
        let owned = object.at("metadata", "managedFields")?[0]?["fieldsV1"]
        let expected: JSONValue = [
            "f:metadata": ["f:labels": ["f:app": .object([:])]],
            "f:spec": [
                "f:replicas": .object([:]), "f:selector": .object([:]),
                "f:template": [
                    "f:metadata": ["f:labels": ["f:app": .object([:])]],
                    "f:spec": [
                        "f:containers": [
                            #"k:{"name":"main"}"#: [
                                ".": .object([:]), "f:image": .object([:]), "f:name": .object([:]),
                                "f:ports": [
                                    #"k:{"containerPort":8080,"protocol":"TCP"}"#: [
                                        ".": .object([:]), "f:containerPort": .object([:]),
                                    ]
                                ],
                            ]
                        ]
                    ],
                ],
            ],
        ]
        #expect(owned == expected)
    }

    @Test("the same again changes nothing, not even the revision")
    func repeats() {
        var cluster = TestCluster()
        let first = cluster.apply(TestCluster.web, TestCluster.deployment()).body
        cluster.now += 10
        let second = cluster.apply(TestCluster.web, TestCluster.deployment())
        #expect(second.status == 200)
        #expect(second.body == first)
    }

    @Test("drops what its only owner no longer applies, and defaults it again")
    func drops() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment(replicas: 3))
        let (_, object) = cluster.apply(TestCluster.web, TestCluster.deployment(replicas: nil))
        #expect(object.int("spec", "replicas") == 1)
        #expect(object.int("metadata", "generation") == 2)
    }

    @Test("another manager's field with another value is a conflict, unless forced")
    func conflicts() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1", "b": "1"]))
        let (status, refusal) = cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "2"]), manager: "other")
        #expect(status == 409)
        #expect(refusal["message"] == "Apply failed with 1 conflict: conflict with \"swell\": .data.a")
        #expect(refusal.at("details", "causes")?[0]?["field"] == ".data.a")
        let same = cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1"]), manager: "other")
        #expect(same.status == 200)
        let forced = cluster.apply(
            TestCluster.shared, TestCluster.configMap(["a": "2"]), manager: "other", options: "&force=true")
        #expect(forced.body.at("data", "a") == "2")
        let managers = forced.body.at("metadata", "managedFields")?.arrayValue ?? []
        let swell = managers.first { $0["manager"] == "swell" }
        #expect(swell?["fieldsV1"] == ["f:data": ["f:b": .object([:])]])
    }

    @Test("an update by another client takes the field over, and the conflict names its version")
    func updateTakesOver() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1", "b": "1"]))
        cluster.send(
            "PATCH", TestCluster.shared + "?fieldManager=kubectl-edit", ["data": ["b": "edited"]],
            type: "application/merge-patch+json")
        let (status, refusal) = cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1", "b": "1"]))
        #expect(status == 409)
        #expect(refusal["message"] == "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.b")
    }

    @Test("scaling is an owner of its own")
    func scaling() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment())
        let scaled = cluster.send(
            "PATCH", TestCluster.web + "/scale", ["spec": ["replicas": 4]], type: "application/merge-patch+json",
            agent: "python-requests/2")
        #expect(scaled.body.at("spec", "replicas") == 4)
        let (status, refusal) = cluster.apply(TestCluster.web, TestCluster.deployment(replicas: 3))
        #expect(status == 409)
        #expect(
            refusal["message"]
                == "Apply failed with 1 conflict: conflict with \"python-requests\" with subresource \"scale\" using apps/v1: .spec.replicas"
        )
    }

    @Test("a dry run answers as if and stores nothing")
    func dryRun() {
        var cluster = TestCluster()
        let preview = cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1"]), options: "&dryRun=All")
        #expect(preview.status == 201)
        #expect(preview.body.at("metadata", "resourceVersion") == nil)
        #expect(cluster.send("GET", TestCluster.shared).status == 404)
    }

    @Test("needs a field manager, a known field, a fitting type and its own name")
    func refuses() {
        var cluster = TestCluster()
        let noManager = cluster.send(
            "PATCH", TestCluster.web, TestCluster.deployment(), type: "application/apply-patch+yaml")
        #expect(noManager.status == 422)
        let unknown = cluster.apply(TestCluster.web, TestCluster.deployment(extra: ["replicaz": 3]))
        #expect(unknown.status == 500)
        #expect(
            unknown.body["message"]
                == "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema"
        )
        let mistyped = cluster.apply(
            TestCluster.web, TestCluster.deployment(replicas: nil, extra: ["replicas": "three"]))
        #expect(
            mistyped.body["message"]
                == "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string"
        )
        #expect(cluster.apply(TestCluster.deployments + "/other", TestCluster.deployment()).status == 400)
    }

    @Test func valuesThatMergeButAreNoneOfTheirTypeAreRefused() {
        var cluster = TestCluster()
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
            "spec": ["containers": [["name": "a", "image": "b", "resources": ["limits": ["cpu": "1x"]]]]],
        ]
        let (status, answer) = cluster.apply("/api/v1/namespaces/default/pods/p", pod)
        #expect(status == 500)
        let start =
            "failed to convert new object (default/p; /v1, Kind=Pod) to proper version: unable to convert unstructured object to /v1, Kind=Pod: quantities must match"
        #expect(answer["message"]?.stringValue?.hasPrefix(start) == true, "\(answer)")
        let map: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "c"], "binaryData": ["a": "AAA"],
        ]
        let (code, other) = cluster.apply("/api/v1/namespaces/default/configmaps/c", map)
        #expect(code == 500)
        #expect(other["message"]?.stringValue?.hasSuffix("illegal base64 data at input byte 0") == true, "\(other)")
    }
}
