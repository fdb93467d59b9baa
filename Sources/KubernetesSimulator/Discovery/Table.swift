internal import KubernetesObjects

/// The table that `kubectl get` prints.
enum Table {
    /// One column: its heading, type, and whether only wide output shows it.
    struct Column: Sendable {
        var name: String
        var type = "string"
        var isWide = false
        var value: @Sendable (JSONValue) -> JSONValue
    }

    static func of(
        _ objects: [JSONValue], type: ResourceType, includes: ObjectForm.TableObjects, metadata: JSONValue,
        now: Double
    ) -> JSONValue {
        let columns = columns(of: type, now: now)
        let definitions = columns.map { column -> JSONValue in
            [
                "name": .string(column.name), "type": .string(column.type),
                "format": column.name == "Name" ? "name" : "", "description": .string(column.name),
                "priority": column.isWide ? 1 : 0,
            ]
        }
        let rows = objects.map { object -> JSONValue in
            var row: JSONValue = ["cells": .array(columns.map { $0.value(object) })]
            switch includes {
            case .none: break
            case .object: row["object"] = object
            case .metadata:
                row["object"] = [
                    "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                    "metadata": object["metadata"] ?? .object([:]),
                ]
            }
            return row
        }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": .array(definitions), "rows": .array(rows),
        ]
    }

    static func text(_ name: String, wide: Bool = false, _ path: String...) -> Column {
        Column(name: name, isWide: wide) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return .string(current?.stringValue ?? current?.serialized() ?? "")
        }
    }

    static func number(_ name: String, _ path: String...) -> Column {
        Column(name: name, type: "integer") { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return current ?? 0
        }
    }

    /// A text that is written `<none>` where there is none.
    static func optional(_ name: String, wide: Bool = false, _ path: String...) -> Column {
        Column(name: name, isWide: wide) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            return .string(current?.stringValue ?? "<none>")
        }
    }

    /// A number or percentage of a spec that is written `N/A` where there is none.
    static func notAvailable(_ name: String, _ field: String) -> Column {
        Column(name: name) { object in
            let value = object.at("spec", field)
            return .string(value?.stringValue ?? value?.serialized() ?? "N/A")
        }
    }

    /// Labels in the form of a selector, shown in wide output.
    static func labels(_ name: String, _ path: String...) -> Column {
        Column(name: name, isWide: true) { object in
            var current: JSONValue? = object
            for step in path { current = current?[step] }
            let pairs = (current?.objectValue ?? [:]).sorted { $0.key < $1.key }
            let text = pairs.map { "\($0.key)=\($0.value.stringValue ?? "")" }.joined(separator: ",")
            return .string(text.isEmpty ? "<none>" : text)
        }
    }

    static let selector = labels("Selector", "spec", "selector", "matchLabels")

    static let name = text("Name", "metadata", "name")

    static func age(_ now: Double) -> Column {
        Column(name: "Age", type: "date") { object in
            .string(age(of: object.at("metadata", "creationTimestamp")?.stringValue, now: now))
        }
    }

    static func age(of text: String?, now: Double) -> String {
        guard let text, let born = Timestamp.instant(text) else { return "<unknown>" }
        return Age.text(seconds: Int(now - born))
    }

    private static func columns(of type: ResourceType, now: Double) -> [Column] {
        let age = age(now)
        if type.isCustom { return custom(type, now: now) }
        return workloadColumns(of: type.kind, age: age, now: now) ?? otherColumns(of: type.kind, age: age, now: now)
            ?? [name, age]
    }

    private static func custom(_ type: ResourceType, now: Double) -> [Column] {
        let age = age(now)
        guard !type.printerColumns.isEmpty else { return [name, age] }
        return [name]
            + type.printerColumns.map { column in
                let path = ColumnPath(column["jsonPath"]?.stringValue ?? "")
                let isDate = column["type"]?.stringValue == "date"
                return Column(
                    name: column["name"]?.stringValue ?? "", type: column["type"]?.stringValue ?? "string",
                    isWide: (column["priority"]?.intValue ?? 0) > 0
                ) { object in
                    guard let current = path.first(in: object) else { return isDate ? "<unknown>" : .null }
                    return isDate ? .string(Self.age(of: current.stringValue, now: now)) : current
                }
            }
    }
}
