internal import KubernetesObjects

/// How much of a list of changes is told. Pure: what is cut is the same everywhere, so that equal changes stay equal.
public struct ChangeLimits: Sendable, Hashable {
    /// Objects at most.
    public var objects: Int
    /// Fields of one object at most.
    public var fields: Int
    /// Bytes of one value at most.
    public var valueBytes: Int
    /// Bytes in all at most, roughly as they take on the wire.
    public var totalBytes: Int

    public init(objects: Int, fields: Int, valueBytes: Int, totalBytes: Int) {
        self.objects = objects
        self.fields = fields
        self.valueBytes = valueBytes
        self.totalBytes = totalBytes
    }

    /// What one cluster's agent answers to a preview.
    public static let preview = ChangeLimits(
        objects: 500, fields: 100, valueBytes: 16 * 1024, totalBytes: 256 * 1024)
    /// What a report tells of one application's drift.
    public static let drift = ChangeLimits(objects: 16, fields: 8, valueBytes: 256, totalBytes: 8 * 1024)

    /// Characters of a message at most.
    public static let messageLength = 1_024
    /// Managers named of one field at most.
    public static let managers = 8
    /// Characters of a path at most.
    static let pathLength = 512
    /// Lines around a change that are kept of a text that is too long.
    private static let context = 3

    /// As much of `changes` as the limits allow, and how many objects were left out.
    ///
    /// One that is too large is left out, and smaller ones after it are told.
    public func bounded(_ changes: [ObjectChange]) -> (kept: [ObjectChange], omitted: Int) {
        var kept: [ObjectChange] = []
        var room = totalBytes
        for change in changes {
            guard kept.count < objects else { break }
            let cut = bounded(change)
            guard cut.size <= room else { continue }
            room -= cut.size
            kept.append(cut)
        }
        return (kept, changes.count - kept.count)
    }

    private func bounded(_ change: ObjectChange) -> ObjectChange {
        var cut = change
        cut.message = change.message.map { Self.cut($0, to: Self.messageLength) }
        cut.fields = change.fields.prefix(fields).map { field in
            let (before, after) = shortened(field.before, field.after)
            return ChangedField(
                path: Self.cut(field.path, to: Self.pathLength), before: before, after: after,
                managers: field.managers.prefix(Self.managers).map { Self.cut($0, to: 128) })
        }
        cut.omittedFields += change.fields.count - cut.fields.count
        return cut
    }

    /// The two values of a field. Of long texts the lines are kept that differ, with some around them.
    func shortened(_ before: JSONValue?, _ after: JSONValue?) -> (JSONValue?, JSONValue?) {
        if case .string(let old)? = before, case .string(let new)? = after,
            max(old.utf8.count, new.utf8.count) > valueBytes
        {
            let (former, latter) = Self.differing(old, new)
            return (.string(cut(former)), .string(cut(latter)))
        }
        return (before.map(cut), after.map(cut))
    }

    private func cut(_ value: JSONValue) -> JSONValue {
        if case .string(let text) = value { return .string(cut(text)) }
        let text = value.serialized()
        return text.utf8.count <= valueBytes ? value : .string(cut(text))
    }

    /// The beginning of a text, and how much is left out.
    private func cut(_ text: String) -> String {
        guard text.utf8.count > valueBytes else { return text }
        var kept = text[...]
        if let end = text.utf8.index(text.startIndex, offsetBy: valueBytes, limitedBy: text.endIndex) {
            // Not in the middle of a character.
            var whole = end
            while whole.samePosition(in: text) == nil, whole > text.startIndex {
                whole = text.utf8.index(before: whole)
            }
            kept = text[..<whole]
        }
        return "\(kept)… (\(text.utf8.count - kept.utf8.count) bytes more)"
    }

    /// Two texts without the lines at the beginning and end that both have.
    private static func differing(_ old: String, _ new: String) -> (String, String) {
        // By bytes: a carriage return before a line end is part of the line.
        func lines(_ text: String) -> [Substring] {
            text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
        }
        let (former, latter) = (lines(old), lines(new))
        let shorter = min(former.count, latter.count)
        var head = 0
        while head < shorter, former[head] == latter[head] { head += 1 }
        var tail = 0
        while tail < shorter - head, former[former.count - 1 - tail] == latter[latter.count - 1 - tail] { tail += 1 }
        let skipped = (head: max(0, head - context), tail: max(0, tail - context))
        func part(_ lines: [Substring]) -> String {
            var kept = lines.dropFirst(skipped.head).dropLast(skipped.tail).joined(separator: "\n")
            if skipped.head > 0 { kept = "… (\(skipped.head) lines alike)\n" + kept }
            if skipped.tail > 0 { kept += "\n… (\(skipped.tail) lines alike)" }
            return kept
        }
        return (part(former), part(latter))
    }

    static func cut(_ text: String, to limit: Int) -> String {
        guard text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit - 1))) + "…"
    }
}

extension ObjectChange {
    /// Roughly the bytes that it takes on the wire.
    public var size: Int {
        fields.reduce(64 + apiVersion.utf8.count + title.utf8.count + (message?.utf8.count ?? 0)) { sum, field in
            sum + 16 + field.path.utf8.count + (field.before?.serialized().utf8.count ?? 0)
                + (field.after?.serialized().utf8.count ?? 0)
                + field.managers.reduce(0) { $0 + $1.utf8.count + 2 }
        }
    }
}
