internal import Foundation
internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// What puts Swell into production, applied to a cluster as `kubectl apply -k` would.
@Suite("Manifests of deploy/")
struct DeployManifestTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/kubernetes")

    private static let resources: [String: String] = [
        "Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/NS/serviceaccounts",
        "ConfigMap": "/api/v1/namespaces/NS/configmaps", "Service": "/api/v1/namespaces/NS/services",
        "PersistentVolumeClaim": "/api/v1/namespaces/NS/persistentvolumeclaims",
        "Deployment": "/apis/apps/v1/namespaces/NS/deployments",
        "PodDisruptionBudget": "/apis/policy/v1/namespaces/NS/poddisruptionbudgets",
        "Job": "/apis/batch/v1/namespaces/NS/jobs",
        "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
        "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
        "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
        "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding":
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    ]

    /// The objects in the order that the kustomization lists their files.
    private func objects(of program: String) throws -> [KubernetesObject] {
        let folder = Self.folder.appending(path: program)
        let kustomization = try YAMLReader.document(
            in: String(contentsOf: folder.appending(path: "kustomization.yaml"), encoding: .utf8))
        let listed = try #require(kustomization.root["resources"]?.elements).compactMap(\.text)
        let present = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(present) == Set(listed + ["kustomization.yaml"]))
        return try listed.flatMap { name in
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            return try Manifest.objects(in: text, file: name)
        }
    }

    @Test("are accepted by an API server, and become available", arguments: ["coordinator", "agent"])
    func apply(program: String) throws {
        var cluster = TestCluster()
        try apply(try objects(of: program), program, to: &cluster)
    }

    private func apply(_ objects: [KubernetesObject], _ program: String, to cluster: inout TestCluster) throws {
        for object in objects {
            let resource = try #require(Self.resources[object.kind], "\(object.reference)")
            let path = resource.replacing("NS", with: object.namespace ?? "") + "/\(object.name)"
            let (status, body) = cluster.apply(path, object.json, options: "&fieldValidation=Strict")
            #expect(status == 201, "\(object.reference): \(body)")
        }
        cluster.run(seconds: 30)
        let path = "/apis/apps/v1/namespaces/swell-\(program)/deployments/swell-\(program)"
        let conditions = cluster.get(path).at("status", "conditions")?.arrayValue ?? []
        #expect(conditions.contains { $0["type"] == "Available" && $0["status"] == "True" })
    }

    @Test(
        "of an agent in namespaces grant nothing beyond its own, where it may keep its records",
        .enabled(if: Kubectl.program != nil, "there is no kubectl on the PATH"))
    func namespaced() async throws {
        let text = try await Kubectl.rendered(Self.folder.appending(path: "agent-namespaced").path)
        let objects = try Manifest.objects(in: text, file: "agent-namespaced")
        #expect(!objects.contains { $0.kind.hasPrefix("ClusterRole") || $0.kind.hasPrefix("ValidatingAdmission") })
        var cluster = TestCluster()
        // kustomize prints namespaces first, and the rest in the order of kinds.
        try apply(objects, "agent", to: &cluster)
        let container = objects.first { $0.kind == "Deployment" }?.spec?["template"]?["spec"]?["containers"]?[0]
        #expect(container?["args"]?.arrayValue?.last == "--namespaces=$(NAMESPACES)")
        #expect(container?["env"]?.arrayValue?.last?["valueFrom"]?["configMapKeyRef"]?["key"] == "namespaces")
        let agent = Caller.serviceAccount(namespace: "swell-agent", name: "swell-agent")
        let maps = "/api/v1/namespaces/swell-agent/configmaps"
        let record: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "swell-record-shop"],
        ]
        #expect(cluster.apply("\(maps)/swell-record-shop", record, as: agent).status == 403)
        try grantRecords(of: "shop", in: &cluster)
        #expect(cluster.apply("\(maps)/swell-record-shop", record, as: agent).status == 201)
        #expect(cluster.apply("\(maps)/swell-record-other", record, as: agent).status == 403)
        #expect(cluster.send("GET", maps, as: agent).status == 200)
        #expect(cluster.send("GET", "/api/v1/namespaces/swell-agent", as: agent).status == 200)
        for path in ["/api/v1/namespaces/kube-system", "/api/v1/configmaps", "/api/v1/namespaces/default/configmaps"] {
            #expect(cluster.send("GET", path, as: agent).status == 403)
        }
    }

    /// As `swell rbac` prints it for an application.
    private func grantRecords(of application: String, in cluster: inout TestCluster) throws {
        let names: JSONValue = [.string("swell-inventory-\(application)"), .string("swell-record-\(application)")]
        let group = "rbac.authorization.k8s.io"
        let role: JSONValue = [
            "apiVersion": .string("\(group)/v1"), "kind": "Role", "metadata": ["name": .string(application)],
            "rules": [
                ["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"], "resourceNames": names]
            ],
        ]
        let binding: JSONValue = [
            "apiVersion": .string("\(group)/v1"), "kind": "RoleBinding", "metadata": ["name": .string(application)],
            "roleRef": ["apiGroup": .string(group), "kind": "Role", "name": .string(application)],
            "subjects": [["kind": "ServiceAccount", "name": "swell-agent", "namespace": "swell-agent"]],
        ]
        let place = "/apis/\(group)/v1/namespaces/swell-agent"
        #expect(cluster.apply("\(place)/roles/\(application)", role).status == 201)
        #expect(cluster.apply("\(place)/rolebindings/\(application)", binding).status == 201)
    }

    @Test(
        "of a wide agent let it do all that any release may ask",
        .enabled(if: Kubectl.program != nil, "there is no kubectl on the PATH"))
    func wide() async throws {
        var cluster = TestCluster()
        let text = try await Kubectl.rendered(Self.folder.appending(path: "agent-wide").path)
        try apply(try Manifest.objects(in: text, file: "agent-wide"), "agent", to: &cluster)
        let agent = Caller.serviceAccount(namespace: "swell-agent", name: "swell-agent")
        let role: JSONValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "everything"],
            "rules": [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]],
        ]
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles/everything"
        #expect(cluster.apply(roles, role, as: agent).status == 201)
        #expect(cluster.send("DELETE", roles, as: agent).status == 200)
        #expect(cluster.send("DELETE", "/api/v1/pods", as: agent).status == 403)
    }

    @Test(
        "to copy, with peers and settings of a site, are accepted too",
        .enabled(if: Kubectl.program != nil, "there is no kubectl on the PATH"), arguments: ["coordinator", "agent"])
    func examples(program: String) async throws {
        let text = try await Kubectl.rendered(Self.folder.appending(path: "examples/\(program)").path)
        var cluster = TestCluster()
        try apply(try Manifest.objects(in: text, file: "examples"), program, to: &cluster)
    }

    @Test(
        "to copy for a team, and for a database with two roles, are accepted too",
        .enabled(if: Kubectl.program != nil, "there is no kubectl on the PATH"))
    func otherExamples() async throws {
        func rendered(_ name: String) async throws -> [KubernetesObject] {
            try Manifest.objects(
                in: try await Kubectl.rendered(Self.folder.appending(path: "examples/\(name)").path), file: name)
        }
        var cluster = TestCluster()
        let team = try await rendered("agent-namespaced")
        try apply(team, "agent", to: &cluster)
        #expect(team.contains { $0["data"]?["namespaces"] == "shop,shop-jobs" })
        let noHost = try Manifest.objects(
            in: String(contentsOf: Self.folder.appending(path: "agent-no-host/policy.yaml"), encoding: .utf8),
            file: "no-host")
        let migration = try await rendered("migrate") + noHost
        #expect(
            cluster.apply(
                "/api/v1/namespaces/swell-coordinator",
                [
                    "apiVersion": "v1", "kind": "Namespace",
                    "metadata": ["name": "swell-coordinator"],
                ]
            ).status == 201)
        for object in migration {
            let resource = try #require(Self.resources[object.kind])
            let path = resource.replacing("NS", with: object.namespace ?? "") + "/\(object.name)"
            let (status, body) = cluster.apply(path, object.json, options: "&fieldValidation=Strict")
            #expect(status == 201, "\(object.reference): \(body)")
        }
        let container = migration.first { $0.kind == "Job" }?.spec?["template"]?["spec"]?["containers"]?[0]
        #expect(container?["args"]?[0] == "migrate" && container?["securityContext"]?["readOnlyRootFilesystem"] == true)
    }

    @Test("confine every container", arguments: ["coordinator", "agent"])
    func confine(program: String) throws {
        let deployment = try #require(objects(of: program).first { $0.kind == "Deployment" })
        let pod = deployment.spec?["template"]?["spec"]
        #expect(pod?["securityContext"]?["runAsNonRoot"] == true)
        #expect(pod?["securityContext"]?["seccompProfile"]?["type"] == "RuntimeDefault")
        let containers = (pod?["containers"]?.arrayValue ?? []) + (pod?["initContainers"]?.arrayValue ?? [])
        #expect(!containers.isEmpty)
        for container in containers {
            let security = container["securityContext"]
            #expect(security?["readOnlyRootFilesystem"] == true)
            #expect(security?["allowPrivilegeEscalation"] == false)
            #expect(security?["capabilities"]?["drop"] == ["ALL"])
            #expect(container["resources"]?["limits"]?["memory"] != nil)
        }
        let main = pod?["containers"]?[0]
        #expect(main?["readinessProbe"] != nil && main?["startupProbe"] != nil)
    }
}
