internal import KubernetesObjects

/// Replaces references to parameters throughout a value.
struct Substitution {
    /// The bytes that all texts with references may come to in one release: a short text that names a long parameter many
    /// times is far larger once replaced.
    static let maximumText = 64 << 20

    /// The text of a parameter, or nil where there is none of that name.
    let value: (String) -> String?
    /// The names known, for advice.
    let known: [String]
    /// Whether labels only stand in for those of clusters, so that any type is as good as another.
    var hasSampleLabels = false

    /// The value with everything replaced, keys of objects included; throws with the path of the field, but without object or file.
    ///
    /// - Parameter room: How many bytes replaced texts may still have; what they come to is taken off.
    func apply(to value: JSONValue, room: inout Int, at path: FieldPath = .root) throws(ModelError) -> JSONValue {
        switch value {
        case .string(let text):
            return text.contains("${") ? try replace(text, room: &room, at: path) : value
        case .array(let elements):
            var result: [JSONValue] = []
            result.reserveCapacity(elements.count)
            for (index, element) in elements.enumerated() {
                result.append(try apply(to: element, room: &room, at: path.appending(index)))
            }
            return .array(result)
        case .object(let members):
            var result: [String: JSONValue] = [:]
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                var newKey = key
                if key.contains("${") {
                    guard case .string(let text) = try replace(key, room: &room, at: path.appending(key)) else {
                        throw ModelError(
                            code: .invalidValue, message: "a key must be a text", path: "\(path.appending(key))")
                    }
                    newKey = text
                }
                let newMember = try apply(to: member, room: &room, at: path.appending(newKey))
                if result.updateValue(newMember, forKey: newKey) != nil {
                    throw ModelError(
                        code: .duplicate, message: "the key '\(newKey)' comes out twice", path: "\(path)")
                }
            }
            return .object(result)
        default:
            return value
        }
    }

    private func replace(_ text: String, room: inout Int, at path: FieldPath) throws(ModelError) -> JSONValue {
        do throws(ModelError) {
            var result = ""
            for part in try ParameterText(text).parts {
                switch part {
                case .literal(let literal):
                    room -= literal.utf8.count
                    result += literal
                case .parameter(let name, let type):
                    guard let value = value(name) else {
                        throw ModelError(
                            code: .unknownReference,
                            message: "there is no parameter '\(name)'\(Spelling.advice(for: name, among: known)) "
                                + "(\(PlainReferences.ways(of: name)))")
                    }
                    guard type == .text else { return try typed(value, type, name) }
                    room -= value.utf8.count
                    result += value
                }
                guard room >= 0 else {
                    throw ModelError(
                        code: .tooLarge,
                        message: "with parameters replaced, the texts of the release come to more than "
                            + "\(Self.maximumText) bytes")
                }
            }
            return .string(result)
        } catch {
            var placed = error
            placed.path = "\(path)"
            throw placed
        }
    }

    private func typed(_ text: String, _ type: ParameterText.ValueType, _ name: String) throws(ModelError) -> JSONValue
    {
        switch type {
        case .text: return .string(text)
        case .integer: if let value = Int64(text) { return .integer(value) }
        case .number:
            if let value = Int64(text) { return .integer(value) }
            if let value = Double(text), value.isFinite { return .number(value) }
        case .boolean:
            if text == "true" || text == "false" { return .bool(text == "true") }
        }
        if hasSampleLabels, name.hasPrefix(ParameterNames.labelPrefix) { return .integer(1) }
        throw ModelError(
            code: .wrongType, message: "parameter '\(name)' is '\(text.prefix(40))', which is no \(type.rawValue)")
    }
}
