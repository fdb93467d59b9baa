internal import KubernetesObjects

/// Reads what API servers say about what they serve. Pure.
enum DiscoveryDocuments {
    /// Media types to ask for: aggregated discovery, new and old, then whatever there is.
    static let accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
        + "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

    /// The resources of an `APIGroupDiscoveryList`; nil when the answer is of the old form.
    static func aggregated(_ json: JSONValue) -> [APIResource]? {
        guard json["kind"]?.stringValue == "APIGroupDiscoveryList", let groups = json["items"]?.arrayValue else {
            return nil
        }
        var resources: [APIResource] = []
        for group in groups {
            let groupName = group["metadata"]?["name"]?.stringValue ?? ""
            for version in group["versions"]?.arrayValue ?? [] {
                guard let versionName = version["version"]?.stringValue else { continue }
                for entry in version["resources"]?.arrayValue ?? [] {
                    guard let plural = entry["resource"]?.stringValue,
                        let kind = entry["responseKind"]?["kind"]?.stringValue, !kind.isEmpty
                    else { continue }
                    let type = GroupVersionKind(group: groupName, version: versionName, kind: kind)
                    let subresources = (entry["subresources"]?.arrayValue ?? []).compactMap {
                        $0["subresource"]?.stringValue
                    }
                    resources.append(
                        APIResource(
                            type: type, plural: plural, isNamespaced: entry["scope"]?.stringValue == "Namespaced",
                            verbs: verbs(entry),
                            hasStatus: subresources.contains("status"), hasScale: subresources.contains("scale")))
                }
            }
        }
        return resources
    }

    /// The versions of an `APIGroupDiscoveryList` that the server cannot speak for now, as `group/version`: their APIService
    /// does not answer.
    static func stale(_ json: JSONValue) -> Set<String> {
        var names: Set<String> = []
        for group in json["items"]?.arrayValue ?? [] {
            let groupName = group["metadata"]?["name"]?.stringValue ?? ""
            for version in group["versions"]?.arrayValue ?? [] where version["freshness"]?.stringValue == "Stale" {
                names.insert("\(groupName)/\(version["version"]?.stringValue ?? "")")
            }
        }
        return names
    }

    /// The resources of an `APIResourceList`, subresources left out; nil when it is none.
    static func resources(_ json: JSONValue, group: String, version: String) -> [APIResource]? {
        guard json["kind"]?.stringValue == "APIResourceList", let entries = json["resources"]?.arrayValue else {
            return nil
        }
        let names = Set(entries.compactMap { $0["name"]?.stringValue })
        return entries.compactMap { entry in
            guard let plural = entry["name"]?.stringValue, !plural.contains("/"), let kind = entry["kind"]?.stringValue
            else { return nil }
            return APIResource(
                type: GroupVersionKind(group: group, version: version, kind: kind), plural: plural,
                isNamespaced: entry["namespaced"]?.boolValue ?? false, verbs: verbs(entry),
                hasStatus: names.contains("\(plural)/status"), hasScale: names.contains("\(plural)/scale"))
        }
    }

    private static func verbs(_ entry: JSONValue) -> Set<String> {
        Set((entry["verbs"]?.arrayValue ?? []).compactMap(\.stringValue))
    }
}
