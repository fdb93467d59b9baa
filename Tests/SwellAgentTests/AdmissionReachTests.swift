internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// Webhooks, policies and API services of releases: those that could write into the agent, or stop it, are refused.
@Suite(.timeLimit(.minutes(2))) struct AdmissionReachTests {
    struct Case: Sendable {
        var name: String
        var object: String
        /// A word of the refusal; nil where it may be written.
        var refused: String?
    }

    private static func hook(_ kind: String, _ name: String = "guard", rule: String, _ rest: String = "") -> String {
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: \(kind)WebhookConfiguration
        metadata: {name: \(name)}
        webhooks:
          - name: a.example.com
            admissionReviewVersions: [v1]
            sideEffects: None
            clientConfig: {service: {name: guard, namespace: shop}}
            rules: [\(rule)]
            \(rest)
        """
    }

    private static func rule(_ groups: String, _ resources: String, _ rest: String = "") -> String {
        "{apiGroups: [\(groups)], apiVersions: [\"*\"], operations: [CREATE, UPDATE], resources: [\(resources)]\(rest)}"
    }

    private static func service(_ group: String, _ spec: String) -> String {
        """
        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1.\(group)}
        spec: {group: "\(group)", version: v1, groupPriorityMinimum: 100, versionPriority: 100\(spec)}
        """
    }

    private static let any = rule("\"*\"", "\"*\"")
    private static let pods = rule("\"\"", "pods")

    static let cases: [Case] = [
        Case(name: "all of everything", object: hook("Mutating", rule: any), refused: "namespaceSelector"),
        Case(name: "and watches", object: hook("Validating", rule: any), refused: "namespaceSelector"),
        Case(name: "Pods everywhere", object: hook("Mutating", rule: pods), refused: "a.example.com"),
        Case(
            name: "what hangs on one", object: hook("Mutating", rule: rule("\"\"", "\"pods/*\"")),
            refused: "a.example.com"),
        Case(
            name: "tokens", object: hook("Validating", rule: rule("\"\"", "serviceaccounts/token")),
            refused: "a.example.com"),
        Case(
            name: "the second hook",
            object: hook("Validating", rule: rule("shop.io", "carts"))
                + """

                  - name: b.example.com
                    admissionReviewVersions: [v1]
                    sideEffects: None
                    clientConfig: {url: "https://guard.example.com"}
                    rules: [\(any)]
                """, refused: "b.example.com"),
        Case(
            name: "the agent's namespace by name",
            object: hook(
                "Mutating", rule: pods,
                "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: swell-system}}"), refused: "a.example"),
        Case(
            name: "by a label that it has",
            object: hook("Mutating", rule: pods, "namespaceSelector: {matchLabels: {tier: platform}}"),
            refused: "a.example.com"),
        Case(
            name: "by one that it has not",
            object: hook(
                "Mutating", rule: pods,
                "namespaceSelector: {matchExpressions: [{key: quiet, operator: DoesNotExist}]}"),
            refused: "a.example.com"),
        Case(
            name: "the agent's own Pods",
            object: hook(
                "Mutating", rule: pods, "objectSelector: {matchLabels: {app.kubernetes.io/name: swell-agent}}"),
            refused: "a.example.com"),
        Case(
            name: "under the fence's name",
            object: hook("Validating", "swell-agent-fence", rule: rule("shop.io", "carts")), refused: "own"),
        Case(
            name: "a policy over records",
            object: """
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicy
                metadata: {name: none}
                spec:
                  matchConstraints: {resourceRules: [\(rule("\"\"", "configmaps"))]}
                  validations: [{expression: "false"}]
                """, refused: "namespaceSelector"),
        Case(
            name: "its binding under the fence's name",
            object: """
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicyBinding
                metadata: {name: swell-agent-fence}
                spec: {policyName: none, validationActions: [Warn]}
                """, refused: "own"),
        Case(
            name: "an API of Kubernetes", object: service("apps", ", service: {name: a, namespace: b}"),
            refused: "apps"),
        Case(
            name: "and its rights",
            object: service("rbac.authorization.k8s.io", ", service: {name: a, namespace: b}"), refused: "rbac"),

        Case(
            name: "kinds of its own", object: hook("Mutating", rule: rule("cert-manager.io", "\"*/*\""))),
        Case(
            name: "Ingresses", object: hook("Validating", rule: rule("networking.k8s.io", "ingresses"))),
        Case(name: "Pods, looked at", object: hook("Validating", rule: pods)),
        Case(
            name: "where a label asks for it",
            object: hook("Mutating", rule: pods, "namespaceSelector: {matchLabels: {istio-injection: enabled}}")),
        Case(
            name: "where an object asks for it",
            object: hook("Mutating", rule: pods, "objectSelector: {matchLabels: {sidecar.istio.io/inject: \"true\"}}")),
        Case(
            name: "all but the agent's namespace",
            object: hook(
                "Mutating", rule: any,
                "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [swell-system]}]}"
            )),
        Case(name: "nodes", object: hook("Mutating", rule: rule("\"\"", "nodes", ", scope: Cluster"))),
        Case(
            name: "Pods, but of no namespace",
            object: hook("Mutating", rule: rule("\"\"", "pods", ", scope: Cluster"))),
        Case(
            name: "metrics",
            object: service("metrics.k8s.io", ", service: {name: a, namespace: kube-system}")),
        Case(name: "an API of its own", object: service("shop.io", ", service: {name: a, namespace: b}")),
    ]

    @Test func whatReachesTheAgentsNamespaceIsRefused() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            var space = KubernetesObject(
                type: GroupVersionKind(version: "v1", kind: "Namespace"), namespace: nil, name: "swell-system")
            space.labels = ["tier": "platform"]
            _ = try await lab.api.apply(space, ApplyOptions(fieldManager: "operator"))
            let own = OwnObjects(api: lab.api, namespace: "swell-system", isManaged: false)
            let managed = OwnObjects(api: lab.api, namespace: "swell-system", isManaged: true)
            for one in Self.cases {
                let object = try #require(try Manifest.objects(in: one.object, file: one.name).first)
                let write = IntendedWrite(.apply, object.reference, sending: object)
                let reason = try await own.reason(against: write)
                if let word = one.refused {
                    #expect(reason?.contains(word) == true, "\(one.name): \(reason ?? "let through")")
                } else {
                    #expect(reason == nil, "\(one.name)")
                }
                let other = try await managed.reason(against: write)
                #expect(other == nil, "\(one.name)")
            }
        }
    }

    @Test func theFenceIsNeitherDeletedNorPatched() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let own = OwnObjects(api: lab.api, namespace: "swell-system", isManaged: false)
            for kind in ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] {
                let type = GroupVersionKind(group: "admissionregistration.k8s.io", version: "v1", kind: kind)
                let fence = ObjectReference(type: type, namespace: nil, name: "swell-agent-fence")
                for verb in [IntendedWrite.Verb.delete, .patch] {
                    let reason = try await own.reason(against: .init(verb, fence))
                    #expect(reason != nil, "\(verb) \(fence)")
                }
            }
        }
    }
}
