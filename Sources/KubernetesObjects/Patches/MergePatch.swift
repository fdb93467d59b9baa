extension JSONValue {
    /// This value with a JSON merge patch (RFC 7386) applied: objects are merged, `null` removes, all else replaces.
    public func applying(mergePatch patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = objectValue ?? [:]
        for (key, change) in changes {
            if change.isNull {
                members.setExactly(key, nil)
            } else {
                members.setExactly(key, (members.exactly(key) ?? .null).applying(mergePatch: change))
            }
        }
        return .object(members)
    }

    /// The smallest merge patch that turns this value into another one; nil when they are equal.
    ///
    /// A merge patch cannot set a member to `null`: such members come out removed. A key in another spelling (NFC, NFD) comes out set:
    /// ``applying(mergePatch:)`` has it take the place of the other.
    public func mergePatch(to target: JSONValue) -> JSONValue? {
        if self == target { return nil }
        guard case .object(let old) = self, case .object(let new) = target else { return target }
        var patch: [String: JSONValue] = [:]
        for key in old.keys where new.index(forKey: key) == nil { patch[key] = .null }
        for (key, value) in new {
            if let before = old.exactly(key) {
                if let change = before.mergePatch(to: value) { patch[key] = change }
            } else {
                patch[key] = value
            }
        }
        return .object(patch)
    }
}
