internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Requests and refusals")
struct RequestTests {
    @Test("paths that lead nowhere are told apart")
    func paths() {
        var cluster = TestCluster()
        #expect(cluster.send("GET", "/nope").body == "404 page not found\n")
        #expect(cluster.send("GET", "/apis/nope.example.com/v1").body == "404 page not found\n")
        let unknown = cluster.send("GET", "/api/v1/namespaces/default/widgets")
        #expect(unknown.body["message"] == "the server could not find the requested resource")
        #expect(unknown.body["details"] == .object([:]))
        let absent = cluster.send("GET", TestCluster.web)
        #expect(absent.status == 404)
        #expect(absent.body["message"] == "deployments.apps \"web\" not found")
    }

    @Test("discovery lists kinds in both forms")
    func discovery() {
        var cluster = TestCluster()
        let list = cluster.get("/apis/apps/v1")
        let names = list["resources"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
        #expect(names.contains("deployments/scale"))
        #expect(names == names.sorted())
        let request = APIRequest(
            method: "GET", path: ["apis"],
            accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
        let answer = cluster.state.handle(request, now: cluster.now)
        guard case .json(let value) = answer.body else { return #expect(Bool(false), "no JSON") }
        #expect(value["kind"] == "APIGroupDiscoveryList")
        let apps = value["items"]?.arrayValue?.first { $0.name == "apps" }
        let resources = apps?["versions"]?[0]?["resources"]?.arrayValue ?? []
        #expect(resources.contains { $0["resource"] == "deployments" && $0["scope"] == "Namespaced" })
    }

    @Test("a workload whose selector misses its template, or with a negative count, is refused with its field")
    func validation() {
        var cluster = TestCluster()
        var mismatched = TestCluster.deployment()
        mismatched.put("other", "spec", "template", "metadata", "labels", "app")
        let refusal = cluster.apply(TestCluster.web, mismatched)
        #expect(refusal.status == 422)
        #expect(
            refusal.body["message"]
                == "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`"
        )
        let negative = cluster.apply(TestCluster.web, TestCluster.deployment(replicas: -1))
        #expect(negative.body.at("details", "causes")?[0]?["field"] == "spec.replicas")
        let name = cluster.send(
            "POST", "/api/v1/namespaces/default/configmaps", TestCluster.configMap([:], name: "Bad_Name"))
        #expect(name.status == 422)
        #expect(name.body.at("details", "causes")?[0]?["field"] == "metadata.name")
    }

    @Test("immutable fields stay")
    func immutable() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment())
        var changed = TestCluster.deployment()
        changed.put("y", "spec", "selector", "matchLabels", "x")
        changed.put("y", "spec", "template", "metadata", "labels", "x")
        let refusal = cluster.apply(TestCluster.web, changed)
        #expect(refusal.status == 422)
        #expect(
            refusal.body.at("details", "causes")?[0]?["message"]?.stringValue?.hasSuffix("field is immutable") == true)
        let job: JSONValue = [
            "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "migrate"],
            "spec": [
                "template": [
                    "spec": ["restartPolicy": "Never", "containers": [["name": "main", "image": "migrate:1"]]]
                ]
            ],
        ]
        let path = "/apis/batch/v1/namespaces/default/jobs/migrate"
        #expect(cluster.apply(path, job).status == 201)
        var other = job
        other.put([["name": "main", "image": "migrate:2"]], "spec", "template", "spec", "containers")
        let second = cluster.apply(path, other, options: "&force=true")
        #expect(second.status == 422)
        #expect(second.body.at("details", "causes")?[0]?["field"] == "spec.template")
    }

    @Test("a namespace that is missing or ending takes nothing")
    func namespaces() {
        var cluster = TestCluster()
        let path = "/api/v1/namespaces/absent/configmaps/x"
        var object = TestCluster.configMap([:], name: "x")
        object.put("absent", "metadata", "namespace")
        #expect(cluster.apply(path, object).body["message"] == "namespaces \"absent\" not found")
        cluster.send("POST", "/api/v1/namespaces", ["metadata": ["name": "absent"]])
        cluster.send("DELETE", "/api/v1/namespaces/absent")
        #expect(cluster.apply(path, object).status == 403)
        cluster.run(seconds: 3)
        #expect(cluster.send("GET", "/api/v1/namespaces/absent").status == 404)
    }

    @Test("a write from a stale revision is a conflict")
    func staleWrite() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1"]))
        var stale = cluster.get(TestCluster.shared)
        stale.put("1", "metadata", "resourceVersion")
        let refusal = cluster.send("PUT", TestCluster.shared, stale)
        #expect(refusal.status == 409)
        #expect(refusal.body["reason"] == "Conflict")
    }

    @Test("unknown fields are refused, warned of or ignored as asked")
    func fieldValidation() {
        var cluster = TestCluster()
        let object = TestCluster.deployment(extra: ["replicaz": 3])
        let strict = cluster.send("POST", TestCluster.deployments + "?fieldValidation=Strict", object)
        #expect(strict.status == 400)
        #expect(strict.body["message"]?.stringValue?.contains("unknown field \"spec.replicaz\"") == true)
        let request = APIRequest(
            method: "POST", path: TestCluster.deployments.split(separator: "/").map(String.init),
            contentType: "application/json", body: object.serializedBytes())
        let lenient = cluster.state.handle(request, now: cluster.now)
        #expect(lenient.status == 201)
        #expect(lenient.headers.contains { $0.0 == "Warning" && $0.1.contains("spec.replicaz") })
    }

    @Test("the three other patches")
    func patches() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment())
        let json = cluster.send(
            "PATCH", TestCluster.web, [["op": "replace", "path": "/spec/replicas", "value": 5]],
            type: "application/json-patch+json")
        #expect(json.body.int("spec", "replicas") == 5)
        let failed = cluster.send(
            "PATCH", TestCluster.web, [["op": "test", "path": "/spec/replicas", "value": 9]],
            type: "application/json-patch+json")
        #expect(failed.status == 422)
        let strategic = cluster.send(
            "PATCH", TestCluster.web,
            ["spec": ["template": ["spec": ["containers": [["name": "main", "image": "nginx:1.27"]]]]]],
            type: "application/strategic-merge-patch+json")
        let container = strategic.body.at("spec", "template", "spec", "containers")?[0]
        #expect(container?["image"] == "nginx:1.27")
        #expect(container?["ports"]?[0]?["containerPort"] == 8080)
        let before = strategic.body.at("metadata", "resourceVersion")
        let merge = cluster.send(
            "PATCH", TestCluster.web, ["status": ["readyReplicas": 99]], type: "application/merge-patch+json")
        #expect(merge.body.at("metadata", "resourceVersion") == before)
        #expect(cluster.send("PATCH", TestCluster.web, ["x": 1]).status == 415)
    }

    @Test("strategic merge deletes by directive and keeps the order asked for")
    func strategicDirectives() {
        let value: JSONValue = [
            "containers": [["name": "a", "image": "1"], ["name": "b", "image": "1"]], "volumes": [["name": "v"]],
        ]
        let patch: JSONValue = [
            "containers": [["name": "c", "image": "1"], ["name": "a", "$patch": "delete"]],
            "$setElementOrder/containers": [["name": "c"], ["name": "b"]], "volumes": nil,
        ]
        let result = StrategicMergePatch.apply(patch, to: value, shape: .named("api.core.v1.PodSpec"))
        #expect(result == ["containers": [["name": "c", "image": "1"], ["name": "b", "image": "1"]]])
    }

    @Test("labels and fields select, and pages follow one another")
    func lists() throws {
        var cluster = TestCluster()
        for index in 0..<5 {
            var object = TestCluster.configMap(["i": .string(String(index))], name: "c\(index)")
            object.put(["app": index < 3 ? "a" : "b", "n": .string(String(index))], "metadata", "labels")
            cluster.apply("/api/v1/namespaces/default/configmaps/c\(index)", object)
        }
        func names(_ list: JSONValue) -> [String] { (list["items"]?.arrayValue ?? []).map(\.name) }
        let path = "/api/v1/namespaces/default/configmaps"
        #expect(names(cluster.get(path + "?labelSelector=app=b")) == ["c3", "c4"])
        #expect(names(cluster.get(path + "?labelSelector=n in (1,3),app")) == ["c1", "c3"])
        #expect(names(cluster.get(path + "?labelSelector=app!=a,app")) == ["c3", "c4"])
        #expect(names(cluster.get(path + "?fieldSelector=metadata.name=c2")) == ["c2"])
        let first = cluster.get(path + "?labelSelector=app&limit=2")
        #expect(names(first) == ["c0", "c1"])
        let token = try #require(first.at("metadata", "continue")?.stringValue)
        #expect(names(cluster.get(path + "?labelSelector=app&limit=2&continue=\(token)")) == ["c2", "c3"])
        let bad = cluster.send("GET", path + "?labelSelector===")
        #expect(bad.body["message"] == "found '==', expected: !, identifier, or 'end of string'")
    }

    @Test("deletion obeys preconditions, finalizers and propagation")
    func deletion() {
        var cluster = TestCluster()
        var held = TestCluster.configMap([:])
        held.put(["example.com/hold"], "metadata", "finalizers")
        cluster.apply(TestCluster.shared, held)
        let precondition: JSONValue = ["preconditions": ["uid": "00000000-0000-0000-0000-000000000000"]]
        #expect(cluster.send("DELETE", TestCluster.shared, precondition).status == 409)
        let marked = cluster.send("DELETE", TestCluster.shared)
        #expect(marked.body.at("metadata", "deletionTimestamp") != nil)
        #expect(cluster.send("GET", TestCluster.shared).status == 200)
        cluster.send(
            "PATCH", TestCluster.shared, ["metadata": ["finalizers": nil]], type: "application/merge-patch+json")
        #expect(cluster.send("GET", TestCluster.shared).status == 404)

        cluster.apply(TestCluster.web, TestCluster.deployment())
        cluster.run(seconds: 3)
        let foreground = cluster.send("DELETE", TestCluster.web, ["propagationPolicy": "Foreground"])
        #expect(foreground.body.finalizers == ["foregroundDeletion"])
        _ = cluster.state.reconcile(now: cluster.now)
        #expect(cluster.send("GET", TestCluster.web).status == 200)
        cluster.run(seconds: 3)
        #expect(cluster.send("GET", TestCluster.web).status == 404)
        #expect(cluster.get("/apis/apps/v1/namespaces/default/replicasets")["items"] == .array([]))
    }

    @Test("orphans survive their owner")
    func orphans() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment())
        cluster.run(seconds: 3)
        cluster.send("DELETE", TestCluster.web, ["propagationPolicy": "Orphan"])
        cluster.run(seconds: 3)
        #expect(cluster.send("GET", TestCluster.web).status == 404)
        let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets")["items"]?.arrayValue ?? []
        #expect(sets.count == 1)
        #expect(sets.first?.at("metadata", "ownerReferences") == nil)
    }
}
