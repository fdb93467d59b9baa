internal import Synchronization

/// What documents in a column say, kept by their very bytes: a decision reads all targets of its rollout, of which few have changed since
/// the last one. What a document says never changes, so that nothing here can be out of date.
final class DecodedColumn<Value: Decodable & Sendable>: Sendable {
    private let memory: Mutex<DocumentMemory<Value>>

    /// - Parameter limit: how many bytes of documents are kept.
    init(limit: Int = Bounds.decodedBytes) { memory = Mutex(DocumentMemory(limit: limit)) }

    func decode(_ document: [UInt8]) throws -> Value {
        if let value = memory.withLock({ $0.value(of: document) }) { return value }
        let value = try Column.decode(Value.self, from: document)
        memory.withLock { $0.keep(value, of: document) }
        return value
    }
}

/// Documents with what they say, in two halves: what was used since the younger one was begun, and what was used in the time of the one
/// before. Where the younger is full the older goes, with what nobody asked for since.
struct DocumentMemory<Value: Sendable>: Sendable {
    /// Of both halves together, in bytes of documents.
    let limit: Int
    private var young: [[UInt8]: Value] = [:]
    private var old: [[UInt8]: Value] = [:]
    private var youngBytes = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { young.count + old.count }

    mutating func value(of document: [UInt8]) -> Value? {
        if let value = young[document] { return value }
        guard let value = old.removeValue(forKey: document) else { return nil }
        keep(value, of: document)
        return value
    }

    mutating func keep(_ value: Value, of document: [UInt8]) {
        guard document.count <= limit / 2 else { return }
        if youngBytes + document.count > limit / 2 {
            old = young
            young = [:]
            youngBytes = 0
        }
        if young.updateValue(value, forKey: document) == nil { youngBytes += document.count }
    }
}
