internal import KubernetesObjects

/// Variables that a container is given twice. kubectl and Helm install such pods, and the last value is what the container sees; a server
/// that merges refuses them. So the last one is kept here, too, and told of; what it takes of former ones is written into it, as the kubelet
/// does, where that is known.
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
        var variables = variables
        for (index, variable) in variables.enumerated() {
            guard let name = variable["name"]?.scalar?.stringValue, let all = places[ExactText(name)], all.count > 1,
                all.last == index
            else { continue }
            // A value that is made of an earlier one needs it.
            let users = ((all[0] + 1)...index).filter {
                variables[$0]["value"]?.text?.contains("$(\(name))") == true
            }
            guard users.allSatisfy(all.contains) else { continue }
            var isWrittenOut = false
            if users.last == index {
                guard let text = lastValue(of: all.map { variables[$0] }, reference: "$(\(name))") else { continue }
                variables[index].setValue(text)
                isWrittenOut = true
            }
            dropped.formUnion(all.dropLast())
            told.append(
                Note(
                    line: variable.line,
                    message:
                        "\(path) has \(name.prefix(80)) twice, first in line \(variables[all[0]].line); the last one counts, as in a "
                        + "container\(isWrittenOut ? ", with what it takes of the former one written out" : "")"))
        }
        return (variables.enumerated().filter { !dropped.contains($0.offset) }.map(\.element), told)
    }

    /// The last of a variable's values, each former one written into the next; nil where one that is needed is not known here: a
    /// reference is for whoever knows what it stands for.
    private static func lastValue(of variables: [YAMLNode], reference: String) -> String? {
        var former: String?
        var last: String?
        for variable in variables {
            last = variable["value"]?.scalar?.stringValue
            if let text = last, text.contains(reference) {
                // Two of them stand for one that is none of a reference.
                last = text.contains("$$") ? nil : former.map { text.replacing(reference, with: $0) }
            }
            former = last?.contains("$") == true ? nil : last
        }
        return last
    }
}

extension YAMLNode {
    /// Gives a variable another value.
    fileprivate mutating func setValue(_ text: String) {
        guard case .mapping(var entries) = content, let place = entries.firstIndex(where: { $0.key == "value" }) else {
            return
        }
        entries[place].value.tag = nil
        entries[place].value.content = .scalar(.string(text), text: text)
        content = .mapping(entries)
    }

    /// Puts other elements into the list at a path that is there.
    mutating func setElements(_ elements: [YAMLNode], at path: ArraySlice<FieldPath.Component>) {
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
