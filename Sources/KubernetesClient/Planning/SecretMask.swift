public import KubernetesObjects

/// Hides values. Equal values are hidden alike within one mask, so that a change can be seen and nothing else.
///
/// The stand-ins are numbered in order of appearance: unlike a hash they give nothing to guess at.
public struct SecretMask: Sendable {
    private var numbers: [ExactText: Int] = [:]

    /// Creates a mask that has hidden nothing yet.
    public init() {}

    /// What stands in for a value.
    public mutating func standIn(for value: String) -> String {
        if let number = numbers[ExactText(value)] { return "<hidden \(number)>" }
        let number = numbers.count + 1
        numbers[ExactText(value)] = number
        return "<hidden \(number)>"
    }

    /// A text, such as a server's refusal, without the values of a Secret that it quotes; of other objects as it is.
    public static func hidingValues(of object: KubernetesObject, in text: String) -> String {
        guard object.type.groupKind == GroupKind(kind: "Secret") else { return text }
        var values: Set<ExactText> = []
        for field in ["stringData", "data"] {
            for value in object[field].map(scalars) ?? [] {
                values.insert(ExactText(value))
                if let plain = decoded(value) { values.insert(ExactText(plain)) }
            }
        }
        // A short value may be part of any word: it is hidden where it is quoted, in either way of API servers. The longest
        // first: one value may be part of another.
        return values.map(\.text).filter { !$0.isEmpty }.flatMap {
            $0.utf8.count < 4 ? ["\"\($0)\"", "Value:\($0)}"] : [$0]
        }
        .sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        .reduce(text) { hidden, value in
            hidden.split(separator: value, omittingEmptySubsequences: false).joined(separator: "<hidden>")
        }
    }

    /// An error whose words do not tell the values of a Secret; of other objects as it is.
    static func hidingValues(of object: KubernetesObject, in error: KubernetesError) -> KubernetesError {
        guard object.type.groupKind == GroupKind(kind: "Secret") else { return error }
        var hidden = error
        hidden.message = hidingValues(of: object, in: error.message)
        hidden.serverMessage = error.serverMessage.map { hidingValues(of: object, in: $0) }
        for index in hidden.causes.indices {
            hidden.causes[index].message = hidingValues(of: object, in: hidden.causes[index].message)
        }
        return hidden
    }

    /// All texts, numbers and truth values within a value, as they are written.
    private static func scalars(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .object(let members): members.values.flatMap(scalars)
        case .array(let elements): elements.flatMap(scalars)
        case .null: []
        default: [value.serialized()]
        }
    }

    /// Base64 read as text; nil where it is neither.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            let digit: UInt32
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte - UInt8(ascii: "A"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte - UInt8(ascii: "a")) + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte - UInt8(ascii: "0")) + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            default: return nil
            }
            bits = bits << 6 | digit
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
