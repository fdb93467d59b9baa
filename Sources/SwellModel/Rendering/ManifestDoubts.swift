internal import KubernetesObjects

/// What of a manifest a cluster will most likely refuse, or will not keep: told where a release is made, and not refused, since
/// clusters of other versions differ.
enum ManifestDoubts {
    /// One of them, with the line that it is about.
    struct Doubt {
        var line: Int
        var message: String
    }

    /// What is doubtful in an object that was written as `node`.
    ///
    /// - Parameter written: The object before references were replaced; nil where none is.
    static func of(
        _ examination: FieldTypes.Examination, in object: KubernetesObject, replacing written: JSONValue?,
        node: YAMLNode
    ) -> [Doubt] {
        var doubts: [Doubt] = []
        for finding in examination.findings where finding.takesText && finding.hasQuotes {
            let text = node.node(at: finding.path)?.text ?? ""
            let isReference = written?.value(at: finding.path)?.stringValue?.contains("${") == true
            if isReference, ReferenceTypes.asInteger(text) == nil { continue }
            let right =
                isReference ? "\"\(ReferenceTypes.asInteger(text) ?? "")\"" : "it without quotes: \(text.prefix(40))"
            doubts.append(
                Doubt(
                    line: node.nearest(to: finding.path).line,
                    message:
                        "\(node.written(finding.path)) is a text of digits, and a cluster takes such a text for neither a port nor a "
                        + "percentage; where the number is meant, write \(right)"))
        }
        if let message = KindDoubts.doubt(about: object.type) {
            doubts.append(Doubt(line: (node["kind"] ?? node).line, message: message))
        }
        for unknown in examination.unknown where !unknown.field.contains("${") {
            let place = unknown.parent.components.isEmpty ? "a \(object.kind)" : "\(node.written(unknown.parent))"
            doubts.append(
                Doubt(
                    line: node.nearest(to: unknown.parent.appending(unknown.field)).line,
                    message: "\(place) has no field '\(unknown.field.prefix(80))'"
                        + Spelling.advice(for: unknown.field, among: unknown.known)))
        }
        for reference in object.metadata["ownerReferences"]?.arrayValue ?? []
        where reference["controller"]?.boolValue == true {
            let owner = "\(reference["kind"]?.stringValue ?? "") \(reference["name"]?.stringValue ?? "")"
            doubts.append(
                Doubt(
                    line: node.nearest(to: ["metadata", "ownerReferences"]).line,
                    message:
                        "it was made by \(owner.prefix(80)), and is deleted where that is not there: leave the object out, "
                        + "or its metadata.ownerReferences"))
        }
        return doubts
    }
}
