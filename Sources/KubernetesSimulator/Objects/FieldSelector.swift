internal import KubernetesObjects

/// A field selector: `metadata.name=web,status.phase!=Running`.
struct FieldSelector: Sendable {
    struct Term: Sendable {
        var path: [String]
        var value: String
        var isEqual: Bool
    }

    var terms: [Term] = []

    static let everything = FieldSelector()

    init() {}

    /// What each kind lets be selected by, beside name and namespace.
    private static let labels: [String: Set<String>] = [
        "Pod": [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
            "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
        ],
        "Event": [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
            "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
            "reportingComponent", "source", "type", "regarding.kind", "regarding.namespace", "regarding.name",
            "regarding.uid",
        ],
        "Secret": ["type"], "Node": ["spec.unschedulable"], "Namespace": ["status.phase"],
        "ReplicaSet": ["status.replicas"], "ReplicationController": ["status.replicas"], "Job": ["status.successful"],
        "Service": ["spec.clusterIP", "spec.type"], "CertificateSigningRequest": ["spec.signerName"],
    ]

    /// Reads the query parameter's form, for a kind.
    init(parsing text: String, of type: ResourceType) throws(APIStatus) {
        self = try FieldSelector(parsing: text)
        let known = (Self.labels[type.kind] ?? []).union(["metadata.name"]).union(type.selectableFields)
        for term in terms {
            let label = term.path.joined(separator: ".")
            guard !known.contains(label), !(type.isNamespaced && label == "metadata.namespace") else { continue }
            throw .badRequest(
                type.isCustom || Self.labels[type.kind] != nil
                    ? "field label not supported: \(label)"
                    : "\"\(label)\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    }

    init(parsing text: String) throws(APIStatus) {
        for part in text.split(separator: ",") {
            let term = String(part)
            let isEqual = !term.contains("!=")
            let pieces = term.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard pieces.count >= 2, let last = pieces.last else {
                throw .badRequest("invalid selector: '\(term)'; can't understand '\(term)'")
            }
            var key = pieces[0]
            if key.hasSuffix("!") { key.removeLast() }
            terms.append(Term(path: key.split(separator: ".").map(String.init), value: last, isEqual: isEqual))
        }
    }

    func matches(_ object: JSONValue) -> Bool {
        terms.allSatisfy { term in
            var value: JSONValue? = object
            for step in term.path { value = value?[step] }
            let text: String
            switch value {
            case .string(let string): text = string
            case .bool(let flag): text = flag ? "true" : "false"
            case .integer(let number): text = String(number)
            default: text = ""
            }
            return (text == term.value) == term.isEqual
        }
    }
}
