/// What others changed of an application's objects on one cluster, as one look found it.
public struct DriftReport: Sendable, Hashable, Codable {
    /// When it was found, by the agent's clock. Tells one finding from a repetition of it.
    public var foundAt: Timestamp
    /// Whether the objects were put back; else they are only reported, and stay so until a later report says otherwise.
    public var isCorrected: Bool
    /// From what the release says to what was found, within ``ChangeLimits/drift``. An object that is gone is a `delete`.
    public var objects: [ObjectChange]
    /// How many more objects had changed.
    public var omitted: Int
    /// Set while somebody keeps writing against the agent: who, and how often. Also where something is in the way of looking, or of
    /// putting it back: what that is.
    public var contention: String?

    public init(
        foundAt: Timestamp, isCorrected: Bool, objects: [ObjectChange], omitted: Int = 0, contention: String? = nil
    ) {
        self.foundAt = foundAt
        self.isCorrected = isCorrected
        self.objects = objects
        self.omitted = omitted
        self.contention = contention
    }

    /// How many objects had changed.
    public var count: Int { objects.count + omitted }

    /// On one line, for a log: the first object and field, and how many more.
    public var summary: String {
        guard let first = objects.first else {
            return count == 0 ? "everything is as released again" : "\(count) objects"
        }
        var text = first.title
        if first.action == .delete {
            text += isCorrected ? ": was deleted, put back" : ": is deleted"
        } else if first.action == .fail {
            text += ": \(first.message ?? "cannot be looked at")"
        } else if let field = first.fields.first {
            func word(_ value: String?) -> String { value.map { ChangeLimits.cut($0, to: 60) } ?? "(absent)" }
            let who = field.managers.isEmpty ? "" : " (by \(field.managers.joined(separator: ", ")))"
            text += " \(field.path): found \(word(field.afterJSON))\(who), "
            text += isCorrected ? "put back to \(word(field.beforeJSON))" : "released as \(word(field.beforeJSON))"
            let others = first.fields.count - 1 + first.omittedFields
            if others > 0 { text += " and \(others) more field\(others == 1 ? "" : "s")" }
        }
        if count > 1 { text += "; \(count - 1) more object\(count == 2 ? "" : "s")" }
        if let contention { text += "; \(contention)" }
        return ChangeLimits.cut(text, to: 480)
    }
}
