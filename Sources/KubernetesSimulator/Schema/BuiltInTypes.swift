internal import KubernetesObjects

/// The types of the built-in API: their fields from `types.tsv`, their list and map kinds from `merge-keys.tsv`.
struct BuiltInTypes: Sendable {
    /// The tables that the library ships; empty when its resources are missing, which every use then reports.
    static let shared: BuiltInTypes = load()

    private let structures: [String: Shape]

    /// The shape that a name stands for. A name that the tables lack takes anything.
    func shape(named name: String) -> Shape {
        structures[name] ?? .anything
    }

    /// How many types are known.
    var count: Int { structures.count }

    init(types: [String], mergeKeys: [String]) {
        var marks: [String: [String: Mark]] = [:]
        for line in mergeKeys.dropFirst() {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard columns.count >= 3 else { continue }
            let mark = Mark(
                list: columns[2], keys: columns.count > 3 ? columns[3] : "", map: columns.count > 4 ? columns[4] : "")
            marks[columns[0], default: [:]][columns[1]] = mark
        }
        var structures: [String: Shape] = [:]
        for line in types {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard let name = columns.first.map(String.init) else { continue }
            let own = marks[name] ?? [:]
            var fields: [String: Shape] = [:]
            var required: Set<String> = []
            var omittedWhenZero: Set<String> = []
            for pair in (columns.count > 1 ? columns[1] : "").split(separator: " ") {
                guard let equals = pair.firstIndex(of: "=") else { continue }
                var field = String(pair[..<equals])
                if let mark = field.last, mark == "!" || mark == "?" {
                    field.removeLast()
                    if mark == "!" { required.insert(field) } else { omittedWhenZero.insert(field) }
                }
                fields[field] = Self.read(pair[pair.index(after: equals)...], mark: own[field])
            }
            if fields.isEmpty {
                structures[name] = .anything
                continue
            }
            structures[name] = .structure(
                Structure(
                    fields: fields, required: required, isAtomic: own["(the whole object)"] != nil,
                    alwaysPresent: Self.alwaysPresent(in: name, fields: fields), omittedWhenZero: omittedWhenZero,
                    keyDefaults: name == "ContainerPort" || name == "ServicePort" ? ["protocol": "TCP"] : [:]))
        }
        self.structures = structures
    }

    private struct Mark {
        var list: String
        var keys: String
        var map: String
    }

    private static func read(_ text: Substring, mark: Mark?) -> Shape {
        switch text {
        case "s": return .string
        case "i": return .integer
        case "n": return .number
        case "b": return .boolean
        case "q": return .quantity
        case "*": return .anything
        default: break
        }
        if text.hasPrefix("["), text.hasSuffix("]") {
            let identity: ListIdentity
            switch mark?.list {
            case "set": identity = .set
            case "map": identity = .map(keys: mark?.keys.split(separator: ",").map(String.init) ?? [])
            default: identity = .atomic
            }
            return .list(read(text.dropFirst().dropLast(), mark: nil), identity)
        }
        if text.hasPrefix("{"), text.hasSuffix("}") {
            return .map(read(text.dropFirst().dropLast(), mark: nil), atomic: mark?.map == "atomic")
        }
        return .named(String(text))
    }

    /// Fields that the API server's own types write whether set or not (no `omitempty`, or a struct by value).
    private static func alwaysPresent(in type: String, fields: [String: Shape]) -> Set<String> {
        if fields["metadata"] != nil, fields["kind"] != nil || type == "PodTemplateSpec" || type == "JobTemplateSpec" {
            return ["metadata", "spec", "status"]
        }
        switch type.split(separator: ".").last.map(String.init) ?? type {
        case "DeploymentSpec": return ["selector", "template", "strategy"]
        case "ReplicaSetSpec": return ["selector", "template"]
        case "StatefulSetSpec", "DaemonSetSpec": return ["selector", "template", "updateStrategy"]
        case "JobSpec": return ["template"]
        case "CronJobSpec": return ["jobTemplate"]
        case "PodSpec": return ["containers"]
        case "PodTemplateSpec", "JobTemplateSpec": return ["metadata", "spec"]
        case "ServiceStatus", "IngressStatus": return ["loadBalancer"]
        case "CustomResourceDefinitionSpec": return ["names", "versions"]
        case "CustomResourceDefinitionStatus": return ["conditions", "acceptedNames", "storedVersions"]
        case "HorizontalPodAutoscalerSpec": return ["scaleTargetRef"]
        case "NetworkPolicySpec": return ["podSelector"]
        case "PersistentVolumeClaimSpec": return ["resources"]
        default: return []
        }
    }

    private static func load() -> BuiltInTypes {
        BuiltInTypes(types: PackagedTable.lines("types"), mergeKeys: PackagedTable.lines("merge-keys"))
    }
}
