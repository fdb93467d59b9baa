internal import KubernetesObjects

// MARK: - Schema documents, as far as clients need them to see what a server can do

extension ClusterState {
    /// `/openapi/v3` lists the group versions and each names its resources with the query parameters of PATCH, which
    /// is how kubectl finds out that the server validates fields and previews writes.
    func openAPI(_ parts: [String]) -> APIResponse? {
        guard parts.count >= 2, parts[1] == "v3" else {
            return parts.count == 2 && parts[1] == "v2" ? .json(openAPIVersion2) : .pageNotFound
        }
        if parts.count == 2 {
            var paths: [String: JSONValue] = [:]
            for type in servedTypes {
                let path = Self.root(of: type.apiVersion)
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(servedTypes.count)")]
            }
            return .json(["paths": .object(paths)])
        }
        let root = parts.dropFirst(2).joined(separator: "/")
        let types = servedTypes.filter { Self.root(of: $0.apiVersion) == root }
        guard !types.isEmpty else { return .pageNotFound }
        var paths: [String: JSONValue] = [:]
        for type in types { paths["/\(root)/\(Self.template(of: type))"] = Self.pathItem(of: type) }
        return .json([
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
            "components": ["schemas": .object([:])],
        ])
    }

    private var openAPIVersion2: JSONValue {
        var paths: [String: JSONValue] = [:]
        for type in servedTypes {
            paths["/\(Self.root(of: type.apiVersion))/\(Self.template(of: type))"] = Self.pathItem(of: type)
        }
        return [
            "swagger": "2.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
            "definitions": .object([:]),
        ]
    }

    private static func root(of apiVersion: String) -> String {
        apiVersion.contains("/") ? "apis/\(apiVersion)" : "api/\(apiVersion)"
    }

    private static func template(of type: ResourceType) -> String {
        (type.isNamespaced ? "namespaces/{namespace}/" : "") + "\(type.plural)/{name}"
    }

    private static func pathItem(of type: ResourceType) -> JSONValue {
        let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map { name -> JSONValue in
            ["name": .string(name), "in": "query", "schema": ["type": name == "force" ? "boolean" : "string"]]
        }
        let kind: JSONValue = [
            "group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind),
        ]
        return [
            "patch": [
                "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": kind,
                "parameters": .array(parameters), "responses": ["200": ["description": "OK"]],
            ]
        ]
    }
}
