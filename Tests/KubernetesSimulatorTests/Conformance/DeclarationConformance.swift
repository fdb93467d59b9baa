internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Definitions, hooks, API services and the outer parts of workloads.
@Suite("Conformance: what declarations and workloads may not say around their pods")
struct DeclarationConformance {
    private static let apps = "/apis/apps/v1/namespaces/default"
    private static let template = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}"
    private static let selector = "selector: {matchLabels: {a: b}}"
    private static let unreadable = "selector: {matchLabels: {a: b c}}"

    static let workloadMistakes: [Mistake] = [
        (
            "deployments", "\(unreadable), \(template)",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b c\"}}: invalid label selector"
        ),
        (
            "deployments", "\(selector), strategy: {type: Blue}, \(template)",
            "spec.strategy: Unsupported value: {\"Type\":\"Blue\",\"RollingUpdate\":null}: supported values: \"Recreate\", \"RollingUpdate\""
        ),
        (
            "replicasets", "\(unreadable), \(template)",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b c\"}}: invalid label selector"
        ),
        (
            "statefulsets", "\(unreadable), \(template)",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b c\"}}"
        ),
        (
            "statefulsets", "\(selector), podManagementPolicy: Odd, \(template)",
            "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'"
        ),
        (
            "statefulsets", "\(selector), updateStrategy: {type: Odd, rollingUpdate: {partition: 1}}, \(template)",
            "spec.updateStrategy: Invalid value: {\"Type\":\"Odd\",\"RollingUpdate\":{\"Partition\":1,\"MaxUnavailable\":null}}: must be 'RollingUpdate' or 'OnDelete'"
        ),
        (
            "daemonsets", "\(template)",
            "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not"
        ),
        (
            "daemonsets", "\(selector), updateStrategy: {type: Odd}, \(template)",
            "spec.updateStrategy: Unsupported value: {\"Type\":\"Odd\",\"RollingUpdate\":null}: supported values: \"RollingUpdate\", \"OnDelete\""
        ),
    ].map { Mistake("\(apps)/\($0.0)", "{metadata: {name: x}, spec: {\($0.1)}}", $0.2) }

    private static let pods = "spec: {restartPolicy: Never, containers: [{name: c, image: i}]}"

    static let jobMistakes: [Mistake] = [
        (
            "manualSelector: true, template: {\(pods)}",
            "spec.selector: Required value"
        ),
        (
            "manualSelector: true, \(selector), template: {\(pods)}",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"
        ),
        (
            "\(selector), template: {metadata: {labels: {a: b}}, \(pods)}",
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"batch.kubernetes.io/controller-uid\":"
        ),
        (
            "template: {metadata: {labels: {job-name: other}}, \(pods)}",
            "spec.template.metadata.labels[job-name]: Invalid value: "
        ),
    ].map { Mistake("/apis/batch/v1/namespaces/default/jobs", "{metadata: {name: x}, spec: {\($0.0)}}", $0.1) }

    private static let schema = "schema: {openAPIV3Schema: {type: object, properties: {spec: SPEC}}}"

    private static func definition(_ version: String = "", spec: String = "{type: object}", extra: String = "}")
        -> String
    {
        "{metadata: {name: as.b.c}, spec: {group: b.c, scope: Cluster, names: {plural: as, kind: A\(extra), versions: [{name: v1, served: true, storage: true, \(version)\(schema.replacing("SPEC", with: spec))}]}}"
    }

    private static let place = "spec.validation.openAPIV3Schema.properties[spec]"

    static let definitionMistakes: [Mistake] = [
        (
            definition(extra: ", categories: [A_B]}"),
            "spec.names.categories[0]: Invalid value: \"A_B\": a DNS-1035 label"
        ),
        (
            definition(extra: ", shortNames: [A_B]}"),
            "spec.names.shortNames[0]: Invalid value: \"A_B\": a DNS-1035 label"
        ),
        (
            definition(extra: ", singular: A_}"),
            "spec.names.singular: Invalid value: \"A_\": a DNS-1035 label must consist of"
        ),
        (
            definition(extra: ", listKind: A_}"),
            "spec.names.listKind: Invalid value: \"A_\": may have mixed case, but should otherwise match: a DNS-1035 label"
        ),
        (definition(extra: "}, conversion: {}"), "spec.conversion.strategy: Required value"),
        (
            definition(extra: "}, conversion: {strategy: Magic}"),
            "spec.conversion.strategy: Unsupported value: \"Magic\": supported values: \"None\", \"Webhook\""
        ),
        (
            definition(extra: "}, conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v2]}}"),
            "spec.conversion.conversionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1"
        ),
        (
            definition(extra: "}, conversion: {strategy: None, webhook: {conversionReviewVersions: [v1]}}"),
            "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook"
        ),
        (
            "{metadata: {name: as.b.c}, spec: {group: b.c, scope: Cluster, names: {plural: as, kind: A}}}",
            "status.storedVersions: Invalid value: []: must have at least one stored version"
        ),
        (
            "{metadata: {name: as.b.c}, spec: {group: b.c, scope: Cluster, names: {plural: as, kind: A}, versions: [{name: V_}]}}",
            "spec.version: Invalid value: \"V_\": a DNS-1035 label"
        ),
        (
            "{metadata: {name: as.b}, spec: {group: b, scope: Cluster, names: {plural: as, kind: A}}}",
            "spec.group: Invalid value: \"b\": should be a domain with at least one dot"
        ),
        (
            definition("deprecationWarning: old, "),
            "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions"
        ),
        (
            definition("deprecated: true, deprecationWarning: '', "),
            "spec.versions[0].deprecationWarning: Invalid value: \"\": must not be an empty string"
        ),
        (
            definition(
                "subresources: {scale: {specReplicasPath: .spec.n, statusReplicasPath: .status.n, labelSelectorPath: plain}}, "
            ),
            "spec.subresources.scale.labelSelectorPath: Invalid value: \"plain\": must be a simple json path starting with ."
        ),
        (definition("additionalPrinterColumns: [{}], "), "spec.additionalPrinterColumns[0].JSONPath: Required value"),
        (
            definition("additionalPrinterColumns: [{name: age, type: text, jsonPath: .a}], "),
            "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string"
        ),
        (
            definition("additionalPrinterColumns: [{name: age, type: string, format: odd, jsonPath: a}], "),
            "spec.additionalPrinterColumns[0].format: Invalid value: \"odd\": must be one of byte,date"
        ),
        (
            definition("additionalPrinterColumns: [{name: age, type: string, jsonPath: a}], "),
            "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"a\": must be a simple json path starting with ."
        ),
        (
            definition(spec: "{type: text}"),
            "\(place).type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\""
        ),
        (
            definition(spec: "{type: integer, minimum: 5, default: 3}"),
            "\(place).default: Invalid value: 3:  in body should be greater than or equal to 5"
        ),
        (
            definition(spec: "{type: object, x-kubernetes-list-type: set}"),
            "\(place).type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified"
        ),
        (
            definition(spec: "{type: array, items: {type: string}, x-kubernetes-list-map-keys: [k]}"),
            "\(place).x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty"
        ),
        (
            definition(
                spec:
                    "{type: array, items: {type: string}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k]}"
            ),
            "\(place).items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map"
        ),
        (
            definition(
                spec:
                    "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k, k], items: {type: object, required: [k], properties: {k: {type: string}}}}"
            ),
            "\(place).x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\"]: must not contain duplicate entries"
        ),
        (
            definition(
                spec:
                    "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object}}"
            ),
            "\(place).x-kubernetes-list-map-keys: Invalid value: [\"k\"]: entries must all be names of item properties"
        ),
    ].map {
        Mistake("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $0.0, $0.1)
    }

    private static func hook(_ extra: String, client: String = "{url: 'https://x'}") -> String {
        "{metadata: {name: x}, webhooks: [{name: a.b.c, sideEffects: None, admissionReviewVersions: [v1], clientConfig: \(client), \(extra)}]}"
    }

    private static func rule(_ extra: String) -> String {
        let full = ["operations": "['*']", "apiGroups": "['']", "apiVersions": "[v1]", "resources": "[pods]"]
        let name = String(extra.prefix { $0 != ":" })
        let rest = full.filter { $0.key != name }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
        return hook("rules: [{\(rest), \(extra)}]")
    }

    static let hookMistakes: [Mistake] = [
        (
            rule("operations: [READ]"),
            "webhooks[0].rules[0].operations[0]: Unsupported value: \"READ\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\""
        ),
        (rule("apiVersions: ['']"), "webhooks[0].rules[0].apiVersions[0]: Required value"),
        (rule("resources: ['']"), "webhooks[0].rules[0].resources[0]: Required value"),
        (
            rule("apiGroups: ['*', apps]"),
            "webhooks[0].rules[0].apiGroups: Invalid value: [\"*\",\"apps\"]: if '*' is present, must not specify other API groups"
        ),
        (
            rule("resources: ['*', pods]"),
            "webhooks[0].rules[0].resources: Invalid value: [\"*\",\"pods\"]: if '*' is present, must not specify other resources without subresources"
        ),
        (
            rule("resources: ['*/*', pods]"),
            "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"pods\"]: if '*/*' is present, must not specify other resources"
        ),
        (rule("scope: ''"), "webhooks[0].rules[0].scope: Unsupported value: \"\""),
        (hook("failurePolicy: ''"), "webhooks[0].failurePolicy: Unsupported value: \"\""),
        (hook("matchPolicy: ''"), "webhooks[0].matchPolicy: Unsupported value: \"\""),
        (
            hook("", client: "{url: 'http://a'}"),
            "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]"
        ),
        (
            hook("", client: "{url: 'https:///a'}"),
            "webhooks[0].clientConfig.url: Invalid value: \"\": host must be provided; desired format: https://host[/path]"
        ),
        (
            hook("", client: "{service: {name: a}}"),
            "webhooks[0].clientConfig.service.name: Required value: service name is required"
        ),
        (
            hook("", client: "{service: {name: a, namespace: b, port: 0}}"),
            "webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive"
        ),
        (
            hook("", client: "{service: {name: a, namespace: b, path: c}}"),
            "webhooks[0].clientConfig.service.path: Invalid value: \"c\": must start with a '/'"
        ),
        (
            hook("", client: "{service: {name: a, namespace: b, path: /c//d}}"),
            "webhooks[0].clientConfig.service.path: Invalid value: \"/c//d\": segment[1] may not be empty"
        ),
        (
            hook("").replacing("[v1]", with: "[v1, v1]"),
            "webhooks[0].admissionReviewVersions[1]: Invalid value: \"v1\": duplicate version"
        ),
        (
            hook("").replacing("[v1]", with: "[V_]"),
            "webhooks[0].admissionReviewVersions[0]: Invalid value: \"V_\": a DNS-1035 label"
        ),
    ].map {
        Mistake("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", $0.0, $0.1)
    }

    static let serviceMistakes: [Mistake] = [
        (
            "version: v1beta1",
            "spec.group: Required value: only v1 may have an empty group and it better be legacy kube"
        ),
        ("version: V_, group: a.b", "spec.version: Invalid value: \"V_\": a DNS-1035 label"),
        ("version: v1, group: A_B", "spec.group: Invalid value: \"A_B\": a lowercase RFC 1123 subdomain"),
        ("version: v1, group: a.b, service: {}", "spec.service.namespace: Required value"),
        (
            "version: v1, group: a.b, service: {name: a, namespace: b, port: 0}",
            "spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive"
        ),
        (
            "version: v1, group: a.b, caBundle: YWI=",
            "spec.caBundle: Invalid value: \"2 bytes\": local APIServices may not have a caBundle"
        ),
        (
            "version: v1, group: a.b, insecureSkipTLSVerify: true",
            "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"
        ),
        (
            "version: v1, group: a.b, insecureSkipTLSVerify: true, caBundle: YWI=, service: {name: a, namespace: b}",
            "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"
        ),
    ].map {
        Mistake("/apis/apiregistration.k8s.io/v1/apiservices", "{metadata: {name: x}, spec: {\($0.0)}}", $0.1)
    }

    @Test(
        "new objects",
        arguments: workloadMistakes + jobMistakes + definitionMistakes + hookMistakes + serviceMistakes)
    func create(mistake: Mistake) throws { try mistake.check() }
}
