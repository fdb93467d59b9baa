internal import KubernetesObjects

extension ClusterState {
    /// The objects of a kind that a request asks for, of one moment even where they come in pages
    /// (`apiserver/pkg/storage` in kubernetes v1.36).
    func list(_ request: APIRequest, _ path: ResourcePath) throws(APIStatus) -> JSONValue {
        let labels = try LabelSelector(parsing: request.query["labelSelector"] ?? "")
        let fields = try FieldSelector(parsing: request.query["fieldSelector"] ?? "", of: path.type)
        let moment = try ListMoment(request, store: store)
        var objects = try moment.objects(path, store).filter {
            labels.matches($0.at("metadata", "labels")) && fields.matches(path.type.toServed($0))
        }
        if let start = moment.start { objects = objects.filter { $0.key > start } }
        var metadata: [String: JSONValue] = ["resourceVersion": .string(String(moment.revision))]
        if let limit = moment.limit, objects.count > limit {
            let left = objects.count - limit
            objects = Array(objects.prefix(limit))
            if let last = objects.last {
                metadata["continue"] = .string(ContinueToken(key: last.key, revision: moment.revision).text)
            }
            if labels.isEmpty, fields.terms.isEmpty { metadata["remainingItemCount"] = .integer(Int64(left)) }
        }
        return presentedList(objects, path.type, metadata, ObjectForm(request: request))
    }

    private func presentedList(
        _ objects: [JSONValue], _ type: ResourceType, _ metadata: [String: JSONValue], _ form: ObjectForm
    ) -> JSONValue {
        switch form {
        case .table(let includes):
            return Table.of(
                objects.map { presented($0, type: type, form: .full, isList: false) }, type: type, includes: includes,
                metadata: .object(metadata), now: instant)
        case .metadataOnly:
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
                "items": .array(objects.map { presented($0, type: type, form: .metadataOnly, isList: true) }),
            ]
        case .full:
            var metadata = metadata
            if type.isCustom, metadata["continue"] == nil { metadata["continue"] = "" }
            let items = objects.map { object -> JSONValue in
                var item = presented(object, type: type, form: .full, isList: true)
                if !type.isCustom {
                    item["kind"] = nil
                    item["apiVersion"] = nil
                }
                return item
            }
            return [
                "kind": .string(type.listKind), "apiVersion": .string(type.apiVersion),
                "metadata": .object(metadata), "items": .array(items),
            ]
        }
    }
}

/// The moment that a list shows, and the part of it that is asked for.
private struct ListMoment {
    /// Where to go on after; nil from the beginning.
    var start: ObjectKey?
    /// The most objects to answer with; nil without a limit.
    var limit: Int?
    /// The revision that is shown.
    var revision: UInt64
    private var token: ContinueToken?
    private var isPast = false

    init(_ request: APIRequest, store: ObjectStore) throws(APIStatus) {
        revision = store.revision
        limit = request.query["limit"].flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil }
        let text = request.query["resourceVersion"] ?? ""
        if let word = request.query["continue"], !word.isEmpty {
            guard let token = ContinueToken(word) else {
                throw .badRequest("continue key is not valid: illegal base64 data")
            }
            guard text.isEmpty || text == "0" else {
                throw .badRequest("specifying resource version is not allowed when using continue")
            }
            self.token = token
            start = token.key
            revision = token.revision ?? store.revision
            isPast = token.revision != nil
            return
        }
        guard !text.isEmpty else { return }
        guard let wanted = UInt64(text) else { throw .unreadableRevision(text) }
        guard wanted <= store.revision else { throw .tooLargeRevision(wanted, current: store.revision) }
        if wanted == 0 {
            // What a cache has is answered with whole.
            limit = nil
        } else if request.query["resourceVersionMatch"] == "Exact"
            || (limit != nil && (request.query["resourceVersionMatch"] ?? "").isEmpty)
        {
            revision = wanted
            isPast = true
        }
    }

    func objects(_ path: ResourcePath, _ store: ObjectStore) throws(APIStatus) -> [JSONValue] {
        guard isPast else { return store.all(path.type.storage, namespace: path.namespace).map(\.value) }
        guard let objects = store.all(path.type.storage, namespace: path.namespace, asOf: revision) else {
            if let token { throw .expiredContinue(token) }
            throw .expiredList
        }
        return objects
    }
}

/// Where a list that came in pages goes on.
struct ContinueToken: Sendable {
    /// The last object of the page before.
    var key: ObjectKey
    /// The moment that all pages are of; nil for whatever is there now.
    var revision: UInt64?

    init(key: ObjectKey, revision: UInt64?) {
        self.key = key
        self.revision = revision
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3 else { return nil }
        if parts[0] != "-1" {
            guard let revision = UInt64(parts[0]) else { return nil }
            self.revision = revision
        }
        key = ObjectKey(namespace: parts[1], name: parts[2...].joined(separator: "."))
    }

    var text: String { "\(revision.map(String.init) ?? "-1").\(key.namespace).\(key.name)" }
}
