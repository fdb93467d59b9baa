internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Service accounts may do what the stored roles and bindings say, and are refused in the words of a real API server.
@Suite("Roles and bindings")
struct AuthorizationTests {
    private let agent = Caller.serviceAccount(namespace: "swell-system", name: "agent")
    private static let access = "/apis/rbac.authorization.k8s.io/v1"

    private func role(_ kind: String, _ name: String, _ rules: JSONValue) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": ["name": .string(name)],
            "rules": rules,
        ]
    }

    private func binding(_ kind: String, _ name: String, to roleKind: String, _ role: String) -> JSONValue {
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": ["name": .string(name)],
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": .string(roleKind), "name": .string(role),
            ],
            "subjects": [["kind": "ServiceAccount", "name": "agent", "namespace": "swell-system"]],
        ]
    }

    /// A cluster whose agent has these rules in the namespace `default`.
    private func cluster(_ rules: JSONValue) -> TestCluster {
        var cluster = TestCluster()
        let roles = "\(Self.access)/namespaces/default/roles/agent"
        let bindings = "\(Self.access)/namespaces/default/rolebindings/agent"
        #expect(cluster.apply(roles, role("Role", "agent", rules)).status == 201)
        #expect(cluster.apply(bindings, binding("RoleBinding", "agent", to: "Role", "agent")).status == 201)
        return cluster
    }

    @Test("nothing is allowed but discovery and questions about oneself")
    func nothing() {
        var cluster = TestCluster()
        #expect(cluster.send("GET", "/apis", as: agent).status == 200)
        #expect(cluster.send("GET", "/api/v1", as: agent).status == 200)
        #expect(cluster.send("GET", "/version", as: .anonymous).status == 200)
        #expect(cluster.send("GET", "/apis", as: .anonymous).status == 403)
        let refused = cluster.send("GET", "/api/v1/namespaces/kube-system", as: agent)
        #expect(refused.status == 403)
        #expect(
            refused.body["message"]
                == "namespaces \"kube-system\" is forbidden: User \"system:serviceaccount:swell-system:agent\" cannot get resource \"namespaces\" in API group \"\" in the namespace \"kube-system\""
        )
        let all = cluster.send("GET", "/apis/apps/v1/deployments?watch=true", as: agent)
        #expect(
            all.body["message"]
                == "deployments.apps is forbidden: User \"system:serviceaccount:swell-system:agent\" cannot watch resource \"deployments\" in API group \"apps\" at the cluster scope"
        )
        let me = cluster.send(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"], as: agent)
        #expect(me.body.at("status", "userInfo", "username") == "system:serviceaccount:swell-system:agent")
    }

    @Test("a Role reaches its own namespace, and an apply that creates needs create too")
    func scope() {
        var cluster = cluster([["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]]])
        let refused = cluster.apply(TestCluster.web, TestCluster.deployment(), as: agent)
        #expect(refused.status == 403)
        #expect(
            refused.body["message"]
                == "deployments.apps \"web\" is forbidden: User \"system:serviceaccount:swell-system:agent\" cannot create resource \"deployments\" in API group \"apps\" in the namespace \"default\""
        )
        #expect(cluster.apply(TestCluster.web, TestCluster.deployment()).status == 201)
        #expect(cluster.apply(TestCluster.web, TestCluster.deployment(replicas: 3), as: agent).status == 200)
        #expect(cluster.send("DELETE", TestCluster.web, as: agent).status == 403)
        #expect(cluster.send("GET", "\(TestCluster.web)/scale", as: agent).status == 403)
        #expect(cluster.send("GET", "/apis/apps/v1/namespaces/kube-system/deployments/web", as: agent).status == 403)
    }

    @Test("resourceNames limit what names an object, a selection by name among it")
    func names() {
        var cluster = cluster([
            [
                "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shared"],
                "verbs": ["get", "list", "watch", "patch"],
            ]
        ])
        let maps = "/api/v1/namespaces/default/configmaps"
        #expect(cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1"])).status == 201)
        let change = TestCluster.configMap(["b": "2"])
        #expect(cluster.apply(TestCluster.shared, change, manager: "other", as: agent).status == 200)
        #expect(cluster.send("GET", "\(maps)/other", as: agent).status == 403)
        #expect(cluster.send("GET", maps, as: agent).status == 403)
        #expect(cluster.send("GET", "\(maps)?fieldSelector=metadata.name=shared", as: agent).status == 200)
        #expect(cluster.send("GET", "\(maps)?watch=true&fieldSelector=metadata.name=shared", as: agent).status == 200)
        #expect(cluster.send("POST", maps, TestCluster.configMap([:], name: "x"), as: agent).status == 403)
    }

    @Test("nobody hands out rights that he lacks, but with escalate or bind")
    func escalation() {
        let roles = "\(Self.access)/namespaces/default/roles/reader"
        let wanted: JSONValue = [["apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]]]
        let writes: JSONValue = [
            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"],
            "verbs": ["get", "create", "patch"],
        ]
        let pods: JSONValue = ["apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]]
        var cluster = cluster(.array([writes, pods]))
        let refused = cluster.apply(roles, role("Role", "reader", wanted), as: agent)
        #expect(refused.status == 403)
        let message = refused.body["message"]?.stringValue ?? ""
        #expect(
            message.hasPrefix(
                "roles.rbac.authorization.k8s.io \"reader\" is forbidden: user \"system:serviceaccount:swell-system:agent\""
            ))
        #expect(
            message.hasSuffix(
                "is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}"
            ))
        #expect(cluster.send("GET", roles).status == 404, "a refused write leaves nothing")
        let podsOnly: JSONValue = [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]
        #expect(cluster.apply(roles, role("Role", "reader", podsOnly), as: agent).status == 201)

        let escalates: JSONValue = [
            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "resourceNames": ["reader"],
            "verbs": ["escalate"],
        ]
        cluster = self.cluster(.array([writes, escalates]))
        #expect(cluster.apply(roles, role("Role", "reader", wanted), as: agent).status == 201)
        let bindings = "\(Self.access)/namespaces/default/rolebindings/reader"
        let bound = binding("RoleBinding", "reader", to: "Role", "reader")
        #expect(cluster.apply(bindings, bound, as: agent).status == 403)
        let binds: JSONValue = [
            "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "resourceNames": ["reader"],
            "verbs": ["bind"],
        ]
        let own = "\(Self.access)/namespaces/default/roles/agent"
        #expect(cluster.apply(own, role("Role", "agent", .array([writes, escalates, binds]))).status == 200)
        #expect(cluster.apply(bindings, bound, as: agent).status == 201)
    }

    @Test("a ClusterRole counts everywhere by a ClusterRoleBinding, and in one namespace by a RoleBinding")
    func wide() {
        var cluster = TestCluster()
        let rules: JSONValue = [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]]
        cluster.apply("\(Self.access)/clusterroles/all", role("ClusterRole", "all", rules))
        cluster.apply(
            "\(Self.access)/namespaces/default/rolebindings/all",
            binding("RoleBinding", "all", to: "ClusterRole", "all"))
        #expect(cluster.send("GET", "/api/v1/namespaces/default/pods", as: agent).status == 200)
        #expect(cluster.send("GET", "/api/v1/nodes", as: agent).status == 403)
        cluster.apply(
            "\(Self.access)/clusterrolebindings/all",
            binding("ClusterRoleBinding", "all", to: "ClusterRole", "all"))
        #expect(cluster.send("GET", "/api/v1/nodes", as: agent).status == 200)
    }

    @Test("a token is asked for as kubectl create token does, and ends with its account")
    func tokens() {
        var cluster = TestCluster()
        let path = "/api/v1/namespaces/default/serviceaccounts/default"
        let answer = cluster.send(
            "POST", "\(path)/token",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 600]])
        let token = answer.body.at("status", "token")?.stringValue ?? ""
        let expected = Caller.serviceAccount(namespace: "default", name: "default")
        #expect(cluster.state.caller(ofToken: token, now: cluster.now) == expected)
        #expect(cluster.state.caller(ofToken: token, now: cluster.now + 601) == nil)
        #expect(cluster.state.caller(ofToken: "other", now: cluster.now) == nil)
        #expect(cluster.send("DELETE", path).status == 200)
        #expect(cluster.state.caller(ofToken: token, now: cluster.now) == nil)
    }
}
