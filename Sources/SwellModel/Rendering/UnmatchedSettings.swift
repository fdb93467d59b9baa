internal import KubernetesObjects

extension Application {
    /// What an application says of objects that a release does not have: fields left to others, and checks. A word of them that
    /// is misspelt would leave a field to nobody, or have no health looked at, without a sound.
    ///
    /// Custom resources that a controller makes from a release's objects are not in it, so that this warns and refuses nothing.
    func unmatchedSettings(among objects: [JSONValue]) -> [ModelError] {
        let known = objects.map { Subject($0) }
        var warnings: [ModelError] = []
        func look(_ subject: Subject, _ hasName: Bool, _ path: String, _ effect: String) {
            guard let advice = subject.advice(among: known, hasName: hasName) else { return }
            warnings.append(
                ModelError(
                    code: .unknownReference,
                    message: "the release has no \(subject.shown(hasName)), so that \(effect)\(advice)",
                    path: path))
        }
        for (index, fields) in ignoreFields.enumerated() {
            look(
                Subject(apiVersion: fields.apiVersion, kind: fields.kind, name: fields.name ?? ""), fields.name != nil,
                "spec.ignoreFields[\(index)]", "no field is left to anybody")
        }
        for (index, check) in checks.enumerated() {
            look(
                Subject(apiVersion: check.apiVersion, kind: check.kind, name: check.name ?? ""), check.name != nil,
                "spec.checks[\(index)]", "it checks nothing")
        }
        return warnings
            + FieldDoubts.of(self).map { ModelError(code: .unknownReference, message: $0.message, path: $0.place) }
    }
}

/// Which object a setting is about.
private struct Subject: Hashable {
    var apiVersion: String
    var kind: String
    var name: String

    init(apiVersion: String, kind: String, name: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
    }

    init(_ object: JSONValue) {
        self.init(
            apiVersion: object["apiVersion"]?.stringValue ?? "", kind: object["kind"]?.stringValue ?? "",
            name: object["metadata"]?["name"]?.stringValue ?? "")
    }

    /// Versions of one group are the same objects, as the agent takes them.
    private var group: String { GroupVersionKind(apiVersion: apiVersion, kind: kind).group }

    func shown(_ hasName: Bool) -> String { "\(apiVersion) \(kind)\(hasName ? " \(name)" : "")" }

    /// What to say where none of the objects known is meant; nil where one is.
    func advice(among known: [Subject], hasName: Bool) -> String? {
        // A name with references is another one on each cluster.
        func isNamed(_ other: Subject) -> Bool {
            !hasName || ExactText(other.name) == ExactText(name) || other.name.contains("${") || name.contains("${")
        }
        let alike = known.filter { $0.kind == kind && $0.group == group }
        if alike.contains(where: isNamed) { return nil }
        if !alike.isEmpty { return Spelling.advice(for: name, among: Set(alike.map(\.name)).sorted()) }
        let elsewhere = Set(known.filter { $0.kind == kind }.map(\.apiVersion)).sorted()
        if !elsewhere.isEmpty { return "; its \(kind) is of \(elsewhere.joined(separator: ", "))" }
        return Spelling.advice(for: kind, among: Set(known.filter { $0.group == group }.map(\.kind)).sorted())
    }
}
