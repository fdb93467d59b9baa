internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: custom resources")
struct DefinitionConformance {
    private let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    private let widget = "/apis/example.com/v1/namespaces/default/widgets/a"

    private func definition(schema: String = "", extra: String = "") -> String {
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: widgets, kind: Widget, shortNames: [wd]}
          \(extra)
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  status: {type: object, properties: {size: {type: integer}, phase: {type: string}}}
                  spec:
                    type: object
                    required: [size]
                    properties:
                      size: {type: integer, minimum: 1, maximum: 9}
                      color: {type: string, default: red, enum: [red, green]}
                      name: {type: string, pattern: '^[a-z]+$', maxLength: 4}
                      port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                      maybe: {type: string, nullable: true}
                      never: {type: string}
                      either: {type: object, oneOf: [{required: [url]}, {required: [path]}], properties: {url: {type: string}, path: {type: string}}}
                      items:
                        type: array
                        maxItems: 2
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [id]
                        items: {type: object, required: [id], properties: {id: {type: string}, note: {type: string}}}
                      \(schema)
        """
    }

    private func object(_ spec: String) -> String {
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: \(spec)}"
    }

    private func conversation() -> Conversation {
        var talk = Conversation()
        talk.tell("PATCH \(definitions)/widgets.example.com", definition())
        talk.pass(1)
        return talk
    }

    @Test("a kind is served once its definition is established, and gone with it")
    func registration() {
        var talk = Conversation()
        talk.ask("PATCH \(widget)", object("{size: 1}"), facts: ["404"])
        talk.ask(
            "PATCH \(definitions)/widgets.example.com", definition(),
            facts: [
                "201", "spec.names.singular = \"widget\"", "spec.names.listKind = \"WidgetList\"",
                "spec.conversion = {\"strategy\":\"None\"}", "status.storedVersions = [\"v1\"]",
                "metadata.generation = 1",
            ])
        talk.pass(1)
        talk.ask(
            "GET \(definitions)/widgets.example.com",
            facts: [
                "status.conditions[type=Established].status = \"True\"",
                "status.conditions[type=NamesAccepted].reason = \"NoConflicts\"",
                "status.acceptedNames.kind = \"Widget\"",
            ])
        talk.ask(
            "GET /apis/example.com/v1",
            facts: [
                "resources[name=widgets].shortNames = [\"wd\"]", "resources[name=widgets/status].kind = \"Widget\"",
            ])
        talk.ask(
            "PATCH \(widget)", object("{size: 1}"), facts: ["201", "spec.color = \"red\"", "metadata.generation = 1"])
        talk.ask("DELETE \(definitions)/widgets.example.com", facts: ["200"])
        talk.pass(1)
        talk.ask("GET \(widget)", facts: ["404"])
        talk.ask("GET \(definitions)/widgets.example.com", facts: ["404"])
    }

    @Test(
        "what the schema refuses is named",
        arguments: [
            ("{size: 0}", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
            ("{size: 10}", "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9"),
            ("{}", "spec.size: Required value"),
            ("{size: 1, color: blue}", "spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\""),
            ("{size: 1, name: A}", "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'"),
            ("{size: 1, name: abcde}", "spec.name: Too long: may not be more than 4 bytes"),
            ("{size: 1, items: [{id: a}, {id: b}, {id: c}]}", "spec.items: Too many: 3: must have at most 2 items"),
            (
                "{size: 1, either: {}}",
                "spec.either: Invalid value: \"\": \"spec.either\" must validate one and only one schema (oneOf). Found none valid"
            ),
        ])
    func refusals(spec: String, message: String) {
        var talk = conversation()
        talk.ask(
            "PATCH \(widget)", object(spec),
            facts: ["422", "reason = \"Invalid\"", "message ~ Widget.example.com \"a\" is invalid: "])
        #expect(
            talk.answer["message"]?.stringValue?.contains(message) == true,
            "\(talk.answer["message"]?.stringValue ?? "")")
    }

    @Test("unknown fields are refused by apply, pruned elsewhere, and kept where the schema says so")
    func unknownFields() {
        var talk = conversation()
        talk.ask(
            "PATCH \(widget)", object("{size: 1, nope: 1}"),
            facts: ["500", "message ~ .spec.nope: field not declared in schema"])
        talk.ask(
            "POST /apis/example.com/v1/namespaces/default/widgets",
            object("{size: 1, nope: 1, free: {any: thing}, maybe: null, never: null, port: http}"),
            facts: [
                "201", "spec.nope !", "spec.free.any = \"thing\"", "spec.maybe = null", "spec.never !",
                "spec.port = \"http\"",
            ])
        talk.ask(
            "POST /apis/example.com/v1/namespaces/default/widgets?fieldValidation=Strict", object("{size: 1, nope: 1}"),
            facts: ["400", "message ~ unknown field \"spec.nope\""])
    }

    @Test("generations count the specification, status has a place of its own, scale has paths")
    func subresources() {
        var talk = conversation()
        talk.tell("PATCH \(widget)", object("{size: 1}"))
        talk.ask("PATCH \(widget)", object("{size: 2}"), facts: ["200", "metadata.generation = 2"])
        talk.ask(
            "PATCH \(widget)/status", "{status: {phase: Ready}, spec: {size: 9}}", type: "application/merge-patch+json",
            facts: ["200", "status.phase = \"Ready\"", "spec.size = 2", "metadata.generation = 2"])
        talk.ask("GET \(widget)/scale", facts: ["200", "kind = \"Scale\"", "spec.replicas = 2"])
        talk.ask(
            "PATCH \(widget)", "{spec: {size: 3}}", type: "application/strategic-merge-patch+json", facts: ["415"])
    }

    @Test("lists with keys merge by them, one owner an item")
    func lists() {
        var talk = conversation()
        talk.tell("PATCH \(widget)", object("{size: 1, items: [{id: a}]}"))
        talk.ask(
            "PATCH \(widget)?fieldManager=other", object("{items: [{id: b, note: text}]}"),
            facts: ["200", "spec.items.# = 2", "spec.items[id=b].note = \"text\""])
        talk.ask(
            "PATCH \(widget)", object("{size: 1}"), facts: ["200", "spec.items.# = 1", "spec.items[0].id = \"b\""])
    }

    @Test(
        "definitions that cannot be are refused",
        arguments: [
            ("shortNames: [wd]", "shortNames: [W_D]", "spec.names.shortNames[0]: Invalid value: \"W_D\""),
            (
                "name: widgets.example.com", "name: other.example.com",
                "metadata.name: Invalid value: \"other.example.com\": must be spec.names.plural+\".\"+spec.group"
            ),
            (
                "scope: Namespaced", "scope: Global",
                "spec.scope: Unsupported value: \"Global\": supported values: \"Cluster\", \"Namespaced\""
            ),
            ("storage: true", "storage: false", "must have exactly one version marked as storage version"),
            (
                "never: {type: string}", "never: {}",
                "spec.validation.openAPIV3Schema.properties[spec].properties[never].type: Required value: must not be empty for specified object fields"
            ),
            (
                "required: [id], ", "",
                "spec.validation.openAPIV3Schema.properties[spec].properties[items].items.properties[id].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            ),
            (
                "group: example.com", "group: widgets",
                "spec.group: Invalid value: \"widgets\": should be a domain with at least one dot"
            ),
            (
                "group: example.com", "group: example.k8s.io",
                "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation"
            ),
        ])
    func badDefinitions(old: String, new: String, message: String) {
        var talk = Conversation()
        talk.ask("POST \(definitions)", definition().replacing(old, with: new), facts: ["422"])
        #expect(
            talk.answer["message"]?.stringValue?.contains(message) == true,
            "\(talk.answer["message"]?.stringValue ?? "")")
    }
}
