internal import FoundationEssentials
internal import PostgresClient
internal import SwellModel

/// Values as JSON documents in columns.
enum Column {
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return withoutNull(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Sequence<UInt8>) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes))
    }

    /// PostgreSQL has no NUL in texts; an agent's or operator's words must not fail for it.
    static func text(_ text: String?) -> String? {
        guard let text, text.utf8.contains(0) else { return text }
        return String(text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : Character($0) })
    }

    private static func contains(_ sought: [UInt8], in text: String) -> Bool {
        var rest = text.utf8[...]
        while let start = rest.firstIndex(of: sought[0]) {
            rest = rest[start...]
            if rest.starts(with: sought) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// The JSON text with each escaped NUL replaced by the replacement character.
    private static func withoutNull(_ json: String) -> String {
        let escaped = Array("\\u0000".utf8)
        // Nearly none has one, and searching for characters is as dear as the encoding.
        guard contains(escaped, in: json) else { return json }
        var out: [UInt8] = []
        var rest = Array(json.utf8)[...]
        while let byte = rest.first {
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                rest = rest.dropFirst()
                continue
            }
            if rest.starts(with: escaped) {
                out += Array("\\ufffd".utf8)
                rest = rest.dropFirst(escaped.count)
            } else {
                out += rest.prefix(2)
                rest = rest.dropFirst(2)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

extension PostgresValue {
    static func json(encoding value: some Encodable) throws -> PostgresValue { .jsonb(try Column.encode(value)) }
    static func jsons(encoding values: some Sequence<some Encodable>) throws -> PostgresValue {
        .jsonbs(try values.map { try Column.encode($0) })
    }
    static func name<Kind>(_ name: Name<Kind>?) -> PostgresValue { .text(name?.rawValue) }
    static func names<Kind>(_ names: some Sequence<Name<Kind>>) -> PostgresValue { .texts(names.map(\.rawValue)) }
    static func digest(_ digest: ContentDigest) -> PostgresValue { .text(digest.rawValue) }
    static func digests(_ digests: some Sequence<ContentDigest>) -> PostgresValue {
        .texts(digests.map(\.rawValue))
    }
    static func time(_ time: Timestamp?) -> PostgresValue { .timestamp(milliseconds: time?.milliseconds) }
}

extension PostgresResult {
    /// The rows that can be read, and the names of the others, which stand in the column `name`.
    func listing<Element>(
        named name: Int, _ read: (PostgresRow) throws -> Element
    ) throws -> Listing<Element> {
        var listing = Listing<Element>(items: [])
        for row in self {
            do { listing.items.append(try read(row)) } catch {
                listing.unreadable.append(
                    UnreadableRow(name: try row.decode(String.self, at: name), reason: "\(StoreError(postgres: error))")
                )
            }
        }
        return listing
    }
}

extension PostgresRow {
    func name<Kind>(_ column: Int, of kind: Name<Kind>.Type = Name<Kind>.self) throws -> Name<Kind> {
        try Name(decode(String.self, at: column))
    }

    func nameIfAny<Kind>(_ column: Int, of kind: Name<Kind>.Type = Name<Kind>.self) throws -> Name<Kind>? {
        try decode(String?.self, at: column).map { try Name($0) }
    }

    func digest(_ column: Int) throws -> ContentDigest { try ContentDigest(decode(String.self, at: column)) }

    func time(_ column: Int) throws -> Timestamp {
        Timestamp(milliseconds: try decode(PostgresTimestamp.self, at: column).milliseconds)
    }

    func timeIfAny(_ column: Int) throws -> Timestamp? {
        try decode(PostgresTimestamp?.self, at: column).map { Timestamp(milliseconds: $0.milliseconds) }
    }

    func json<Value: Decodable>(_ column: Int, as type: Value.Type = Value.self) throws -> Value {
        try Column.decode(type, from: decode([UInt8].self, at: column))
    }

    func json<Value>(_ column: Int, _ memory: DecodedColumn<Value>) throws -> Value {
        try memory.decode(decode([UInt8].self, at: column))
    }

    func jsonIfAny<Value>(_ column: Int, _ memory: DecodedColumn<Value>) throws -> Value? {
        try cell(column).isNull ? nil : json(column, memory)
    }

    func jsonIfAny<Value: Decodable>(_ column: Int, as type: Value.Type = Value.self) throws -> Value? {
        try cell(column).isNull ? nil : json(column, as: type)
    }
}
