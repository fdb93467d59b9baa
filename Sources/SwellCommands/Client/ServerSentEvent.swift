/// One event of a stream.
struct ServerSentEvent: Sendable, Hashable {
    var name: String
    var id: String?
    var data: String
}

/// Takes a stream apart into events (WHATWG HTML, 9.2): lines of `field: value`, an empty line ends an event.
struct ServerSentEventParser {
    private var line: [UInt8] = []
    private var name = ""
    private var id: String?
    private var data: [String] = []
    private var size = 0
    private static let maximumSize = 64 << 20

    /// The events that these bytes complete.
    mutating func append(_ bytes: some Sequence<UInt8>) throws(CommandError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                size += 1
                guard size <= Self.maximumSize else {
                    throw CommandError(code: .connection, message: "an event of the stream is larger than 64 MiB")
                }
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let event = endLine() { events.append(event) }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            defer {
                name = ""
                data = []
                size = 0
            }
            guard !data.isEmpty else { return nil }
            return ServerSentEvent(
                name: name.isEmpty ? "message" : name, id: id, data: data.joined(separator: "\n"))
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = text
        case "id": id = text
        case "data": data.append(text)
        default: break
        }
        return nil
    }
}
