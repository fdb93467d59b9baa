internal import KubernetesObjects

/// Variables that a container is given twice. kubectl and Helm install such pods, and the last value is what the container sees; a server
/// that merges refuses them. So the last one is kept here, too, and told of.
enum RepeatedEnvironment {
    /// One of them, with the line of what was kept.
    struct Note {
        var line: Int
        var message: String
    }

    /// Where pods are described, by kind.
    private static let podSpecs: [String: FieldPath] = {
        let template: FieldPath = ["spec", "template", "spec"]
        var paths: [String: FieldPath] = ["Pod": ["spec"], "PodTemplate": ["template", "spec"]]
        for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"] {
            paths[kind] = template
        }
        paths["CronJob"] = ["spec", "jobTemplate", "spec", "template", "spec"]
        return paths
    }()

    /// An object in which each variable is there once, as far as that means the same, and what was dropped for it.
    static func keepingLast(_ node: YAMLNode) -> (node: YAMLNode, notes: [Note]) {
        guard let kind = node["kind"]?.text, let place = podSpecs[kind],
            FieldTypes.isKnown(apiVersion: node["apiVersion"]?.text ?? "", kind: kind),
            let spec = node.node(at: place)
        else { return (node, []) }
        var result = node
        var notes: [Note] = []
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in (spec[list]?.elements ?? []).enumerated() {
                guard let variables = container["env"]?.elements else { continue }
                let path = place.appending(list).appending(index).appending("env")
                let (kept, told) = lasting(variables, at: path)
                guard kept.count < variables.count else { continue }
                notes += told
                result.setElements(kept, at: path.components[...])
            }
        }
        return (result, notes)
    }

    private static func lasting(_ variables: [YAMLNode], at path: FieldPath) -> (kept: [YAMLNode], told: [Note]) {
        var places: [ExactText: [Int]] = [:]
        for (index, variable) in variables.enumerated() {
            guard let name = variable["name"]?.scalar?.stringValue, !name.contains("${") else { continue }
            places[ExactText(name), default: []].append(index)
        }
        var dropped: Set<Int> = []
        var told: [Note] = []
        for (index, variable) in variables.enumerated() {
            guard let name = variable["name"]?.scalar?.stringValue, let all = places[ExactText(name)], all.count > 1,
                all.last == index
            else { continue }
            // A value that is made of an earlier one needs it.
            let between = variables[(all[0] + 1)...index]
            guard !between.contains(where: { $0["value"]?.text?.contains("$(\(name))") == true }) else { continue }
            dropped.formUnion(all.dropLast())
            told.append(
                Note(
                    line: variable.line,
                    message:
                        "\(path) has \(name.prefix(80)) twice, first in line \(variables[all[0]].line); the last one counts, as in a "
                        + "container"))
        }
        return (variables.enumerated().filter { !dropped.contains($0.offset) }.map(\.element), told)
    }
}

extension YAMLNode {
    /// Puts other elements into the list at a path that is there.
    fileprivate mutating func setElements(_ elements: [YAMLNode], at path: ArraySlice<FieldPath.Component>) {
        switch (path.first, content) {
        case (nil, .sequence): content = .sequence(elements)
        case (.key(let key)?, .mapping(var entries)):
            guard let place = entries.firstIndex(where: { $0.key == key }) else { return }
            entries[place].value.setElements(elements, at: path.dropFirst())
            content = .mapping(entries)
        case (.index(let index)?, .sequence(var members)):
            members[index].setElements(elements, at: path.dropFirst())
            content = .sequence(members)
        default: break
        }
    }
}
