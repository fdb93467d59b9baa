internal import KubernetesObjects

/// What is known of a reference's type before it is replaced: `${name}` is always text, and `${name:integer}` never is.
enum ReferenceTypes {
    /// What to say of a text with references that is of another type than its field; nil where what they stand for decides.
    static func advice(for text: String, _ finding: FieldTypes.Finding) -> String? {
        guard let parts = try? ParameterText(text).parts else { return nil }
        if parts.count == 1, case .parameter(let name, let type) = parts[0], type != .text {
            // What is not replaced yet is a text still.
            guard finding.lacksQuotes else { return nil }
            return "; write \"${\(name)}\", which is text"
        }
        guard !finding.takesText, finding.found == "a string" else { return nil }
        guard parts.count == 1, case .parameter(let name, _) = parts[0], let type = type(of: finding) else { return "" }
        return "; write \"${\(name):\(type)}\""
    }

    /// A reference to text, spelled as one to an integer; nil for any other text.
    static func asInteger(_ text: String) -> String? {
        guard let parts = try? ParameterText(text).parts, parts.count == 1,
            case .parameter(let name, .text) = parts[0]
        else { return nil }
        return "${\(name):integer}"
    }

    /// The suffix whose values a field takes.
    private static func type(of finding: FieldTypes.Finding) -> String? {
        switch finding.expected {
        case "an integer": "integer"
        case "a number": "number"
        case "true or false": "boolean"
        default: nil
        }
    }
}
