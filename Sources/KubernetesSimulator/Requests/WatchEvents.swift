internal import KubernetesObjects

// MARK: - What watches are told

extension ClusterState {
    /// The objects that are there already, as additions.
    func initialEvents(_ request: WatchRequest) -> [JSONValue] {
        store.all(request.type.storage, namespace: request.namespace).map(\.value)
            .filter { isWanted($0, request) }
            .map { event("ADDED", $0, request) }
    }

    /// The events since a revision; nil when that is further back than the log.
    func events(_ request: WatchRequest, after revision: UInt64) -> (events: [JSONValue], revision: UInt64)? {
        guard let changes = store.changes(after: revision) else { return nil }
        var events: [JSONValue] = []
        for change in changes where change.storage == request.type.storage {
            if let namespace = request.namespace, change.key.namespace != namespace { continue }
            let fits = isWanted(change.object, request)
            let fitted = change.previous.map { isWanted($0, request) } ?? false
            switch (change.kind, fitted, fits) {
            case (.deleted, true, _), (.deleted, _, true), (_, true, false):
                events.append(event("DELETED", lastState(of: change), request))
            case (.added, _, true), (.modified, false, true):
                events.append(event("ADDED", change.object, request))
            case (.modified, true, true):
                events.append(event("MODIFIED", change.object, request))
            default: break
            }
        }
        return (events, store.revision)
    }

    /// An object that left a selector is told of in its last fitting state, at the revision at which it left.
    private func lastState(of change: ChangeRecord) -> JSONValue {
        guard change.kind != .deleted, var last = change.previous else { return change.object }
        last.put(change.object.at("metadata", "resourceVersion"), "metadata", "resourceVersion")
        return last
    }

    private func isWanted(_ object: JSONValue, _ request: WatchRequest) -> Bool {
        request.labels.matches(object.at("metadata", "labels")) && request.fields.matches(request.type.toServed(object))
    }

    private func event(_ type: String, _ object: JSONValue, _ request: WatchRequest) -> JSONValue {
        [
            "type": .string(type),
            "object": presented(object, type: request.type, form: request.form, isList: false),
        ]
    }

    func bookmark(_ request: WatchRequest, revision: UInt64, endsInitial: Bool) -> JSONValue {
        var metadata: JSONValue = ["resourceVersion": .string(String(revision))]
        if endsInitial { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        return [
            "type": "BOOKMARK",
            "object": [
                "kind": .string(request.type.kind), "apiVersion": .string(request.type.apiVersion),
                "metadata": metadata,
            ],
        ]
    }
}
