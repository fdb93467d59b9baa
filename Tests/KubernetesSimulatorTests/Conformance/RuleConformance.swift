internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Rules of definitions (KEP-2876), through requests.
@Suite("Conformance: x-kubernetes-validations")
struct RuleConformance {
    private static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private let routes = "/apis/example.com/v1/namespaces/default/routes"

    /// A definition whose `spec` has a schema, in YAML's flow form.
    private static func definition(_ spec: String) -> String {
        """
        {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: routes.example.com},
         spec: {group: example.com, scope: Namespaced, names: {kind: Route, plural: routes},
          versions: [{name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, properties: {
            spec: \(spec), status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}}]}}
        """
    }

    /// In the form of Gateway API's and others' rules.
    private static let schema = """
        {type: object, properties: {
           replicas: {type: integer}, maximum: {type: integer},
           className: {type: string, x-kubernetes-validations: [{rule: "self == oldSelf", message: "the class cannot be changed"}]},
           path: {type: object, properties: {type: {type: string}, value: {type: string}}, x-kubernetes-validations: [
             {rule: "self.type in ['Exact','PathPrefix'] ? self.value.startsWith('/') : true", message: "must be an absolute path", fieldPath: ".value"}]},
           ports: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], maxItems: 9,
             items: {type: object, required: [name], properties: {name: {type: string}, port: {type: integer, x-kubernetes-validations: [{rule: "self > 0 && self < 65536", messageExpression: "'port ' + string(self) + ' is none'"}]}}},
             x-kubernetes-validations: [{rule: "self.all(p1, self.exists_one(p2, p1.port == p2.port))", message: "ports must be unique", reason: FieldValueDuplicate}]},
           secret: {type: string, x-kubernetes-validations: [{rule: "self != 'forbidden'", reason: FieldValueForbidden, message: "not this one"}]}},
         x-kubernetes-validations: [{rule: "!has(self.replicas) || !has(self.maximum) || self.replicas <= self.maximum"}]}
        """

    private func conversation() -> Conversation {
        var talk = Conversation()
        talk.tell("POST \(Self.definitions)", Self.definition(Self.schema))
        talk.cluster.run(seconds: 5)
        return talk
    }

    private func route(_ spec: String) -> String {
        "{apiVersion: example.com/v1, kind: Route, metadata: {name: a}, spec: \(spec)}"
    }

    @Test(
        "what breaks a rule is refused in its words",
        arguments: [
            ("{replicas: 3, maximum: 2}", "spec", "FieldValueInvalid", "failed rule: !has(self.replicas) ||"),
            ("{path: {type: Exact, value: x}}", "spec.path.value", "FieldValueInvalid", "must be an absolute path"),
            (
                "{ports: [{name: a, port: 0}]}", "spec.ports[0].port", "FieldValueInvalid",
                "Invalid value: 0: port 0 is none"
            ),
            (
                "{ports: [{name: a, port: 1}, {name: b, port: 1}]}", "spec.ports", "FieldValueDuplicate",
                "Duplicate value"
            ),
            ("{secret: forbidden}", "spec.secret", "FieldValueForbidden", "Forbidden: not this one"),
        ])
    func refusals(spec: String, field: String, reason: String, message: String) {
        var talk = conversation()
        talk.ask(
            "POST \(routes)", route(spec),
            facts: [
                "422", "reason = \"Invalid\"", "details.causes[0].field = \"\(field)\"",
                "details.causes[0].reason = \"\(reason)\"", "message ~ \(message)",
            ])
    }

    @Test("what keeps the rules is taken, and transitions are judged on updates only")
    func transitions() {
        var talk = conversation()
        talk.tell(
            "POST \(routes)",
            route(
                "{className: one, replicas: 1, maximum: 2, path: {type: Exact, value: /}, ports: [{name: a, port: 80}]}"
            ))
        talk.ask(
            "PATCH \(routes)/a", "{\"spec\": {\"className\": \"two\"}}", type: "application/merge-patch+json",
            facts: [
                "422", "details.causes[0].field = \"spec.className\"", "message ~ the class cannot be changed",
            ])
        talk.ask(
            "PATCH \(routes)/a", "{\"spec\": {\"replicas\": 2}}", type: "application/merge-patch+json",
            facts: ["200", "spec.replicas = 2"])
        talk.ask(
            "PATCH \(routes)/a", "{\"spec\": {\"replicas\": 3}}", type: "application/merge-patch+json", facts: ["422"])
    }

    @Test(
        "a rule that cannot be compiled keeps the definition out",
        arguments: [
            ("self.nope > 1", "undefined field 'nope'"), ("self.replicas >", "Syntax error"),
            ("self.replicas", "cel expression must evaluate to a bool"),
            ("self.replicas == 'a'", "found no matching overload for '_==_'"),
        ])
    func compilation(rule: String, problem: String) {
        var talk = Conversation()
        let spec =
            "{type: object, properties: {replicas: {type: integer}}, x-kubernetes-validations: [{rule: \"\(rule)\", message: m}]}"
        talk.ask(
            "POST \(Self.definitions)", Self.definition(spec),
            facts: [
                "422",
                "details.causes[0].field = \"spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule\"",
                "message ~ \(problem)",
            ])
    }
}
