internal import KubernetesObjects

// MARK: - Schema documents: what `kubectl explain`, client-side patches and field validation are made from

extension ClusterState {
    /// `/openapi/v3` lists the group versions; each has a document with its paths and schemas.
    func openAPI(_ parts: [String], accept: String) -> APIResponse? {
        guard parts.count >= 2, parts[1] == "v3" else {
            guard parts.count == 2, parts[1] == "v2" else { return .pageNotFound }
            return accept.contains("+protobuf") ? Self.openAPIVersion2Protobuf : .json(openAPIVersion2)
        }
        if parts.count == 2 {
            var paths: [String: JSONValue] = [:]
            for type in servedTypes {
                let path = Self.root(of: type.apiVersion)
                guard paths[path] == nil else { continue }
                // The hash tells clients when to forget what they keep; a definition's schema may change under a name.
                let hash = String(SeededRandom.hash(documentIdentity(of: type.apiVersion)), radix: 16, uppercase: true)
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
            }
            return .json(["paths": .object(paths)])
        }
        let root = parts.dropFirst(2).joined(separator: "/")
        let types = servedTypes.filter { Self.root(of: $0.apiVersion) == root }
        guard !types.isEmpty else { return .pageNotFound }
        var paths: [String: JSONValue] = [:]
        var schemas = SchemaDocument()
        for type in types {
            schemas.add(type)
            for (path, item) in Self.paths(of: type, root: root) { paths[path] = item }
        }
        return .json([
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
            "components": ["schemas": .object(schemas.schemas)],
        ])
    }

    private func documentIdentity(of apiVersion: String) -> String {
        let types = servedTypes.filter { $0.apiVersion == apiVersion }
        return types.map { "\($0.plural)\($0.schema?.serialized() ?? "")" }.joined(separator: ",")
    }

    /// The same without a path or a definition, which is what clients ask for that found a kind nowhere else.
    private static let openAPIVersion2Protobuf: APIResponse = {
        var response = APIResponse.text("\n\u{3}2.0\u{12}\u{15}\n\nKubernetes\u{12}\u{7}v1.36.0")
        response.contentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        return response
    }()

    private var openAPIVersion2: JSONValue {
        var paths: [String: JSONValue] = [:]
        for type in servedTypes {
            for (path, item) in Self.paths(of: type, root: Self.root(of: type.apiVersion)) { paths[path] = item }
        }
        return [
            "swagger": "2.0", "info": ["title": "Kubernetes", "version": "v1.36.0"], "paths": .object(paths),
            "definitions": .object([:]),
        ]
    }

    private static func root(of apiVersion: String) -> String {
        apiVersion.contains("/") ? "apis/\(apiVersion)" : "api/\(apiVersion)"
    }

    private static func paths(of type: ResourceType, root: String) -> [(String, JSONValue)] {
        let kind: JSONValue = [
            "group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind),
        ]
        func operation(_ action: String, _ parameters: [String] = []) -> JSONValue {
            [
                "x-kubernetes-action": .string(action), "x-kubernetes-group-version-kind": kind,
                "parameters": .array(
                    parameters.map { name in
                        [
                            "name": .string(name), "in": "query",
                            "schema": ["type": name == "force" ? "boolean" : "string"],
                        ]
                    }), "responses": ["200": ["description": "OK"]],
            ]
        }
        let writing = ["dryRun", "fieldManager", "fieldValidation"]
        let base = "/\(root)/\(type.isNamespaced ? "namespaces/{namespace}/" : "")\(type.plural)"
        let one: JSONValue = [
            "get": operation("get"), "put": operation("put", writing), "delete": operation("delete", ["dryRun"]),
            "patch": operation("patch", writing + ["force"]),
        ]
        let all: JSONValue = ["get": operation("list"), "post": operation("post", writing)]
        return [(base, all), (base + "/{name}", one)]
    }
}
