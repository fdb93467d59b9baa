internal import Foundation
internal import SwellEngine
internal import SwellModel

@testable internal import PostgresClient
@testable internal import SwellAgent
@testable internal import SwellCommands
@testable internal import SwellConsole

/// What comes from disks, the database, and between the command line and the operator API.
enum StoredTargets {
    static let all = [journal, cells, events, requests]

    /// The agent's journal: refused as damaged, or written again as the same journal.
    static let journal = FuzzTarget(
        name: "journal", words: ["\"version\":1", "\"journal\":", "\"applications\":{", "null", "[]"]
    ) {
        input in
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = JournalFile(stateDirectory: folder.path)
        try Data(input).write(to: URL(filePath: file.path))
        let read = try accepted(orRefusedBy: AgentError.self) { try file.load() }
        guard let journal = read ?? nil else { return }
        _ = journal.statuses
        _ = journal.referredDigests
        _ = journal.highestEpoch
    }

    /// A cell of any type, read as everything: the first two bytes choose the type.
    static let cells = FuzzTarget(name: "cells", words: ["\u{0}\u{1}", "\u{0}\u{0}\u{0}\u{1}", "\u{40}\u{0}"]) {
        input in
        let types: [PostgresType] = [
            .bool, .bytea, .int2, .int4, .int8, .float4, .float8, .numeric, .text, .json, .jsonb, .uuid, .date,
            .timestamptz,
            .xid8, .oidType,
        ]
        guard input.count >= 2 else { return }
        let chosen = types[Int(input[0]) % types.count]
        let type = input[1] & 1 == 0 ? chosen : PostgresType.withOID(chosen.arrayOID)
        let cell = PostgresCell(column: "c", type: type, bytes: input[2...])
        func read<Value: PostgresDecodable>(_ type: Value.Type) throws -> Value? {
            try accepted(orRefusedBy: PostgresError.self) { try Value.decode(cell) }
        }
        if let moment = try read(PostgresTimestamp.self) {
            try require(PostgresTimestamp(milliseconds: moment.milliseconds) <= moment, "rounded up")
        }
        _ = try read(Int64.self)
        _ = try read(Int16.self)
        _ = try read(UInt64.self)
        _ = try read(Double.self)
        _ = try read(Bool.self)
        _ = try read(String.self)
        _ = try read(UUID.self)
        _ = try read(PostgresJSON.self)
        _ = try read([UInt8].self)
        _ = try read([Int].self)
        _ = try read([String?].self)
        _ = try read([PostgresTimestamp?].self)
    }

    /// The same events however the stream comes in pieces.
    static let events = FuzzTarget(
        name: "events", words: ["data: ", "event: ", "id: ", "\n\n", "\r\n", ": hi\n", "data\n"]
    ) {
        input in
        var whole = ServerSentEventParser()
        let read = try accepted(orRefusedBy: CommandError.self) { try whole.append(input) }
        guard let events = read else { return }
        var parser = ServerSentEventParser()
        var piecewise: [ServerSentEvent] = []
        for start in stride(from: 0, to: input.count, by: 5) {
            piecewise += try parser.append(input[start..<min(start + 5, input.count)])
        }
        try require(piecewise == events, "in pieces the events are others")
        for event in events {
            _ = try? JSONDecoder().decode(RolloutView.self, from: Data(event.data.utf8))
            _ = try? JSONDecoder().decode(EventView.self, from: Data(event.data.utf8))
        }
    }

    /// Bodies and path segments of the operator API.
    static let requests = FuzzTarget(
        name: "requests",
        words: ["%41", "%", "%2F", "\"application\":", "\"startAt\":\"2026-01-01T00:00:00Z\"", "\"select\":{"]
    ) { input in
        // The API tells a name that is none as it tells what is no JSON: nothing else may come out.
        do {
            _ = try JSONDecoder().decode(RolloutRequest.self, from: Data(input))
        } catch is DecodingError {
        } catch is ModelError {
        }
        _ = try? JSONDecoder().decode(OrderRequest.self, from: Data(input))
        _ = try? JSONDecoder().decode(ApplyRequest.self, from: Data(input))
        _ = try? JSONDecoder().decode(ReleaseRequest.self, from: Data(input))
        guard let text = text(input), let decoded = text.removingPercentEncoding else { return }
        let plain = decoded.utf8.map { byte in
            let hex = String(byte, radix: 16)
            return "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
        try require(plain.removingPercentEncoding == decoded, "encoded again it is another text")
        let percents = text.utf8.count { $0 == UInt8(ascii: "%") }
        try require(decoded.utf8.count == text.utf8.count - 2 * percents, "an escape of another length")
    }
}
