internal import KubernetesObjects

/// Fields that an application names and that objects of the kind cannot have: what is misspelt is awaited for ever, or left to nobody.
///
/// Told and not refused, since a server of another version may have more of them; of custom kinds only what is nearly a field that all
/// objects have. What no object of any kind has is refused where it is written (``isForeignRoot(_:)``).
enum FieldDoubts {
    /// What stands for the object itself elsewhere, and is no field of it.
    private static let foreignRoots: Set<String> = ["object", "obj", "self", "this", "resource", "root"]
    private static let common = ["apiVersion", "kind", "metadata", "spec", "status"]

    /// Whether a path begins with a word for the object itself, as other tools' expressions do.
    static func isForeignRoot(_ path: FieldPath) -> Bool {
        guard path.components.count > 1, case .key(let root)? = path.components.first else { return false }
        return foreignRoots.contains(root)
    }

    /// What is doubtful in an application's checks and in the fields that it leaves to others, each with its place in the document.
    static func of(_ application: Application) -> [(place: String, message: String)] {
        var doubts: [(place: String, message: String)] = []
        for (index, check) in application.checks.enumerated() {
            for (name, text) in [("healthy", check.healthy), ("failed", check.failed)] {
                guard let text, let expression = try? FieldExpression(parsing: text) else { continue }
                for use in expression.fields {
                    guard let why = doubt(about: use.path, check.apiVersion, check.kind) else { continue }
                    doubts.append(("spec.checks[\(index)].\(name)", "\(use.text.prefix(80)): \(why)"))
                }
            }
        }
        for (index, fields) in application.ignoreFields.enumerated() {
            for (position, text) in fields.paths.enumerated() {
                guard let path = try? FieldPath(parsing: text),
                    let why = doubt(about: path, fields.apiVersion, fields.kind)
                else { continue }
                doubts.append(("spec.ignoreFields[\(index)].paths[\(position)]", "\(text.prefix(80)): \(why)"))
            }
        }
        return doubts
    }

    private static func doubt(about path: FieldPath, _ apiVersion: String, _ kind: String) -> String? {
        if let unknown = FieldTypes.unknownField(on: path, apiVersion: apiVersion, kind: kind) {
            let place = unknown.parent.components.isEmpty ? "a \(kind)" : "\(unknown.parent) of a \(kind)"
            return "\(place) has no field '\(unknown.field.prefix(80))'"
                + Spelling.advice(for: unknown.field, among: unknown.known)
        }
        guard !FieldTypes.isKnown(apiVersion: apiVersion, kind: kind), case .key(let root)? = path.components.first,
            !common.contains(root), let nearest = Spelling.nearest(to: root, among: common)
        else { return nil }
        return "few objects have a field '\(root.prefix(80))'; did you mean '\(nearest)'?"
    }
}
