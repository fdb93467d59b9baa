internal import KubernetesObjects

/// Elements that a list has twice, alike in all, where each may be there once. kubectl and Helm install such objects, and a chart is
/// nobody's to mend; a server that merges refuses them. One of them says all that they say together, and is kept.
enum RepeatedElements {
    /// How often an object is looked through: each time, no more than ``FieldTypes/maximumFindings`` are found.
    private static let maximumRounds = 10

    /// An object without what its lists repeat, and what was dropped. Elements that differ stay, and are told by ``TypeFindings``.
    static func keepingOne(_ node: YAMLNode) -> (node: YAMLNode, notes: [RepeatedEnvironment.Note]) {
        var result = node
        var notes: [RepeatedEnvironment.Note] = []
        for _ in 0..<maximumRounds {
            guard let object = try? KubernetesObject(json: result.json) else { break }
            let alike = FieldTypes.examine(object).repetitions.filter { repetition in
                let former = object.value(at: repetition.list.appending(repetition.former))
                return former != nil && former == object.value(at: repetition.list.appending(repetition.index))
            }
            if alike.isEmpty { break }
            notes += told(alike, in: result)
            // The inner ones first: what goes from an outer list gives others another place.
            let lists = Dictionary(grouping: alike, by: \.list)
                .sorted { $0.key.components.count > $1.key.components.count }
            for (list, repetitions) in lists {
                let dropped = Set(repetitions.map(\.index))
                let elements = result.node(at: list)?.elements ?? []
                result.setElements(
                    elements.enumerated().filter { !dropped.contains($0.offset) }.map(\.element),
                    at: list.components[...])
            }
        }
        return (result, notes)
    }

    /// A note of each that is there more than once, in the order found.
    private static func told(_ alike: [FieldTypes.Repetition], in node: YAMLNode) -> [RepeatedEnvironment.Note] {
        struct Key: Hashable {
            var list: FieldPath
            var key: String
        }
        var places: [Key] = []
        var found: [Key: (first: Int, count: Int)] = [:]
        for repetition in alike {
            let key = Key(list: repetition.list, key: repetition.key)
            if found[key] == nil { places.append(key) }
            found[key, default: (repetition.former, 1)].count += 1
        }
        return places.compactMap { place in
            guard let (first, count) = found[place] else { return nil }
            let times = count == 2 ? "twice" : "\(count) times"
            return RepeatedEnvironment.Note(
                line: node.nearest(to: place.list.appending(first)).line,
                message: "\(node.written(place.list)) has \(place.key) \(times), alike; one of them is kept")
        }
    }
}
