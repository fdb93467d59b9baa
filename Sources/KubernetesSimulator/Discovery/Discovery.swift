internal import KubernetesObjects

// MARK: - What clients ask first

extension ClusterState {
    /// Answers version, health, discovery and schema requests; nil when the path is none of them.
    func discovery(_ request: APIRequest) throws(APIStatus) -> APIResponse? {
        let parts = request.path
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch parts.first {
        case "version" where parts.count == 1: return .json(Self.version)
        case "readyz", "livez", "healthz": return .text("ok")
        case "api" where parts.count == 1:
            if wantsAggregated(request) { return aggregated(core: true) }
            return .json([
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": "192.0.2.2:6443"]],
            ])
        case "api" where parts.count == 2 && parts[1] == "v1": return .json(resourceList("v1"))
        case "apis" where parts.count == 1:
            if wantsAggregated(request) { return aggregated(core: false) }
            return .json(["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(groupValue))])
        case "apis" where parts.count == 2:
            guard groups.contains(parts[1]) else { return .pageNotFound }
            var group = groupValue(parts[1])
            group["kind"] = "APIGroup"
            group["apiVersion"] = "v1"
            return .json(group)
        case "apis" where parts.count == 3:
            let apiVersion = "\(parts[1])/\(parts[2])"
            guard versions(of: parts[1]).contains(parts[2]) else { return .pageNotFound }
            return .json(resourceList(apiVersion))
        case "openapi": return openAPI(parts, accept: request.accept)
        default: return nil
        }
    }

    private static let version: JSONValue = [
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": "v1.36.0", "gitCommit": "$Format:%H$", "gitTreeState": "",
        "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26.3", "compiler": "gc", "platform": "linux/amd64",
    ]

    /// Every `apiVersion` served: built-in ones in the server's order, then those of definitions.
    private var apiVersions: [String] {
        var seen = Set(ResourceCatalog.apiVersions)
        let custom = typeOrder.compactMap { types[$0]?.apiVersion }.filter { seen.insert($0).inserted }
        return ResourceCatalog.apiVersions + custom
    }

    /// The named groups served.
    private var groups: [String] {
        var seen: Set<String> = []
        return apiVersions.compactMap { apiVersion in
            let parts = apiVersion.split(separator: "/")
            return parts.count == 2 && seen.insert(String(parts[0])).inserted ? String(parts[0]) : nil
        }
    }

    private func versions(of group: String) -> [String] {
        let prefix = group + "/"
        let names = apiVersions.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        return ResourceCatalog.apiVersions.contains(prefix + (names.first ?? ""))
            ? names : VersionPriority.sorted(names)
    }

    private func groupValue(_ group: String) -> JSONValue {
        let versions = versions(of: group).map { version -> JSONValue in
            ["groupVersion": .string("\(group)/\(version)"), "version": .string(version)]
        }
        return ["name": .string(group), "versions": .array(versions), "preferredVersion": versions.first ?? .null]
    }

    private func resourceList(_ apiVersion: String) -> JSONValue {
        var resources = resourceTypes(of: apiVersion).flatMap(entries)
        resources.sort { ($0["name"]?.stringValue ?? "") < ($1["name"]?.stringValue ?? "") }
        var list: JSONValue = [
            "kind": "APIResourceList", "groupVersion": .string(apiVersion), "resources": .array(resources),
        ]
        if apiVersion != "v1" { list["apiVersion"] = "v1" }
        return list
    }

    /// All resources of an `apiVersion`, those that only answer among them.
    private func resourceTypes(of apiVersion: String) -> [ResourceType] {
        (ResourceCatalog.virtual[apiVersion] ?? []) + servedTypes.filter { $0.apiVersion == apiVersion }
    }

    private func entries(of type: ResourceType) -> [JSONValue] {
        func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        var main: JSONValue = [
            "name": .string(type.plural), "singularName": .string(type.singular),
            "namespaced": .bool(type.isNamespaced), "kind": .string(type.kind), "verbs": texts(type.verbs),
        ]
        if type.isCustom {
            main["verbs"] = texts(["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"])
        }
        if !type.shortNames.isEmpty { main["shortNames"] = texts(type.shortNames) }
        if !type.categories.isEmpty { main["categories"] = texts(type.categories) }
        if let hash = type.storageVersionHash { main["storageVersionHash"] = .string(hash) }
        return [main] + type.subresources.sorted().map { subresource(of: type, $0) }
    }

    private func subresource(of type: ResourceType, _ name: String) -> JSONValue {
        let forms: [String: (kind: String, verbs: [String])] = [
            "scale": ("Scale", ["get", "patch", "update"]), "status": (type.kind, ["get", "patch", "update"]),
            "finalize": (type.kind, ["update"]), "approval": (type.kind, ["get", "patch", "update"]),
            "binding": ("Binding", ["create"]),
            "eviction": ("Eviction", ["create"]), "token": ("TokenRequest", ["create"]),
            "log": (type.kind, ["get"]), "ephemeralcontainers": (type.kind, ["get", "patch", "update"]),
            "resize": (type.kind, ["get", "patch", "update"]), "attach": ("PodAttachOptions", ["create", "get"]),
            "exec": ("PodExecOptions", ["create", "get"]), "portforward": ("PodPortForwardOptions", ["create", "get"]),
            "proxy": ("\(type.kind)ProxyOptions", ["create", "delete", "get", "patch", "update"]),
        ]
        let form = forms[name] ?? (type.kind, ["get"])
        var entry: JSONValue = [
            "name": .string("\(type.plural)/\(name)"), "singularName": "", "namespaced": .bool(type.isNamespaced),
            "kind": .string(form.kind), "verbs": .array(form.verbs.map { .string($0) }),
        ]
        let foreign: [String: (String, String)] = [
            "scale": ("autoscaling", "v1"), "eviction": ("policy", "v1"), "token": ("authentication.k8s.io", "v1"),
        ]
        if let (group, version) = foreign[name] {
            entry["group"] = .string(group)
            entry["version"] = .string(version)
        }
        return entry
    }

    // MARK: Aggregated discovery

    private func wantsAggregated(_ request: APIRequest) -> Bool {
        request.accept.contains("as=APIGroupDiscoveryList") && request.accept.contains("v=v2")
    }

    private func aggregated(core: Bool) -> APIResponse {
        let names = core ? [""] : groups
        let items = names.map { group -> JSONValue in
            let versions = (core ? ["v1"] : versions(of: group)).map { version -> JSONValue in
                let apiVersion = group.isEmpty ? version : "\(group)/\(version)"
                let resources = resourceTypes(of: apiVersion).sorted { $0.plural < $1.plural }.map(aggregatedResource)
                return [
                    "version": .string(version), "freshness": "Current", "resources": .array(resources),
                ]
            }
            return ["metadata": group.isEmpty ? .object([:]) : ["name": .string(group)], "versions": .array(versions)]
        }
        let extensions = core ? [:] : extensionVersions
        let others = extensions.keys.sorted().map { group -> JSONValue in
            let versions = (extensions[group] ?? []).map { version -> JSONValue in
                [
                    "version": .string(version.name), "freshness": version.isAvailable ? "Current" : "Stale",
                    "resources": [],
                ]
            }
            return ["metadata": ["name": .string(group)], "versions": .array(versions)]
        }
        var response = APIResponse.json([
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": .object([:]),
            "items": .array(items + others),
        ])
        response.contentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return response
    }

    private static func responseKind(_ group: String, _ version: String, _ kind: String) -> JSONValue {
        ["group": .string(group), "version": .string(version), "kind": .string(kind)]
    }

    private func aggregatedResource(_ type: ResourceType) -> JSONValue {
        let subresources = type.subresources.sorted().map { name -> JSONValue in
            let entry = subresource(of: type, name)
            return [
                "subresource": .string(name),
                "responseKind": Self.responseKind(
                    entry["group"]?.stringValue ?? type.group, entry["version"]?.stringValue ?? type.version,
                    entry["kind"]?.stringValue ?? type.kind),
                "verbs": entry["verbs"] ?? .array([]),
            ]
        }
        var result: JSONValue = [
            "resource": .string(type.plural), "singularResource": .string(type.singular),
            "responseKind": Self.responseKind(type.group, type.version, type.kind),
            "scope": type.isNamespaced ? "Namespaced" : "Cluster", "verbs": .array(type.verbs.map { .string($0) }),
        ]
        if !type.shortNames.isEmpty { result["shortNames"] = .array(type.shortNames.map { .string($0) }) }
        if !type.categories.isEmpty { result["categories"] = .array(type.categories.map { .string($0) }) }
        if !subresources.isEmpty { result["subresources"] = .array(subresources) }
        return result
    }
}
