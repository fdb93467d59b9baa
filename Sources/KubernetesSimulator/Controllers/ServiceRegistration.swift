internal import KubernetesObjects

// MARK: - API services: whether the extension server behind one can be reached

extension ClusterState {
    private static let storage = "apiservices.apiregistration.k8s.io"

    mutating func reconcileAPIServices(now: Double) {
        for stored in store.all(Self.storage) where !stored.value.isBeingDeleted {
            let (status, reason, message) = availability(of: stored.value)
            writeStatus(Self.storage, stored.value.key, now: now, author: .apiServerStatus) { object in
                let old = object.condition("Available")
                let time: JSONValue = .string(Timestamp.text(now))
                let isSame = old?["status"] == .string(status)
                object.put(
                    [
                        [
                            "type": "Available", "status": .string(status), "reason": .string(reason),
                            "message": .string(message),
                            "lastTransitionTime": isSame ? old?["lastTransitionTime"] ?? time : time,
                        ]
                    ], "status", "conditions")
            }
        }
    }

    /// The versions, by group, that are registered and that this server does not serve by itself.
    var extensionVersions: [String: [(name: String, isAvailable: Bool)]] {
        var found: [String: [(name: String, isAvailable: Bool)]] = [:]
        for object in store.all(Self.storage).map(\.value) where object.at("spec", "service") != nil {
            guard let group = object.at("spec", "group")?.stringValue,
                let version = object.at("spec", "version")?.stringValue, !serves(apiVersion: "\(group)/\(version)")
            else { continue }
            found[group, default: []].append((version, object.condition("Available")?["status"] == "True"))
        }
        return found
    }

    /// Whether a path leads to an extension server. None is simulated, so nobody answers there.
    func isOfExtensionServer(_ path: [String]) -> Bool {
        guard path.count >= 3, path[0] == "apis" else { return false }
        return extensionVersions[path[1]]?.contains { $0.name == path[2] } ?? false
    }

    /// What the aggregator finds: nobody answers behind a simulated service, so one with ready endpoints counts as up.
    private func availability(of object: JSONValue) -> (status: String, reason: String, message: String) {
        guard let service = object.at("spec", "service") else {
            return ("True", "Local", "Local APIServices are always available")
        }
        let key = ObjectKey(
            namespace: service["namespace"]?.stringValue ?? "", name: service["name"]?.stringValue ?? "")
        guard store.get("services", key) != nil else {
            return ("False", "ServiceNotFound", "service/\(key.name) in \"\(key.namespace)\" is not present")
        }
        let subsets = store.get("endpoints", key)?.value["subsets"]?.arrayValue ?? []
        guard subsets.contains(where: { $0["addresses"]?.arrayValue?.isEmpty == false }) else {
            return (
                "False", "MissingEndpoints",
                "endpoints for service/\(key.name) in \"\(key.namespace)\" have no addresses with port name \"\""
            )
        }
        return ("True", "Passed", "all checks passed")
    }
}
