internal import KubernetesObjects

/// The part of JSONPath that columns of custom resources use: `.status.conditions[?(@.type=="Ready")].status`.
struct ColumnPath: Sendable {
    private enum Step: Sendable {
        case member(String)
        case item(Int)
        case all
        /// The items whose member at a path is this text.
        case items([String], String)
    }

    private var steps: [Step] = []

    init(_ text: String) {
        var rest = text[...]
        while let first = rest.first {
            if first == "." {
                rest.removeFirst()
                let name = rest.prefix { $0 != "." && $0 != "[" }
                rest = rest.dropFirst(name.count)
                // A key's own dots are written `\.`.
                if name.hasSuffix("\\"), rest.first == "." {
                    var whole = String(name.dropLast())
                    while rest.first == "." {
                        rest.removeFirst()
                        let part = rest.prefix { $0 != "." && $0 != "[" }
                        rest = rest.dropFirst(part.count)
                        whole += "." + (part.hasSuffix("\\") ? part.dropLast() : part)
                        if !part.hasSuffix("\\") { break }
                    }
                    steps.append(.member(whole))
                } else if !name.isEmpty {
                    steps.append(.member(String(name)))
                }
            } else if first == "[" {
                guard let end = Self.closing(of: rest) else { return }
                steps.append(Self.bracket(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                rest.removeFirst()
            }
        }
    }

    private static func closing(of text: Substring) -> Substring.Index? {
        var depth = 0
        for index in text.indices {
            if text[index] == "[" { depth += 1 }
            if text[index] == "]" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func bracket(_ inside: Substring) -> Step {
        func bare(_ text: Substring) -> String { text.trimmingPrefix(" ").filter { $0 != "\"" && $0 != "'" } }
        if inside == "*" { return .all }
        if let number = Int(inside) { return .item(number) }
        guard inside.hasPrefix("?(@."), inside.hasSuffix(")"), let equals = inside.firstRange(of: "==") else {
            return .member(bare(inside))
        }
        let path = inside[inside.index(inside.startIndex, offsetBy: 4)..<equals.lowerBound]
        let value = inside[equals.upperBound...].dropLast()
        return .items(
            path.split(separator: ".").map { String($0.filter { $0 != " " }) }, bare(value).filter { $0 != " " })
    }

    /// The first value that the path leads to.
    func first(in object: JSONValue) -> JSONValue? {
        var values = [object]
        for step in steps {
            values = values.flatMap { value -> [JSONValue] in
                switch step {
                case .member(let name): return value[name].map { [$0] } ?? []
                case .item(let index):
                    let items = value.arrayValue ?? []
                    let place = index < 0 ? items.count + index : index
                    return items.indices.contains(place) ? [items[place]] : []
                case .all: return value.arrayValue ?? value.objectValue.map { Array($0.values) } ?? []
                case .items(let path, let wanted):
                    return (value.arrayValue ?? []).filter { item in
                        let found = path.reduce(Optional(item)) { $0?[$1] }
                        return found?.stringValue == wanted || found?.serialized() == wanted
                    }
                }
            }
        }
        return values.first
    }
}
