internal import ArgumentParser
private import FoundationEssentials
internal import SwellModel

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what the fields of documents, and the annotations of objects, mean; asks no server.",
        discussion: """
            A field is named by its path, as `policy.stages.soak` or `application.spec.strategy`; `spec` may be left out. For annotations,
            `annotations` or the name of one.
            """)

    @Argument(
        help: "cluster, application or policy, with a path behind it; annotations, or one such as swell.dev/hook.")
    var what: String
    @Flag(help: "Print every field below it, too, by name and type.")
    var recursive = false

    func run() async throws {
        let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
        for line in try Explanation.lines(of: what, isRecursive: recursive, columns: terminal.width) {
            terminal.line(line)
        }
    }
}

/// What is said of a field or an annotation.
enum Explanation {
    private static let prefix = "swell.dev/"

    static func lines(of what: String, isRecursive: Bool, columns: Int) throws(CommandError) -> [String] {
        let page = Page(columns: min(max(columns, 40), 120))
        if what == "annotations" || what == "annotation" {
            return AnnotationDescription.all.flatMap { page.lines(of: $0) + [""] }.dropLast()
        }
        if what.contains("/") {
            guard let annotation = AnnotationDescription.all.first(where: { $0.name == what }) else {
                let advice = Spelling.advice(for: what, among: AnnotationDescription.all.map(\.name))
                throw CommandError(code: .notFound, message: "no annotation '\(what)' is read\(advice)")
            }
            return page.lines(of: annotation)
        }
        var words = what.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let first = words.removeFirst()
        guard let kind = try Self.kind(first) else {
            let known = ["annotations", "application", "cluster", "policy"]
            throw CommandError(
                code: .notFound,
                message: "there is no document or field '\(what)'\(Spelling.advice(for: first, among: known))")
        }
        return try field(of: kind, words, path: first, page, isRecursive)
    }

    private static func kind(_ word: String) throws(CommandError) -> DocumentKind? {
        switch Resource(argument: word) {
        case .clusters: .cluster
        case .applications: .application
        case .policies: .rolloutPolicy
        case .releases, .rollouts, .regions:
            throw CommandError(
                code: .notFound,
                message: "'\(word)' is no document that is applied; known are application, cluster and policy")
        case nil: nil
        }
    }

    private static func field(
        of kind: DocumentKind, _ words: [String], path: String, _ page: Page, _ isRecursive: Bool
    ) throws(CommandError) -> [String] {
        var lines = ["KIND:     \(kind.rawValue)", "VERSION:  \(DocumentKind.apiVersion)", ""]
        var shape: DocumentShape? = kind.shape
        var words = words[...]
        if let word = words.first, shape?[word] == nil { words = ["spec"] + words }
        var path = path
        var field: FieldDescription?
        for word in words {
            guard let found = shape?[word] else {
                let known = shape?.fields.map(\.name) ?? []
                throw CommandError(
                    code: .notFound,
                    message: shape == nil
                        ? "'\(path)' has no fields: it is \(field?.type ?? "a value")"
                        : "'\(path)' has no field '\(word)'\(Spelling.advice(for: word, among: known))")
            }
            path += ".\(word)"
            field = found
            shape = found.shape
        }
        if let field {
            lines += ["FIELD:    \(field.name) <\(field.type)>\(field.isRequired ? "  -required-" : "")", ""]
        }
        lines += ["DESCRIPTION:"] + page.wrapped(field?.text ?? kind.text, indent: 4)
        lines += field.map { page.facts(on: $0, indent: 4) } ?? []
        guard let shape else { return lines }
        lines += ["", "FIELDS:"]
        for field in shape.fields { lines += page.lines(of: field, indent: 2, isRecursive: isRecursive) }
        return lines
    }
}

/// Lays out what is said.
private struct Page {
    let columns: Int

    func lines(of annotation: AnnotationDescription) -> [String] {
        ["ANNOTATION: \(annotation.name)", "  Values:  \(annotation.values)", "  Absent:  \(annotation.standard)"]
            + wrapped(annotation.text, indent: 2)
    }

    func lines(of field: FieldDescription, indent: Int, isRecursive: Bool) -> [String] {
        let head =
            String(repeating: " ", count: indent) + "\(field.name) <\(field.type)>"
            + (field.isRequired ? " -required-" : "")
        guard !isRecursive else {
            return [head]
                + (field.shape?.fields ?? []).flatMap { lines(of: $0, indent: indent + 2, isRecursive: true) }
        }
        return [head] + wrapped(field.text, indent: indent + 2) + facts(on: field, indent: indent + 2)
    }

    /// What may be written, and what holds where nothing is.
    func facts(on field: FieldDescription, indent: Int) -> [String] {
        var facts: [String] = []
        if !field.values.isEmpty { facts.append("Values: \(field.values.joined(separator: ", "))") }
        if let standard = field.standard { facts.append("Default: \(standard)") }
        return facts.flatMap { wrapped($0, indent: indent) }
    }

    func wrapped(_ text: String, indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > columns {
                lines.append(margin + line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [margin + line]
    }
}
