internal import Foundation
internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// What deploy/ lets its programs do, reach and be: by name, each of it.
@Suite("Rules of deploy/")
struct DeployRuleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy")

    private let agent = Caller.serviceAccount(namespace: "swell-agent", name: "swell-agent")

    /// Every document of every YAML file below a folder, with its file.
    private func documents(below path: String = "kubernetes") throws -> [(file: String, root: JSONValue)] {
        let base = Self.folder.appending(path: path)
        let walker = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        let files = walker.compactMap { $0 as? URL }.filter { $0.pathExtension == "yaml" }
        try #require(!files.isEmpty)
        return try files.flatMap { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            return try YAMLReader.documents(in: text, file: file.lastPathComponent).map {
                (String(file.path.dropFirst(Self.folder.path.count + 1)), $0.root.json)
            }
        }
    }

    /// A cluster with the namespaces and the roles of these files.
    private func cluster(_ files: [String]) throws -> TestCluster {
        var cluster = TestCluster()
        let plurals = [
            "Namespace": "namespaces", "ServiceAccount": "serviceaccounts", "ClusterRole": "clusterroles",
            "ClusterRoleBinding": "clusterrolebindings", "Role": "roles", "RoleBinding": "rolebindings",
            "ConfigMap": "configmaps",
        ]
        let all = try documents()
        for (file, root) in files.flatMap({ file in all.filter { $0.file == file } }) {
            guard let plural = plurals[root["kind"]?.stringValue ?? ""] else { continue }
            let version = root["apiVersion"]?.stringValue ?? ""
            let group = version == "v1" ? "/api/v1" : "/apis/\(version)"
            let space = root["metadata"]?["namespace"]?.stringValue.map { "/namespaces/\($0)" } ?? ""
            let name = root["metadata"]?["name"]?.stringValue ?? ""
            let answer = cluster.apply("\(group)\(space)/\(plural)/\(name)", root)
            #expect(answer.status == 201, "\(file): \(answer.body)")
        }
        return cluster
    }

    @Test("keep agent and coordinator in namespaces of their own")
    func namespaces() throws {
        for (file, root) in try documents() {
            guard let program = file.firstMatch(of: /kubernetes\/(?:examples\/)?(agent|coordinator)/)?.output.1 else {
                continue
            }
            let namespace = root["kind"] == "Namespace" ? root["metadata"]?["name"] : root["metadata"]?["namespace"]
            guard let namespace else { continue }
            #expect(namespace.stringValue == "swell-\(program)", "\(file)")
        }
    }

    @Test("name every kind that the agent may touch, and nothing that hangs on one")
    func enumerated() throws {
        let roles = try documents().filter {
            $0.file == "kubernetes/agent/rbac.yaml" && $0.root["kind"] == "ClusterRole"
        }
        let rules = try #require(roles.first?.root["rules"]?.arrayValue)
        for rule in rules {
            func texts(_ key: String) -> [String] { (rule[key]?.arrayValue ?? []).compactMap(\.stringValue) }
            #expect(!texts("apiGroups").contains("*") && !texts("verbs").contains("*"))
            for resource in texts("resources") {
                #expect(!resource.contains("*") && !resource.contains("/"), "\(resource)")
            }
            #expect(Set(texts("verbs")).isDisjoint(with: ["escalate", "bind", "impersonate", "deletecollection"]))
        }
    }

    private static let nodes = "/api/v1/nodes"
    private static let spaces = "/api/v1/namespaces/default"

    @Test("give the agent no shell, no proxy, no token of others and no more rights than its own")
    func refused() throws {
        var cluster = try cluster(["kubernetes/agent/namespace.yaml", "kubernetes/agent/rbac.yaml"])
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        for (method, path) in [
            ("POST", "\(Self.spaces)/pods/web/exec"), ("POST", "\(Self.spaces)/pods/web/attach"),
            ("POST", "\(Self.spaces)/pods/web/portforward"), ("GET", "\(Self.spaces)/pods/web/proxy"),
            ("GET", "\(Self.spaces)/services/web/proxy"), ("GET", "\(Self.nodes)/a/proxy"), ("GET", Self.nodes),
            ("POST", "\(Self.spaces)/serviceaccounts/default/token"),
            ("POST", "\(Self.spaces)/serviceaccounts/default/token"), ("POST", "\(Self.spaces)/pods/web/eviction"),
            ("DELETE", "\(Self.spaces)/secrets"),
        ] {
            let answer = cluster.send(method, path, ["apiVersion": "v1", "kind": "Status"], as: agent)
            #expect(answer.status == 403, "\(method) \(path): \(answer.status), as \(review) would say")
        }
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        func role(_ name: String, _ rule: JSONValue) -> JSONValue {
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": ["name": .string(name)], "rules": [rule],
            ]
        }
        let shell: JSONValue = ["apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]]
        #expect(cluster.apply("\(roles)/shell", role("shell", shell), as: agent).status == 403)
        let reader: JSONValue = ["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]]
        #expect(cluster.apply("\(roles)/reader", role("reader", reader), as: agent).status == 201)
        let all: JSONValue = [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "me"],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "everything"],
            "subjects": [["kind": "ServiceAccount", "name": "swell-agent", "namespace": "swell-agent"]],
        ]
        let everything: JSONValue = ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]
        #expect(cluster.apply("\(roles)/everything", role("everything", everything)).status == 201)
        let bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        #expect(cluster.apply("\(bindings)/me", all, as: agent).status == 403)
    }

    @Test(
        "let the agent bring what releases are made of",
        arguments: [
            ("/api/v1", "ConfigMap", "configmaps"), ("/api/v1", "Secret", "secrets"),
            ("/api/v1", "Service", "services"),
            ("/apis/apps/v1", "Deployment", "deployments"), ("/apis/batch/v1", "CronJob", "cronjobs"),
            ("/apis/networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
            ("/apis/policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        ])
    func allowed(group: String, kind: String, resource: String) throws {
        var cluster = try cluster(["kubernetes/agent/namespace.yaml", "kubernetes/agent/rbac.yaml"])
        let place = "\(group)/namespaces/default/\(resource)"
        for path in [place, "\(place)?watch=true"] {
            #expect(cluster.send("GET", path, as: agent).status == 200, "\(path)")
        }
        #expect(cluster.send("DELETE", "\(place)/x", as: agent).status == 404)
        // Whatever else is wrong with it, it is not forbidden.
        let object: JSONValue = [
            "apiVersion": .string(String(group.drop { $0 == "/" }.split(separator: "/", maxSplits: 1)[1])),
            "kind": .string(kind), "metadata": ["name": "x"],
        ]
        #expect(cluster.apply("\(place)/x", object, as: agent).status != 403)
    }

    @Test("leave the settings of an agent in namespaces to those who gave them")
    func ownSettings() throws {
        var cluster = try cluster([
            "kubernetes/agent/namespace.yaml", "kubernetes/agent/settings.yaml",
            "kubernetes/agent-namespaced/role.yaml",
        ])
        let maps = "/api/v1/namespaces/swell-agent/configmaps"
        let changed: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "swell-agent"], "data": ["ca-hash": "mine"],
        ]
        #expect(cluster.apply("\(maps)/swell-agent", changed, as: agent).status == 403)
        #expect(cluster.send("DELETE", "\(maps)/swell-agent", as: agent).status == 403)
        #expect(cluster.send("PUT", "\(maps)/swell-agent", changed, as: agent).status == 403)
        #expect(cluster.send("GET", maps, as: agent).status == 200)
    }

    @Test("deny by default, and name every peer", arguments: ["agent", "coordinator"])
    func peers(program: String) throws {
        let policies = try documents().filter {
            $0.root["kind"] == "NetworkPolicy" && $0.root["metadata"]?["namespace"]?.stringValue == "swell-\(program)"
        }.map(\.root)
        let deny = policies.first { $0["metadata"]?["name"] == "default-deny" }
        #expect(deny?["spec"] == ["podSelector": [:], "policyTypes": ["Ingress", "Egress"]])
        var peers = 0
        for policy in policies {
            for (direction, side) in [("ingress", "from"), ("egress", "to")] {
                for rule in policy["spec"]?[direction]?.arrayValue ?? [] {
                    let named = rule[side]?.arrayValue ?? []
                    #expect(!named.isEmpty, "\(policy["metadata"]?["name"] ?? "") lets anybody")
                    #expect(rule["ports"]?.arrayValue?.isEmpty == false)
                    for peer in named {
                        peers += 1
                        #expect(peer["namespaceSelector"] != [:], "every namespace is nobody in particular")
                        let block = peer["ipBlock"]?["cidr"]?.stringValue ?? ""
                        #expect(!block.hasSuffix("/0"), "\(block)")
                    }
                }
            }
        }
        #expect(peers >= 4)
    }

    /// A tag can stand for something else tomorrow; a digest cannot.
    @Test("run images by digest alone")
    func images() throws {
        for (file, root) in try documents() where file.hasSuffix("kustomization.yaml") {
            for image in root["images"]?.arrayValue ?? [] {
                #expect(image["newTag"] == nil, "\(file)")
                #expect(image["digest"]?.stringValue?.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil, "\(file)")
            }
        }
        for (file, root) in try documents() {
            let pod = root["spec"]?["template"]?["spec"]
            for key in ["containers", "initContainers"] {
                for container in pod?[key]?.arrayValue ?? [] {
                    // The kustomization beside puts the digest to it.
                    #expect(container["image"]?.stringValue?.contains(/[:@]/) == false, "\(file)")
                }
            }
        }
        let containers = Self.folder.appending(path: "containers")
        for name in try FileManager.default.contentsOfDirectory(atPath: containers.path) {
            let text = try String(contentsOf: containers.appending(path: name), encoding: .utf8)
            let bases = text.matches(of: /(?m)^FROM (\S+)/).map { String($0.output.1) }
            #expect(bases.count == 2, "\(name)")
            for base in bases {
                let isPinned = base.contains("@sha256:")
                // An argument without a default: the build does not begin until somebody has said which.
                let argument = base.firstMatch(of: /^\$\{?(\w+)\}?$/).map { String($0.output.1) }
                let isAsked = argument.map { text.contains("\nARG \($0)\n") } ?? false
                #expect(isPinned || isAsked, "\(name): \(base)")
            }
        }
    }
}
