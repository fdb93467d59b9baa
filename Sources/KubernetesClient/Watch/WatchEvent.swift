public import KubernetesObjects

/// What a watch tells.
public enum WatchEvent: Sendable, Hashable {
    /// An object is there that was not.
    case added(KubernetesObject)
    /// An object has changed.
    case modified(KubernetesObject)
    /// An object is gone, or no longer fits the selection; as it last was.
    case deleted(KubernetesObject)
    /// Nothing happened up to this moment.
    case bookmark(resourceVersion: String)

    /// The moment that the event brings the watcher to.
    public var resourceVersion: String? {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object.resourceVersion
        case .bookmark(let version): version
        }
    }

    /// The event with what is kept of its object; a bookmark of its moment where that is nothing.
    func keeping(_ keep: (KubernetesObject) -> KubernetesObject?) -> WatchEvent {
        switch self {
        case .added(let object): keep(object).map { .added($0) } ?? .bookmark(resourceVersion: resourceVersion ?? "")
        case .modified(let object):
            keep(object).map { .modified($0) } ?? .bookmark(resourceVersion: resourceVersion ?? "")
        case .deleted(let object):
            keep(object).map { .deleted($0) } ?? .bookmark(resourceVersion: resourceVersion ?? "")
        case .bookmark: self
        }
    }

    /// Reads one line of a watch.
    ///
    /// - Throws: ``KubernetesError``: with the code `expired` when the server asks to list again, with what it says for
    ///   other `ERROR` events.
    init(line: [UInt8], selection: ObjectSelection) throws {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: line, duplicateKeys: .keepLast)
        } catch {
            throw KubernetesError(
                code: .invalidAnswer, message: "watch of \(selection): a line is no JSON: \(error)", cause: error)
        }
        guard let kind = json["type"]?.stringValue, let object = json["object"] else {
            throw KubernetesError(code: .invalidAnswer, message: "watch of \(selection): a line is no event")
        }
        func read() throws -> KubernetesObject {
            do {
                return try KubernetesObject(json: object)
            } catch {
                throw KubernetesError(code: .invalidAnswer, message: "watch of \(selection): \(error)", cause: error)
            }
        }
        switch kind {
        case "ADDED": self = .added(try read())
        case "MODIFIED": self = .modified(try read())
        case "DELETED": self = .deleted(try read())
        case "BOOKMARK":
            self = .bookmark(resourceVersion: object["metadata"]?["resourceVersion"]?.stringValue ?? "")
        case "ERROR":
            let status = object["code"]?.intValue.flatMap { Int(exactly: $0) } ?? 500
            var error = KubernetesError(
                statusBody: object, httpStatus: status, what: "watch of \(selection)", retryAfter: nil)
            if error.reason == "Expired" || error.reason == "Gone" { error.code = .expired }
            throw error
        default:
            throw KubernetesError(
                code: .invalidAnswer, message: "watch of \(selection): \"\(kind)\" is no type of event")
        }
    }
}
