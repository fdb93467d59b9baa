internal import KubernetesObjects

/// What a server would refuse of an object for the types of its values and for the keys of its lists, in words, each with its place.
enum TypeFindings {
    /// - Parameters:
    ///   - written: The object before references were replaced; nil where none is. What a reference stands for is known on each cluster
    ///     only, but whether it stands for text is known from how it is spelled.
    ///   - node: What the object was read from.
    static func of(
        _ examination: FieldTypes.Examination, in object: KubernetesObject, replacing written: JSONValue?,
        node: YAMLNode
    ) -> [(FieldPath, String)] {
        // What is left to others is not sent.
        let left = Set(ControllerField.all(of: object).flatMap { $0.paths(in: object) })
        let types = examination.findings.compactMap { finding -> (FieldPath, String)? in
            // What is right without its quotes is told by ``ManifestDoubts`` where other texts are right, too.
            guard !left.contains(finding.path), !(finding.takesText && finding.hasQuotes) else { return nil }
            var message = "\(node.written(finding.path)) must be \(finding.expected), not \(finding.found)"
            if case .string(let text)? = written?.value(at: finding.path), text.contains("${") {
                guard let advice = ReferenceTypes.advice(for: text, finding) else { return nil }
                message += advice
            } else if finding.lacksQuotes {
                message += quotes(around: finding.path, in: object, node)
            } else if finding.hasQuotes {
                message += "; write it without quotes: \((node.node(at: finding.path)?.text ?? "").prefix(40))"
            } else if let instead = finding.instead {
                message += "; write \(instead)"
            } else if let field = clearField(for: finding.path, in: object) {
                message += "; what is plain text goes into \(field)"
            }
            return (finding.path, message)
        }
        return types + examination.repetitions.compactMap { repetition in doubled(repetition, node) }
    }

    /// What is wrong with an object's names and labels, in words.
    static func message(of finding: ObjectValidation.Finding, in object: KubernetesObject, _ node: YAMLNode) -> String {
        guard finding.lacksQuotes else { return finding.message }
        let (path, written) = ("\(finding.path)", "\(node.written(finding.path))")
        let message =
            finding.message.hasPrefix(path) ? written + finding.message.dropFirst(path.count) : finding.message
        return message + quotes(around: finding.path, in: object, node)
    }

    /// Advice to quote a value.
    private static func quotes(around path: FieldPath, in object: KubernetesObject, _ node: YAMLNode) -> String {
        // What a Secret holds is told to nobody.
        let text = object.kind == "Secret" ? "" : node.node(at: path)?.text ?? ""
        return "; write it in quotes" + (text.isEmpty ? "" : ": \"\(text.prefix(40))\"")
    }

    /// Where text goes that is no base64.
    private static func clearField(for path: FieldPath, in object: KubernetesObject) -> String? {
        guard path.components.count == 2, object.apiVersion == "v1" else { return nil }
        switch (object.kind, path.components[0]) {
        case ("Secret", .key("data")): return "stringData"
        case ("ConfigMap", .key("binaryData")): return "data"
        default: return nil
        }
    }

    private static func doubled(_ repetition: FieldTypes.Repetition, _ node: YAMLNode) -> (FieldPath, String)? {
        let places = [repetition.former, repetition.index].map { repetition.list.appending($0) }
        // What references stand for differs from cluster to cluster.
        let keys = places.flatMap { place in
            repetition.fields.isEmpty ? [place] : repetition.fields.map { place.appending($0) }
        }
        guard !keys.contains(where: { node.node(at: $0)?.text?.contains("${") == true }) else { return nil }
        let message =
            "\(node.written(repetition.list)) has \(repetition.key) twice, first in line \(node.nearest(to: places[0]).line); a cluster "
            + "refuses that of whoever applies as Swell does, on the server's side: keep one of them"
        return (places[1], message)
    }
}
