public import KubernetesObjects
internal import NIOHTTP1

/// Which objects of a type are meant.
public struct ObjectSelection: Sendable, Hashable {
    /// The type.
    public var type: GroupVersionKind
    /// The namespace; nil for all.
    public var namespace: String?
    /// A label selector: `app=web,tier in (a,b)`.
    public var labelSelector: String?
    /// A field selector: `metadata.name=web`.
    public var fieldSelector: String?

    /// Creates a selection.
    public init(
        type: GroupVersionKind, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil
    ) {
        self.type = type
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let labelSelector { query.append(("labelSelector", labelSelector)) }
        if let fieldSelector { query.append(("fieldSelector", fieldSelector)) }
        return query
    }
}

extension ObjectSelection: CustomStringConvertible {
    /// `apps/v1 Deployment in shop`.
    public var description: String {
        var text = "\(type) in \(namespace ?? "all namespaces")"
        if let labelSelector { text += " with \(labelSelector)" }
        if let fieldSelector { text += " where \(fieldSelector)" }
        return text
    }
}

/// Objects as they were at one moment.
public struct ObjectList: Sendable, Hashable {
    /// The objects.
    public var objects: [KubernetesObject]
    /// The moment, as a watch can go on from it.
    public var resourceVersion: String

    /// Creates a list.
    public init(objects: [KubernetesObject], resourceVersion: String) {
        self.objects = objects
        self.resourceVersion = resourceVersion
    }
}

extension KubernetesAPI {
    /// Lists objects, in pages; when a page's moment has passed, from the start once more.
    ///
    /// - Parameters:
    ///   - pageSize: The most objects of one answer.
    ///   - keeping: What is kept of each object; nil for nothing. A page is all that is held beside that.
    public func list(
        _ selection: ObjectSelection, pageSize: Int = 500,
        keeping: (KubernetesObject) -> KubernetesObject? = { $0 }
    ) async throws -> ObjectList {
        var restarts = 0
        while true {
            do {
                return try await at(selection.type) {
                    try await pages($0, selection, pageSize: pageSize, keeping: keeping)
                }
            } catch let error as KubernetesError where error.code == .expired && restarts < 3 {
                restarts += 1
            }
        }
    }

    private func pages(
        _ resource: APIResource, _ selection: ObjectSelection, pageSize: Int,
        keeping: (KubernetesObject) -> KubernetesObject?
    ) async throws -> ObjectList {
        var objects: [KubernetesObject] = []
        var token: String?
        while true {
            let page = try await page(resource, selection, limit: pageSize, token: token)
            objects += page.objects.compactMap(keeping)
            token = page.token
            if token == nil { return ObjectList(objects: objects, resourceVersion: page.version) }
        }
    }

    /// Whether objects of a type can be asked for: a server may announce a kind before it serves it.
    func isServed(_ type: GroupVersionKind) async throws -> Bool {
        do {
            let resource = try await resource(for: type)
            var request = KubernetesRequest(
                .GET, resource.collectionPath(namespace: nil), timeout: options.requestTimeout)
            request.query.append(("limit", "1"))
            _ = try await exchange.json(request, maximumAttempts: 1)
            return true
        } catch let error as KubernetesError {
            // It is served, though what is stored cannot be read: the webhook that converts it may come with the bundle.
            if error.status == 500 { return true }
            guard error.code == .unknownKind || error.isNotFound || error.isTransient else { throw error }
            return false
        }
    }

    /// The first objects of a selection, and whether they are all.
    func firstObjects(
        _ selection: ObjectSelection, limit: Int
    ) async throws -> (objects: [KubernetesObject], areAll: Bool) {
        let page = try await at(selection.type) { try await self.page($0, selection, limit: limit, token: nil) }
        return (page.objects, page.token == nil)
    }

    private func page(
        _ resource: APIResource, _ selection: ObjectSelection, limit: Int, token: String?
    ) async throws -> (objects: [KubernetesObject], version: String, token: String?) {
        var request = KubernetesRequest(
            .GET, resource.collectionPath(namespace: selection.namespace), query: selection.query,
            timeout: options.requestTimeout)
        request.query.append(("limit", String(limit)))
        if let token { request.query.append(("continue", token)) }
        let answer = try await exchange.json(request)
        guard let items = answer["items"]?.arrayValue ?? (answer["items"]?.isNull == true ? [] : nil),
            let version = answer["metadata"]?["resourceVersion"]?.stringValue
        else {
            throw KubernetesError(code: .invalidAnswer, message: "\(request.summary): the answer is no list")
        }
        var objects: [KubernetesObject] = []
        for item in items {
            // Items of a list do not name their own type.
            var members = item.objectValue ?? [:]
            members["apiVersion"] = .string(selection.type.apiVersion)
            members["kind"] = .string(selection.type.kind)
            objects.append(try KubernetesObject(json: .object(members)))
        }
        return (objects, version, answer["metadata"]?["continue"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 })
    }
}
