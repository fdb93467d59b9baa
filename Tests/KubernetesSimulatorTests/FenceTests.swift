internal import Foundation
internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// The fence of deploy/kubernetes/agent, asked as an API server asks it: its own expressions, about requests of the agent.
@Suite("The agent's fence")
struct FenceTests {
    private typealias Expression = KubernetesSimulator.Expression

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/kubernetes/agent")

    private static func objects(_ file: String) throws -> [JSONValue] {
        let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        return try YAMLReader.documents(in: text, file: file).map { $0.root.json }
    }

    /// A policy whose expressions are read and checked once.
    private struct Fence {
        let conditions: [Expression]
        let variables: [(name: String, expression: Expression)]
        let validations: [Expression]
        let messages: [String]

        init(_ policy: JSONValue) throws {
            func read(_ list: String, _ key: String = "expression") throws -> [Expression] {
                try (policy["spec"]?[list]?.arrayValue ?? []).compactMap { $0[key]?.stringValue }.map { source in
                    let expression = try ExpressionParser.expression(source)
                    var checker = ExpressionChecker(
                        variables: ["request", "object", "oldObject", "variables"].map { ($0, .dyn) })
                    let type = checker.type(of: expression)
                    #expect(checker.problems.isEmpty && !checker.isUnsupported, "\(source): \(checker.problems)")
                    if list != "variables", key == "expression" { #expect(type == .bool || type == .dyn, "\(source)") }
                    return expression
                }
            }
            conditions = try read("matchConditions")
            let names = (policy["spec"]?["variables"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            variables = Array(zip(names, try read("variables")))
            validations = try read("validations")
            messages = (policy["spec"]?["validations"]?.arrayValue ?? []).map {
                ($0["message"] ?? $0["messageExpression"])?.stringValue ?? ""
            }
            _ = try read("validations", "messageExpression")
        }

        /// What is refused, by message; nil where the policy is not about the request. An expression that fails refuses, too.
        func refusals(_ request: JSONValue, object: JSONValue, old: JSONValue) throws -> [String]? {
            var known: [(name: String, value: ExpressionValue)] = [
                ("request", ExpressionValue(request, schema: nil)), ("object", ExpressionValue(object, schema: nil)),
                ("oldObject", ExpressionValue(old, schema: nil)),
            ]
            func value(_ expression: Expression) throws -> ExpressionValue {
                var evaluator = ExpressionEvaluator(variables: known, limit: 1_000_000)
                return try evaluator.value(of: expression)
            }
            func holds(_ expression: Expression) throws -> Bool {
                guard case .bool(let result) = try value(expression) else { return false }
                return result
            }
            guard try conditions.allSatisfy(holds) else { return nil }
            var found: [ExpressionKey: ExpressionValue] = [:]
            for (name, expression) in variables {
                known.append(("variables", .map(found)))
                found[.string(name)] = try value(expression)
            }
            known.append(("variables", .map(found)))
            return try zip(validations, messages).filter { try !holds($0.0) }.map { $0.1 }
        }
    }

    private static let account = "system:serviceaccount:swell-agent:swell-agent"

    private struct Asked {
        var operation = "CREATE"
        /// As in `rbac.authorization.k8s.io/roles/status`; of the core group without the first.
        var resource: String
        var namespace: String?
        var name: String? = "x"
        var object: JSONValue? = [:]
        var old: JSONValue?
        var user = FenceTests.account

        var request: JSONValue {
            let parts = resource.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            var result: [String: JSONValue] = [
                "operation": .string(operation),
                "resource": ["group": .string(parts[0]), "resource": .string(parts[1])],
                "userInfo": ["username": .string(user)],
            ]
            if let name { result["name"] = .string(name) }
            if let namespace { result["namespace"] = .string(namespace) }
            if parts.count > 2 { result["subResource"] = .string(parts[2]) }
            return .object(result)
        }
    }

    private func refusals(_ asked: Asked, by file: String = "fence.yaml") throws -> [String]? {
        let fence = try Fence(try #require(try Self.objects(file).first))
        func whole(_ object: JSONValue?) -> JSONValue {
            guard case .object(var members)? = object else { return .null }
            if members["metadata"] == nil { members["metadata"] = ["name": .string(asked.name ?? "")] }
            return .object(members)
        }
        return try fence.refusals(asked.request, object: whole(asked.object), old: whole(asked.old))
    }

    private func refuses(_ asked: Asked, _ word: String, line: Int = #line) throws {
        let found = try refusals(asked)
        #expect(found?.contains { $0.contains(word) } == true, "line \(line): \(found ?? [])")
    }

    private func lets(_ asked: Asked, line: Int = #line) throws {
        let found = try refusals(asked)
        #expect(found == [], "line \(line): \(found ?? ["not asked"])")
    }

    private static let rbac = "rbac.authorization.k8s.io"

    @Test("is asked of the agent alone, and in every request that changes something")
    func scope() throws {
        let documents = try Self.objects("fence.yaml")
        #expect(documents.map { $0["kind"] } == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"])
        let (policy, binding) = (documents[0], documents[1])
        #expect(binding["spec"]?["policyName"] == policy["metadata"]?["name"])
        #expect(binding["spec"]?["validationActions"] == ["Deny"] && binding["spec"]?["matchResources"] == nil)
        #expect(policy["spec"]?["failurePolicy"] == "Fail")
        let rule = policy["spec"]?["matchConstraints"]?["resourceRules"]?[0]
        #expect(rule?["resources"] == ["*/*"] && rule?["apiGroups"] == ["*"])
        #expect(rule?["operations"] == ["CREATE", "UPDATE", "DELETE", "CONNECT"])
        for user in ["kubernetes-admin", "system:serviceaccount:shop:swell-agent", "system:anonymous"] {
            #expect(try refusals(Asked(resource: "/secrets", namespace: "kube-system", user: user)) == nil)
        }
        let account = try Self.objects("rbac.yaml").first { $0["kind"] == "ServiceAccount" }?["metadata"]
        let name = "\(account?["namespace"]?.stringValue ?? ""):\(account?["name"]?.stringValue ?? "")"
        #expect("system:serviceaccount:\(name)" == Self.account)
    }

    /// Admission is not asked about these kinds, so that whoever may write them may take the fence away.
    @Test("cannot be taken down by the agent")
    func standing() throws {
        let role = try #require(try Self.objects("rbac.yaml").first { $0["kind"] == "ClusterRole" })
        for rule in role["rules"]?.arrayValue ?? [] {
            let groups = (rule["apiGroups"]?.arrayValue ?? []).compactMap(\.stringValue)
            guard groups.contains("admissionregistration.k8s.io") || groups.contains("*") else { continue }
            #expect(rule["verbs"] == ["get", "list", "watch"])
        }
    }

    @Test("keeps the agent out of the control plane's namespaces, and of its own but for records")
    func namespaces() throws {
        for place in ["kube-system", "kube-public", "kube-node-lease", "swell-coordinator"] {
            for operation in ["CREATE", "UPDATE"] {
                try refuses(Asked(operation: operation, resource: "apps/deployments", namespace: place), "namespace")
            }
            try refuses(
                Asked(operation: "DELETE", resource: "/secrets", namespace: place, object: nil, old: [:]), "namespace")
            try refuses(
                Asked(operation: "CONNECT", resource: "/pods/exec", namespace: place, object: ["stdin": true]),
                "namespace")
            try refuses(Asked(operation: "UPDATE", resource: "/namespaces", name: place, old: [:]), "namespace")
            try refuses(
                Asked(
                    operation: "DELETE", resource: "/namespaces", namespace: place, name: place, object: nil, old: [:]),
                "namespace")
        }
        let own = "swell-agent"
        try refuses(Asked(resource: "/pods", namespace: own), "records")
        try refuses(Asked(operation: "UPDATE", resource: "/configmaps", namespace: own, name: own), "records")
        try refuses(Asked(resource: "/secrets", namespace: own, name: "swell-record-shop"), "records")
        try refuses(Asked(operation: "UPDATE", resource: "/namespaces", name: own, old: [:]), "records")
        try refuses(Asked(resource: "/configmaps", namespace: own, name: nil), "records")
        for name in ["swell-inventory-shop", "swell-record-shop", "0123456789abcdef.0123456789abcdef"] {
            try lets(Asked(resource: "/configmaps", namespace: own, name: name))
            try lets(
                Asked(operation: "DELETE", resource: "/configmaps", namespace: own, name: name, object: nil, old: [:]))
        }
        try refuses(
            Asked(resource: "/configmaps", namespace: own, name: "0123456789abcdef.0123456789abcdef0"), "records")
    }

    @Test("gives it no account's token, and no rights beyond its own")
    func rights() throws {
        let token: JSONValue = ["type": "kubernetes.io/service-account-token"]
        try refuses(Asked(resource: "/secrets", namespace: "shop", object: token), "token")
        try refuses(Asked(resource: "/serviceaccounts/token", namespace: "shop"), "token")
        try lets(Asked(resource: "/secrets", namespace: "shop", object: ["type": "Opaque"]))
        try lets(Asked(resource: "/serviceaccounts", namespace: "shop"))
        func binding(_ subject: JSONValue, _ role: String = "view") -> JSONValue {
            ["subjects": [subject], "roleRef": ["kind": "ClusterRole", "name": .string(role)]]
        }
        let agent: JSONValue = ["kind": "ServiceAccount", "name": "swell-agent", "namespace": "swell-agent"]
        let other: JSONValue = ["kind": "ServiceAccount", "name": "web", "namespace": "shop"]
        let bindings = "\(Self.rbac)/clusterrolebindings"
        for subject: JSONValue in [
            agent, ["kind": "Group", "name": "system:serviceaccounts:swell-agent"],
            ["kind": "User", "name": "system:serviceaccount:swell-agent:swell-agent"],
        ] {
            try refuses(Asked(resource: bindings, object: binding(subject)), "no rights")
            try refuses(
                Asked(operation: "UPDATE", resource: bindings, object: binding(other), old: binding(subject)),
                "no rights")
            try refuses(
                Asked(operation: "DELETE", resource: bindings, object: nil, old: binding(subject)), "no rights")
        }
        try refuses(Asked(resource: bindings, object: binding(other, "cluster-admin")), "cluster-admin")
        try refuses(Asked(resource: bindings, object: binding(other, "swell-agent")), "what the agent is")
        try refuses(
            Asked(resource: "/persistentvolumes", object: ["spec": ["hostPath": ["path": "/"]]]), "a node's own disk")
        try lets(Asked(resource: "/persistentvolumes", object: ["spec": ["nfs": ["server": "a", "path": "/"]]]))
        // One that is there already may be labelled, and not turned.
        func disk(_ path: String, _ labels: [String: JSONValue] = [:]) -> JSONValue {
            ["metadata": ["labels": .object(labels)], "spec": ["hostPath": ["path": .string(path)]]]
        }
        func change(_ old: JSONValue, _ new: JSONValue) -> Asked {
            Asked(operation: "UPDATE", resource: "/persistentvolumes", object: new, old: old)
        }
        try lets(change(disk("/a"), disk("/a", ["of": "shop"])))
        try refuses(change(disk("/a"), disk("/")), "a node's own disk")
        try refuses(change(["spec": ["nfs": ["server": "a", "path": "/"]]], disk("/")), "a node's own disk")
        try refuses(Asked(resource: "\(Self.rbac)/clusterroles", name: "swell-agent-more"), "agent's own")
        try lets(Asked(resource: bindings, object: binding(other)))
        try lets(Asked(resource: bindings, object: ["roleRef": ["kind": "ClusterRole", "name": "view"]]))
        try lets(Asked(resource: "\(Self.rbac)/roles", namespace: "shop", name: "swell-agents"))
    }

    @Test("keeps Kubernetes' own APIs, addresses and Pod Security as they are")
    func controlPlane() throws {
        func service(_ group: String?, _ isServed: Bool = true) -> JSONValue {
            var spec: [String: JSONValue] = ["version": "v1"]
            if let group { spec["group"] = .string(group) }
            if isServed { spec["service"] = ["name": "a", "namespace": "shop"] }
            return ["spec": .object(spec)]
        }
        let services = "apiregistration.k8s.io/apiservices"
        for group in [nil, "apps", "rbac.authorization.k8s.io", "authentication.k8s.io"] {
            try refuses(Asked(resource: services, object: service(group)), "serves itself")
            try lets(Asked(resource: services, object: service(group, false)))
        }
        for group in ["metrics.k8s.io", "shop.example.com"] {
            try lets(Asked(resource: services, object: service(group)))
        }
        func space(_ level: String?) -> JSONValue {
            guard let level else { return ["metadata": ["name": "shop"]] }
            return ["metadata": ["name": "shop", "labels": ["pod-security.kubernetes.io/enforce": .string(level)]]]
        }
        func change(_ old: String?, _ new: String?) -> Asked {
            Asked(operation: "UPDATE", resource: "/namespaces", name: "shop", object: space(new), old: space(old))
        }
        for (old, new) in [
            ("restricted", "baseline"), ("baseline", nil), ("restricted", nil), (nil, "privileged"),
            ("baseline", "privileged"),
        ] { try refuses(change(old, new), "lowered") }
        for (old, new) in [
            (nil, nil), (nil, "baseline"), ("baseline", "baseline"), ("baseline", "restricted"),
            ("privileged", "privileged"), ("privileged", "baseline"), ("privileged", "restricted"),
        ] { try lets(change(old, new)) }
        func version(_ level: String?, _ version: String?) -> JSONValue {
            var labels: [String: JSONValue] = [:]
            if let level { labels["pod-security.kubernetes.io/enforce"] = .string(level) }
            if let version { labels["pod-security.kubernetes.io/enforce-version"] = .string(version) }
            return ["metadata": ["name": "shop", "labels": .object(labels)]]
        }
        func put(_ old: JSONValue, _ new: JSONValue) -> Asked {
            Asked(operation: "UPDATE", resource: "/namespaces", name: "shop", object: new, old: old)
        }
        for (old, new) in [
            (version("restricted", nil), version("restricted", "v1.0")),
            (version("restricted", "v1.29"), version("restricted", "v1.0")),
            // Which of two is later is not compared, and the message says so.
            (version("restricted", "v1.29"), version("restricted", "v1.31")),
            (version("baseline", "latest"), version("restricted", "v1.0")),
        ] { try refuses(put(old, new), "enforce-version is changed to another version, earlier or later") }
        for (old, new) in [
            (version("restricted", "v1.29"), version("restricted", "v1.29")),
            (version("restricted", "v1.29"), version("restricted", "latest")),
            (version("restricted", "v1.29"), version("restricted", nil)),
            (version(nil, nil), version("baseline", "v1.29")),
        ] { try lets(put(old, new)) }
        try lets(Asked(resource: "/namespaces", name: "shop", object: version("restricted", "v1.29")))
        try refuses(Asked(resource: "/namespaces", name: "shop", object: space("privileged")), "lowered")
        for level in [nil, "baseline"] {
            try lets(Asked(resource: "/namespaces", name: "shop", object: space(level)))
        }
        try lets(Asked(operation: "DELETE", resource: "/namespaces", name: "shop", object: nil, old: space("baseline")))
        let slices = "discovery.k8s.io/endpointslices"
        try refuses(
            Asked(operation: "UPDATE", resource: slices, namespace: "default", name: "kubernetes"), "API server")
        let labelled: JSONValue = ["metadata": ["labels": ["kubernetes.io/service-name": "kubernetes"]]]
        try refuses(Asked(resource: slices, namespace: "default", object: labelled), "API server")
        try lets(Asked(resource: "/services", namespace: "default", name: "web"))
        try lets(Asked(resource: "/services", namespace: "shop", name: "kubernetes"))
    }

    @Test("lets through what releases are made of")
    func releases() throws {
        for resource in [
            "apps/deployments", "batch/jobs", "/configmaps", "/pods", "networking.k8s.io/ingresses", "/services",
        ] {
            try lets(Asked(resource: resource, namespace: "shop"))
            try lets(Asked(operation: "UPDATE", resource: resource, namespace: "shop", old: [:]))
            try lets(Asked(operation: "DELETE", resource: resource, namespace: "shop", object: nil, old: [:]))
        }
        try lets(Asked(resource: "authorization.k8s.io/selfsubjectaccessreviews", name: nil))
        try lets(Asked(resource: "apiextensions.k8s.io/customresourcedefinitions", name: "carts.shop.io"))
    }

    @Test("gives releases no hold of a node, where that is asked for")
    func hosts() throws {
        let file = "../agent-no-host/policy.yaml"
        func asked(_ resource: String, _ pod: JSONValue) -> Asked {
            let template: JSONValue = ["spec": pod]
            let object: JSONValue =
                switch resource {
                case "/pods": template
                case "/podtemplates": ["template": template]
                case "batch/cronjobs": ["spec": ["jobTemplate": ["spec": ["template": template]]]]
                default: ["spec": ["template": template]]
                }
            return Asked(resource: resource, namespace: "shop", object: object)
        }
        func pod(_ security: JSONValue, initial: Bool = false) -> JSONValue {
            let bad: JSONValue = ["name": "a", "securityContext": security]
            let good: JSONValue = ["name": "b"]
            return initial ? ["containers": [good], "initContainers": [bad]] : ["containers": [good, bad]]
        }
        let plain: JSONValue = [
            "containers": [
                ["name": "a", "securityContext": ["privileged": false, "capabilities": ["drop": ["ALL"]]]]
            ],
            "volumes": [["name": "v", "emptyDir": [:]]], "hostNetwork": false,
        ]
        let bad: [JSONValue] = [
            pod(["privileged": true]), pod(["privileged": true], initial: true),
            pod(["capabilities": ["add": ["SYS_ADMIN"]]]), pod(["procMount": "Unmasked"]),
            ["containers": [], "hostPID": true], ["containers": [], "hostNetwork": true],
            ["containers": [], "volumes": [["name": "v", "hostPath": ["path": "/"]]]],
        ]
        for resource in [
            "/pods", "/podtemplates", "/replicationcontrollers", "apps/deployments", "apps/daemonsets",
            "apps/statefulsets",
            "apps/replicasets", "batch/jobs", "batch/cronjobs",
        ] {
            #expect(try refusals(asked(resource, plain), by: file) == [], "\(resource)")
            #expect(
                try refusals(asked(resource, pod(["capabilities": ["add": ["NET_BIND_SERVICE"]]])), by: file) == [])
            for pod in bad {
                let found = try refusals(asked(resource, pod), by: file)
                #expect(found?.count == 1, "\(resource): \(pod)")
            }
        }
        let volume = Asked(resource: "/persistentvolumes", object: ["spec": ["hostPath": ["path": "/"]]])
        #expect(try refusals(volume, by: file)?.count == 1)
        #expect(try refusals(Asked(resource: "/persistentvolumes", object: ["spec": ["nfs": [:]]]), by: file) == [])
        var others = asked("/pods", bad[0])
        others.user = "kubernetes-admin"
        #expect(try refusals(others, by: file) == nil)
    }
}
