internal import KubernetesObjects

/// An answer that says no, as the API server words it: `kind: Status`.
struct APIStatus: Error, Sendable {
    /// One cause of a refusal.
    struct Cause: Sendable {
        var reason: String
        var message: String
        var field: String
    }

    var code: Int
    var reason: String
    var message: String
    /// `details`; nil leaves the member out, an empty object is written as such.
    var details: JSONValue?
    /// How long to wait before trying again, in seconds; becomes the header `Retry-After`.
    var retryAfter: Int?
    /// `metadata`, empty but for lists that may go on.
    var metadata: JSONValue = .object([:])

    init(
        code: Int, reason: String, message: String, details: JSONValue? = nil, retryAfter: Int? = nil,
        metadata: JSONValue = .object([:])
    ) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retryAfter = retryAfter
        self.metadata = metadata
    }

    var body: JSONValue {
        var members: [String: JSONValue] = [
            "kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
            "message": .string(message), "code": .integer(Int64(code)),
        ]
        if !reason.isEmpty { members["reason"] = .string(reason) }
        if let details { members["details"] = details }
        return .object(members)
    }

    static func details(name: String?, group: String, kind: String, causes: [Cause] = []) -> JSONValue {
        var members: [String: JSONValue] = ["kind": .string(kind)]
        if let name, !name.isEmpty { members["name"] = .string(name) }
        if !group.isEmpty { members["group"] = .string(group) }
        if !causes.isEmpty {
            members["causes"] = .array(
                causes.map {
                    ["reason": .string($0.reason), "message": .string($0.message), "field": .string($0.field)]
                })
        }
        return .object(members)
    }

    static func notFound(_ resource: ResourceType, _ name: String) -> APIStatus {
        APIStatus(
            code: 404, reason: "NotFound", message: "\(resource.qualifiedPlural) \"\(name)\" not found",
            details: details(name: name, group: resource.group, kind: resource.plural))
    }

    /// The path belongs to a served group and version, but to no resource of it.
    static let noSuchResource = APIStatus(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource",
        details: .object([:]))

    static let methodNotAllowed = APIStatus(
        code: 405, reason: "MethodNotAllowed",
        message: "the server does not allow this method on the requested resource", details: .object([:]))

    static func alreadyExists(_ resource: ResourceType, _ name: String) -> APIStatus {
        APIStatus(
            code: 409, reason: "AlreadyExists", message: "\(resource.qualifiedPlural) \"\(name)\" already exists",
            details: details(name: name, group: resource.group, kind: resource.plural))
    }

    static func conflict(_ resource: ResourceType, _ name: String, _ why: String) -> APIStatus {
        APIStatus(
            code: 409, reason: "Conflict",
            message: "Operation cannot be fulfilled on \(resource.qualifiedPlural) \"\(name)\": \(why)",
            details: details(name: name, group: resource.group, kind: resource.plural))
    }

    static let modified =
        "the object has been modified; please apply your changes to the latest version and try again"

    static func badRequest(_ message: String) -> APIStatus {
        APIStatus(code: 400, reason: "BadRequest", message: message)
    }

    /// What a server that merges cannot make an object of: it answers such like a failure of its own.
    static func unmergeable(_ message: String) -> APIStatus { APIStatus(code: 500, reason: "", message: message) }

    static func invalid(_ resource: ResourceType, _ name: String, _ causes: [Cause]) -> APIStatus {
        let texts = causes.map { "\($0.field): \($0.message)" }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        return APIStatus(
            code: 422, reason: "Invalid", message: "\(resource.qualifiedKind) \"\(name)\" is invalid: \(list)",
            details: details(name: name, group: resource.group, kind: resource.kind, causes: causes))
    }

    static func applyConflict(_ conflicts: [ServerSideApply.Conflict]) -> APIStatus {
        let sorted = conflicts.sorted { ($0.manager, $0.field) < ($1.manager, $1.field) }
        var text = "Apply failed with \(sorted.count) conflict\(sorted.count == 1 ? "" : "s"): "
        if sorted.count == 1 {
            text += "conflict with \(sorted[0].manager): \(sorted[0].field)"
        } else {
            var groups: [(manager: String, fields: [String])] = []
            for conflict in sorted {
                if groups.last?.manager == conflict.manager {
                    groups[groups.count - 1].fields.append(conflict.field)
                } else {
                    groups.append((conflict.manager, [conflict.field]))
                }
            }
            text +=
                groups.map { group in
                    "conflicts with \(group.manager):\n" + group.fields.map { "- \($0)" }.joined(separator: "\n")
                }.joined(separator: "\n")
        }
        let causes = sorted.map {
            Cause(reason: "FieldManagerConflict", message: "conflict with \($0.manager)", field: $0.field)
        }
        return APIStatus(
            code: 409, reason: "Conflict", message: text,
            details: [
                "causes": .array(
                    causes.map {
                        ["reason": .string($0.reason), "message": .string($0.message), "field": .string($0.field)]
                    })
            ])
    }

    /// A page of a list whose moment the log no longer reaches; the token in it goes on from where things are now.
    static func expiredContinue(_ token: ContinueToken) -> APIStatus {
        APIStatus(
            code: 410, reason: "Expired",
            message:
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
            metadata: ["continue": .string(ContinueToken(key: token.key, revision: nil).text)])
    }

    /// A list of a moment that the log no longer reaches.
    static let expiredList = APIStatus(
        code: 410, reason: "Expired", message: "The resourceVersion for the provided list is too old.")

    /// A revision that is no number: storage refuses it, and nothing makes a client's error of that.
    static func unreadableRevision(_ text: String) -> APIStatus {
        APIStatus(
            code: 500, reason: "",
            message:
                "resourceVersion: Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax")
    }

    /// A list from a revision that is still to come.
    static func tooLargeRevision(_ wanted: UInt64, current: UInt64) -> APIStatus {
        APIStatus(
            code: 504, reason: "Timeout",
            message: "Timeout: Too large resource version: \(wanted), current: \(current)",
            details: [
                "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]],
                "retryAfterSeconds": 1,
            ], retryAfter: 1)
    }

    static let gone = APIStatus(
        code: 410, reason: "Expired", message: "The resourceVersion for the provided watch is too old.")
}
