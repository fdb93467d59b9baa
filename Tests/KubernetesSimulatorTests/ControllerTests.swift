internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Controllers")
struct ControllerTests {
    @Test("a deployment becomes available, then rolls within surge and unavailability")
    func rolls() {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment(replicas: 4))
        cluster.run(seconds: 3)
        let first = cluster.get(TestCluster.web)
        #expect(first.int("status", "availableReplicas") == 4)
        #expect(first.condition("Progressing")?["reason"] == "NewReplicaSetAvailable")
        #expect(first.at("metadata", "annotations", "deployment.kubernetes.io/revision") == "1")

        cluster.apply(TestCluster.web, TestCluster.deployment(image: "nginx:1.26", replicas: 4))
        var least = 4
        var most = 0
        let end = cluster.now + 20
        while cluster.now < end,
            cluster.get(TestCluster.web).int("status", "observedGeneration") != 2
                || cluster.get(TestCluster.web).condition("Progressing")?["reason"] != "NewReplicaSetAvailable"
        {
            cluster.run(seconds: 0.05)
            let pods = cluster.state.store.all("pods", namespace: "default").map(\.value)
            least = min(least, pods.filter { PodFacts.isActive($0) && PodFacts.isReady($0) }.count)
            most = max(most, pods.filter(PodFacts.isActive).count)
        }
        let second = cluster.get(TestCluster.web)
        #expect(second.int("status", "updatedReplicas") == 4)
        #expect(second.at("metadata", "annotations", "deployment.kubernetes.io/revision") == "2")
        #expect(least >= 3)
        #expect(most <= 5)
    }

    @Test("going back takes the old replica set again, under a new revision")
    func rollsBack() {
        var cluster = TestCluster()
        for image in ["nginx:1", "nginx:2", "nginx:1"] {
            cluster.apply(TestCluster.web, TestCluster.deployment(image: image))
            cluster.run(seconds: 8)
        }
        let sets = cluster.get("/apis/apps/v1/namespaces/default/replicasets")["items"]?.arrayValue ?? []
        #expect(sets.count == 2)
        #expect(
            cluster.get(TestCluster.web).at("metadata", "annotations", "deployment.kubernetes.io/revision") == "3")
        #expect(cluster.get(TestCluster.web).int("status", "readyReplicas") == 2)
    }

    @Test("going back long after a rollout does not time out at once")
    func rollsBackLate() {
        var cluster = TestCluster()
        for image in ["nginx:1", "nginx:2"] {
            cluster.apply(
                TestCluster.web, TestCluster.deployment(image: image, extra: ["progressDeadlineSeconds": 5]))
            cluster.run(seconds: 30)
        }
        cluster.apply(
            TestCluster.web, TestCluster.deployment(image: "nginx:1", extra: ["progressDeadlineSeconds": 5]))
        let end = cluster.now + 8
        while cluster.now < end {
            cluster.run(seconds: 0.05)
            let reason = cluster.get(TestCluster.web).condition("Progressing")?["reason"]
            #expect(reason != "ProgressDeadlineExceeded")
        }
    }

    @Test(
        "a bad image stops a roll-out with the reason in the pod",
        arguments: [
            ("app:2-crashloop", "CrashLoopBackOff"), ("app:2-missing", "ImagePullBackOff"),
        ])
    func badImage(image: String, reason: String) {
        var cluster = TestCluster()
        cluster.apply(TestCluster.web, TestCluster.deployment(extra: ["progressDeadlineSeconds": 4]))
        cluster.run(seconds: 3)
        cluster.apply(
            TestCluster.web, TestCluster.deployment(image: image, extra: ["progressDeadlineSeconds": 4]))
        cluster.run(seconds: 8)
        let deployment = cluster.get(TestCluster.web)
        #expect(deployment.condition("Progressing")?["reason"] == "ProgressDeadlineExceeded")
        #expect(deployment.int("status", "readyReplicas") == 2)
        let reasons = cluster.state.store.all("pods", namespace: "default").map(\.value)
            .flatMap { $0.at("status", "containerStatuses")?.arrayValue ?? [] }
            .compactMap { $0.at("state", "waiting", "reason")?.stringValue }
        #expect(reasons.contains(reason))
        if reason == "CrashLoopBackOff" {
            let restarts =
                cluster.state.store.all("pods", namespace: "default").map(\.value)
                .flatMap { $0.at("status", "containerStatuses")?.arrayValue ?? [] }
                .compactMap { $0.int("restartCount") }.max() ?? 0
            #expect(restarts >= 2)
        }
    }

    @Test("recreate empties the old before it starts the new")
    func recreate() {
        var cluster = TestCluster()
        let strategy: [String: JSONValue] = ["strategy": ["type": "Recreate"]]
        cluster.apply(TestCluster.web, TestCluster.deployment(extra: strategy))
        cluster.run(seconds: 3)
        cluster.apply(TestCluster.web, TestCluster.deployment(image: "nginx:2", extra: strategy))
        var images: Set<String> = []
        for _ in 0..<100 {
            cluster.run(seconds: 0.05)
            let pods = cluster.state.store.all("pods", namespace: "default").map(\.value).filter(PodFacts.isActive)
            images = Set(pods.compactMap { $0.at("spec", "containers")?[0]?["image"]?.stringValue })
            #expect(images.count <= 1)
        }
        #expect(images == ["nginx:2"])
    }

    @Test("a stateful set starts and replaces its pods one after another")
    func statefulSet() {
        var cluster = TestCluster()
        let path = "/apis/apps/v1/namespaces/default/statefulsets/web"
        func set(_ image: String) -> JSONValue {
            var object = TestCluster.deployment(image: image, replicas: 3, extra: ["serviceName": "web"])
            object["kind"] = "StatefulSet"
            return object
        }
        cluster.apply(path, set("nginx:1"))
        var highest = 0
        for _ in 0..<80 {
            cluster.run(seconds: 0.1)
            let waiting = cluster.state.store.all("pods").map(\.value).filter { !PodFacts.isReady($0) }
            highest = max(highest, waiting.count)
        }
        #expect(highest == 1)
        #expect(cluster.get(path).int("status", "readyReplicas") == 3)
        cluster.apply(path, set("nginx:2"))
        cluster.run(seconds: 15)
        let object = cluster.get(path)
        #expect(object.int("status", "updatedReplicas") == 3)
        #expect(object.at("status", "currentRevision") == object.at("status", "updateRevision"))
        #expect(cluster.state.store.get("pods", ObjectKey(namespace: "default", name: "web-2")) != nil)
    }

    @Test("a daemon set has a pod on every node")
    func daemonSet() {
        var cluster = TestCluster()
        var object = TestCluster.deployment(replicas: nil)
        object["kind"] = "DaemonSet"
        let path = "/apis/apps/v1/namespaces/default/daemonsets/web"
        cluster.apply(path, object)
        cluster.run(seconds: 3)
        #expect(cluster.get(path).int("status", "numberAvailable") == 3)
        let nodes = Set(cluster.state.store.all("pods").compactMap { $0.value.at("spec", "nodeName")?.stringValue })
        #expect(nodes.count == 3)
    }

    @Test("a job completes, fails by its backoff limit, and goes after its time to live")
    func jobs() {
        var cluster = TestCluster()
        func job(_ name: String, _ image: String, _ extra: [String: JSONValue]) -> JSONValue {
            var spec: [String: JSONValue] = [
                "template": [
                    "spec": ["restartPolicy": "Never", "containers": [["name": "m", "image": .string(image)]]]
                ]
            ]
            spec.merge(extra) { $1 }
            return [
                "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": .string(name)], "spec": .object(spec),
            ]
        }
        let root = "/apis/batch/v1/namespaces/default/jobs/"
        cluster.apply(root + "good", job("good", "migrate:1", ["ttlSecondsAfterFinished": 30]))
        cluster.apply(root + "bad", job("bad", "migrate:crash", ["backoffLimit": 1]))
        cluster.run(seconds: 10)
        let good = cluster.get(root + "good")
        #expect(good.condition("Complete")?["status"] == "True")
        #expect(good.int("status", "succeeded") == 1)
        #expect(cluster.get(root + "bad").condition("Failed")?["reason"] == "BackoffLimitExceeded")
        cluster.run(seconds: 40)
        #expect(cluster.send("GET", root + "good").status == 404)
        #expect(cluster.send("GET", root + "bad").status == 200)
    }

    @Test("a cron job starts its jobs when they are due")
    func cron() throws {
        let schedule = try #require(CronSchedule("*/15 3 * * 1-5"))
        // 2027-01-15 is a Friday.
        let friday = try #require(Timestamp.instant("2027-01-15T03:50:00Z"))
        #expect(schedule.next(after: friday).map(Timestamp.text) == "2027-01-18T03:00:00Z")
        #expect(CronSchedule("61 * * * *") == nil)
        var cluster = TestCluster()
        let template: JSONValue = [
            "spec": ["template": ["spec": ["restartPolicy": "Never", "containers": [["name": "m", "image": "x:1"]]]]]
        ]
        cluster.apply(
            "/apis/batch/v1/namespaces/default/cronjobs/tick",
            [
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": ["name": "tick"],
                "spec": ["schedule": "* * * * *", "jobTemplate": template],
            ])
        cluster.run(seconds: 130)
        #expect(cluster.state.store.all("jobs.batch").count == 2)
    }

    @Test("claims are bound, balancers get addresses, budgets count")
    func others() {
        var cluster = TestCluster()
        cluster.apply(
            "/api/v1/namespaces/default/persistentvolumeclaims/data",
            [
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": "data"],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1024Mi"]]],
            ])
        cluster.apply(
            "/api/v1/namespaces/default/services/web",
            [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web"],
                "spec": ["type": "LoadBalancer", "selector": ["app": "web"], "ports": [["port": 80]]],
            ])
        cluster.apply(
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets/web",
            [
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "web"],
                "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]],
            ])
        cluster.apply(TestCluster.web, TestCluster.deployment())
        cluster.run(seconds: 3)
        let claim = cluster.get("/api/v1/namespaces/default/persistentvolumeclaims/data")
        #expect(claim.at("status", "phase") == "Bound")
        #expect(claim.at("spec", "resources", "requests", "storage") == "1Gi")
        let service = cluster.get("/api/v1/namespaces/default/services/web")
        #expect(service.at("status", "loadBalancer", "ingress")?[0]?["ip"] != nil)
        let addresses = cluster.get("/api/v1/namespaces/default/endpoints/web")["subsets"]?[0]?["addresses"]
        #expect(addresses?.arrayValue?.count == 2)
        let budget = cluster.get("/apis/policy/v1/namespaces/default/poddisruptionbudgets/web")
        #expect(budget.int("status", "disruptionsAllowed") == 1)
    }
}
