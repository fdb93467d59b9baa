internal import FoundationEssentials
internal import Hummingbird
internal import SwellModel

/// Writes server-sent events (WHATWG HTML, 9.2).
struct EventStreamWriter {
    var body: any ResponseBodyWriter
    private let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
    private var lastWrite = ContinuousClock.now
    private let heartbeat: Interval

    init(body: any ResponseBodyWriter, heartbeat: Interval) {
        self.body = body
        self.heartbeat = heartbeat
    }

    /// Begins the stream: tells the client to come back after a second when it breaks.
    @concurrent mutating func begin() async throws { try await write("retry: 1000\n\n") }

    @concurrent mutating func send(_ value: some Encodable, event: String, id: Int64) async throws {
        // JSON without pretty printing has no line breaks, so that one data line holds it.
        let data = try encoder.encode(value)
        try await write("id: \(id)\nevent: \(event)\ndata: \(String(decoding: data, as: UTF8.self))\n\n")
    }

    /// Says that the stream is alive, where nothing was said for long. A comment, which clients ignore.
    @concurrent mutating func keepAlive() async throws {
        guard ContinuousClock.now - lastWrite >= heartbeat.duration else { return }
        try await write(":\n\n")
    }

    @concurrent private mutating func write(_ text: String) async throws {
        try await body.write(ByteBuffer(string: text))
        lastWrite = .now
    }
}
