internal import KubernetesObjects

/// What of a manifest a cluster will most likely refuse, or will not keep: told where a release is made, and not refused, since
/// clusters of other versions differ.
enum ManifestDoubts {
    /// One of them, with the line that it is about.
    struct Doubt {
        var line: Int
        var message: String
    }

    /// Lists that a server keeps by key, and the fields that are the key there; with what a field that is left out stands for.
    private static let lists: [String: [[(field: String, standard: String)]]] = [
        "env": [[("name", "")]],
        "ports": [[("containerPort", ""), ("protocol", "TCP")], [("port", ""), ("protocol", "TCP")]],
        "volumeMounts": [[("mountPath", "")]], "volumeDevices": [[("devicePath", "")]], "volumes": [[("name", "")]],
        "containers": [[("name", "")]], "initContainers": [[("name", "")]], "hostAliases": [[("ip", "")]],
        "imagePullSecrets": [[("name", "")]],
    ]
    /// The kinds whose lists those are: of others nothing is known.
    private static let kindsWithLists: Set<String> = [
        "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
        "Service",
    ]

    /// What is doubtful in an object that was written as `node`.
    ///
    /// - Parameter written: The object before references were replaced; nil where none is.
    static func of(_ object: KubernetesObject, replacing written: JSONValue?, node: YAMLNode) -> [Doubt] {
        var doubts: [Doubt] = []
        for finding in FieldTypes.findings(in: object) where finding.takesText && finding.hasQuotes {
            guard let text = written?.value(at: finding.path)?.stringValue,
                let typed = ReferenceTypes.asInteger(text)
            else { continue }
            doubts.append(
                Doubt(
                    line: node.nearest(to: finding.path).line,
                    message:
                        "\(finding.path) is \(finding.expected), and \(text) stands for digits as text; where a number is meant, "
                        + "write \"\(typed)\""))
        }
        if let message = KindDoubts.doubt(about: object.type) {
            doubts.append(Doubt(line: (node["kind"] ?? node).line, message: message))
        }
        for unknown in FieldTypes.unknownFields(in: object) where !unknown.field.contains("${") {
            let place = unknown.parent.components.isEmpty ? "a \(object.kind)" : "\(node.written(unknown.parent))"
            doubts.append(
                Doubt(
                    line: node.nearest(to: unknown.parent.appending(unknown.field)).line,
                    message: "\(place) has no field '\(unknown.field.prefix(80))'"
                        + Spelling.advice(for: unknown.field, among: unknown.known)))
        }
        if kindsWithLists.contains(object.kind),
            FieldTypes.isKnown(apiVersion: object.apiVersion, kind: object.kind), let spec = object.spec
        {
            collectRepeated(in: spec, at: ["spec"], node, &doubts)
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

    private static func collectRepeated(
        in value: JSONValue, at path: FieldPath, _ node: YAMLNode, _ doubts: inout [Doubt]
    ) {
        for (index, member) in (value.arrayValue ?? []).enumerated() {
            collectRepeated(in: member, at: path.appending(index), node, &doubts)
        }
        for (name, member) in (value.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            let place = path.appending(name)
            for keys in lists[name] ?? [] { compare(member.arrayValue ?? [], by: keys, at: place, node, &doubts) }
            collectRepeated(in: member, at: place, node, &doubts)
        }
    }

    private static func compare(
        _ elements: [JSONValue], by keys: [(field: String, standard: String)], at place: FieldPath, _ node: YAMLNode,
        _ doubts: inout [Doubt]
    ) {
        var first: [[String]: Int] = [:]
        for (index, element) in elements.enumerated() {
            guard let main = keys.first, element[main.field] != nil else { continue }
            // What references stand for differs from cluster to cluster.
            let written = keys.map { node.node(at: place.appending(index).appending($0.field))?.text ?? "" }
            guard !written.contains(where: { $0.contains("${") }) else { continue }
            let key = keys.map { key in
                element[key.field].map { $0.stringValue ?? "\($0)" } ?? key.standard
            }
            let line = node.nearest(to: place.appending(index)).line
            guard let former = first.updateValue(line, forKey: key) else { continue }
            doubts.append(
                Doubt(
                    line: line,
                    message:
                        "\(place) has \(keys[0].field) \(key.joined(separator: "/").prefix(80)) twice, first in line \(former); a "
                        + "cluster refuses that of what is applied as Swell does: keep one of them"))
        }
    }
}
