internal import KubernetesObjects

/// JSON, YAML, patches and paths: what every other reader stands on.
enum ObjectTargets {
    static let all = [json, yaml, manifest, jsonPatch, mergePatch, fieldPath]

    private static let limits = ReadingLimits(maximumBytes: 1 << 20, maximumDepth: 100, maximumNodes: 20_000)

    /// Reading, writing and reading again changes nothing, compact or indented, and equal values have equal bytes.
    static let json = FuzzTarget(
        name: "json", words: ["{\"a\":", "[", "null", "true", "1e5", "\"\\u", "\\ud83d\\ude00", ",", "}"]
    ) { input in
        for duplicates in [JSONValue.DuplicateKeys.refuse, .keepLast] {
            let read = try accepted(orRefusedBy: KubernetesObjectError.self) {
                try JSONValue(parsing: input, duplicateKeys: duplicates, limits: limits)
            }
            guard let value = read else { continue }
            try require(depth(of: value) <= limits.maximumDepth + 1, "deeper than the limit")
            let written = value.serializedBytes()
            let again = try JSONValue(parsing: written)
            try require(again == value, "reads back as \(again)")
            try require(again.serializedBytes() == written, "is written otherwise the second time")
            try require(try JSONValue(parsing: value.serialized(pretty: true)) == value, "indented it reads otherwise")
        }
    }

    /// What is accepted is bounded after aliases are expanded, and what is written as YAML reads back as the same value.
    static let yaml = FuzzTarget(
        name: "yaml",
        words: [
            "&a ", "*a", "<<: *a", "!!str ", "!!int ", "? ", "- ", ": ", "|", ">-", "\"", "'", "~", "yes", "0o17",
            "0x1F",
            "1_000", "{", "}", "[", "]", "# ", "---", "...", "%YAML 1.1", "<<",
        ]
    ) { input in
        let read = try accepted(orRefusedBy: KubernetesObjectError.self) {
            try YAMLReader.documents(in: input, file: "f.yaml", limits: limits)
        }
        for document in read ?? [] {
            let value = document.root.json
            let size = value.serializedBytes().count
            try require(size <= limits.maximumBytes * 16, "\(input.count) bytes expand to \(size)")
            let written = value.yaml()
            let again = try YAMLReader.document(in: written, limits: ReadingLimits()).root.json
            try require(again == normalized(value), "\(value) reads back as \(again) from:\n\(written)")
        }
    }

    /// Objects that were accepted are accepted again from what is written of them, and are the same.
    static let manifest = FuzzTarget(
        name: "manifest", words: ["kind: List\nitems:\n", "apiVersion: v1\n", "metadata:", "name: ", "\n---\n", "- "]
    ) { input in
        guard let text = text(input) else { return }
        let read = try accepted(orRefusedBy: KubernetesObjectError.self) {
            try Manifest.objects(in: text, file: "f.yaml", limits: limits)
        }
        guard let objects = read else { return }
        let written = objects.map { $0.json.yaml() }.joined(separator: "---\n")
        let again = try Manifest.objects(in: written, limits: ReadingLimits())
        try require(again.map { normalized($0.json) } == objects.map { normalized($0.json) }, "objects change")
    }

    /// A patch reads back as itself; what it makes stays within bounds, so that it can be written.
    static let jsonPatch = FuzzTarget(
        name: "json-patch",
        words: [
            "{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a\"},", "{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"},",
            "{\"op\":\"add\",\"path\":\"/a\",\"value\":{}},", "{\"op\":\"remove\",\"path\":\"/a\"},", "/-", "/0", "~0",
            "~1",
        ]
    ) { input in
        guard let pair = (try? JSONValue(parsing: input, limits: limits)), let value = pair["value"] else { return }
        let read = try accepted(orRefusedBy: KubernetesObjectError.self) {
            try JSONPatch(json: pair["patch"] ?? .null)
        }
        guard let patch = read else { return }
        try require(try JSONPatch(json: patch.json) == patch, "the patch reads back as another one")
        let made = try accepted(orRefusedBy: KubernetesObjectError.self) { try patch.apply(to: value) }
        guard let made else { return }
        let written = made.serializedBytes()
        try require(try JSONValue(parsing: written) == made, "what it makes cannot be read")
    }

    /// `a` patched by the difference from `a` to `b` is `b`, and twice is as good as once.
    static let mergePatch = FuzzTarget(name: "merge-patch", words: ["null", "{\"a\":", "{}", "[]", "\"a\":null,"]) {
        input in
        guard let pair = try? JSONValue(parsing: input, limits: limits), let before = pair[0], let after = pair[1]
        else {
            return
        }
        let once = before.applying(mergePatch: after)
        try require(once.applying(mergePatch: after) == once, "twice is not once")
        guard !holdsNull(after) else { return }
        let difference = before.mergePatch(to: after)
        let made = difference.map { before.applying(mergePatch: $0) } ?? before
        try require(made == after, "patched by the difference it is \(made)")
    }

    /// A path reads back from its description, and leads to where a value was set.
    static let fieldPath = FuzzTarget(name: "field-path", words: [".", "[0]", "[\"a.b\"]", "['x']", "/", "~1", "spec"])
    {
        input in
        guard let text = text(input) else { return }
        let read = try accepted(orRefusedBy: KubernetesObjectError.self) { try FieldPath(parsing: text) }
        guard let path = read else { return }
        let isWritable = path.components.allSatisfy { component in
            if case .key(let key) = component { return !(key.utf8.contains(0x22) && key.utf8.contains(0x27)) }
            return true
        }
        if isWritable {
            let again = try FieldPath(parsing: path.description)
            try require(again == path, "\(path.components) reads back as \(again.components)")
        }
        var value = JSONValue.null
        guard (try? value.set("x", at: path)) != nil else { return }
        try require(value.value(at: path) == "x", "what was set at \(path) is not there")
        try require(value.remove(at: path) == (path.components.isEmpty ? nil : "x"), "nothing to remove at \(path)")
    }

    static func depth(of value: JSONValue) -> Int {
        switch value {
        case .array(let elements): 1 + (elements.map { depth(of: $0) }.max() ?? 0)
        case .object(let members): 1 + (members.values.map { depth(of: $0) }.max() ?? 0)
        default: 0
        }
    }

    private static func holdsNull(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .array: false
        case .object(let members): members.values.contains { holdsNull($0) }
        default: false
        }
    }

    /// YAML has one spelling for whole numbers, as Go has.
    static func normalized(_ value: JSONValue) -> JSONValue {
        switch value {
        case .number(let number): Int64(exactly: number).map(JSONValue.integer) ?? value
        case .array(let elements): .array(elements.map { normalized($0) })
        case .object(let members): .object(members.mapValues { normalized($0) })
        default: value
        }
    }
}
