internal import KubernetesObjects

/// The schemas of one group version, made from the shapes that the server itself works with.
struct SchemaDocument {
    /// By name, as references spell it.
    private(set) var schemas: [String: JSONValue] = [:]

    /// Adds a resource's schema and all that it refers to.
    mutating func add(_ type: ResourceType) {
        let kind: JSONValue = [
            "group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind),
        ]
        if type.isCustom {
            var schema = type.schema ?? ["type": "object"]
            schema.put(["type": "string"], "properties", "apiVersion")
            schema.put(["type": "string"], "properties", "kind")
            schema.put(reference("apimachinery.pkg.apis.meta.v1.ObjectMeta"), "properties", "metadata")
            schema["x-kubernetes-group-version-kind"] = [kind]
            schemas[
                "\(type.group.split(separator: ".").reversed().joined(separator: ".")).\(type.version).\(type.kind)"] =
                schema
        } else if case .named(let name) = type.shape {
            add(named: name)
            schemas[Self.key(name)]?["x-kubernetes-group-version-kind"] = [kind]
        }
    }

    /// The name under which a type is found; the last part is what `kubectl explain` prints.
    private static func key(_ name: String) -> String {
        if name.hasPrefix("api") { return "io.k8s.\(name)" }
        return name.hasPrefix("V2") ? "io.k8s.api.autoscaling.v2.\(name.dropFirst(2))" : "io.k8s.api.\(name)"
    }

    private mutating func add(named name: String) {
        let key = Self.key(name)
        guard schemas[key] == nil else { return }
        guard case .structure(let structure) = BuiltInTypes.shared.shape(named: name) else {
            schemas[key] = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
            return
        }
        schemas[key] = ["type": "object"]
        var properties: [String: JSONValue] = [:]
        for (field, shape) in structure.fields {
            var schema = schema(of: shape)
            if case .list(let item, let identity) = shape {
                Self.describe(&schema, field: field, of: name, item: item, identity: identity)
            }
            if name == "DeploymentSpec", field == "strategy" { schema["x-kubernetes-patch-strategy"] = "retainKeys" }
            properties[field] = schema
        }
        var result: JSONValue = ["type": "object", "properties": .object(properties)]
        if !structure.required.isEmpty { result["required"] = .array(structure.required.sorted().map { .string($0) }) }
        if structure.isAtomic { result["x-kubernetes-map-type"] = "atomic" }
        schemas[key] = result
    }

    private mutating func reference(_ name: String) -> JSONValue {
        add(named: name)
        return ["allOf": [["$ref": .string("#/components/schemas/\(Self.key(name))")]], "default": .object([:])]
    }

    private mutating func schema(of shape: Shape) -> JSONValue {
        switch shape {
        case .string: return ["type": "string"]
        case .integer: return ["type": "integer", "format": "int64"]
        case .number: return ["type": "number", "format": "double"]
        case .boolean: return ["type": "boolean"]
        case .quantity, .anything: return ["x-kubernetes-preserve-unknown-fields": true]
        case .named(let name): return reference(name)
        case .map(let item, let isAtomic):
            var result: JSONValue = ["type": "object", "additionalProperties": schema(of: item)]
            if isAtomic { result["x-kubernetes-map-type"] = "atomic" }
            return result
        case .list(let item, let identity):
            var result: JSONValue = ["type": "array", "items": schema(of: item)]
            switch identity {
            case .atomic: result["x-kubernetes-list-type"] = "atomic"
            case .set: result["x-kubernetes-list-type"] = "set"
            case .map(let keys):
                result["x-kubernetes-list-type"] = "map"
                result["x-kubernetes-list-map-keys"] = .array(keys.map { .string($0) })
            }
            return result
        case .structure: return ["type": "object"]
        }
    }

    /// How a strategic merge patch, made by a client, tells the list's items apart.
    private static func describe(
        _ schema: inout JSONValue, field: String, of type: String, item: Shape, identity: ListIdentity
    ) {
        switch identity {
        case .atomic: break
        case .set: schema["x-kubernetes-patch-strategy"] = "merge"
        case .map(let keys):
            // Items of these are listed by key, but no patch merges them.
            guard let key = keys.first, !(type.hasSuffix("ResourceRequirements") && field == "claims") else { return }
            schema["x-kubernetes-patch-strategy"] = field == "volumes" ? "merge,retainKeys" : "merge"
            schema["x-kubernetes-patch-merge-key"] = .string(key)
        }
    }
}
