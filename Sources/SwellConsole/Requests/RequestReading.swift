internal import FoundationEssentials
internal import Hummingbird
internal import KubernetesObjects
internal import SwellModel

/// Reads the JSON bodies of requests within limits, refusing fields that nobody knows.
struct RequestReading: Sendable {
    let maximumBytes: Int

    /// The body as a value; `known` are the fields it may have.
    func body<Value: Decodable>(
        _ type: Value.Type, of request: Request, fields known: [String]
    ) async throws -> Value {
        let bytes = try await collect(request)
        guard !bytes.isEmpty || !known.isEmpty else { throw Problem.malformed("the request has no body") }
        let value: JSONValue
        do {
            let limits = ReadingLimits(maximumBytes: maximumBytes, maximumDepth: 16, maximumNodes: 100_000)
            value = try JSONValue(parsing: bytes.isEmpty ? Array("{}".utf8) : bytes, limits: limits)
        } catch {
            throw Problem.malformed("the body is not JSON that can be taken: \(error)")
        }
        guard let members = value.objectValue else {
            throw Problem.malformed(
                "the body is \(value.typeName); send an object with \(known.joined(separator: ", "))")
        }
        for key in members.keys.sorted() where !known.contains(key) {
            throw Problem.malformed(
                "there is no field '\(key.prefix(80))'; known are \(known.joined(separator: ", "))")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(value.serializedBytes()))
        } catch let error as DecodingError {
            throw Problem.malformed(error.explanation)
        }
    }

    private func collect(_ request: Request) async throws -> [UInt8] {
        if let text = request.headers[.contentLength], let length = Int(text), length > maximumBytes {
            throw Problem.tooLarge(maximumBytes)
        }
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            guard bytes.count + buffer.readableBytes <= maximumBytes else { throw Problem.tooLarge(maximumBytes) }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
    }
}

extension DecodingError {
    /// What is wrong and where, for the sender.
    fileprivate var explanation: String {
        func place(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch self {
        case .typeMismatch(_, let context): return "\(place(context.codingPath)) has the wrong type"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) has no value"
        case .keyNotFound(let key, let context):
            return "the field '\(place(context.codingPath + [key]))' is missing"
        case .dataCorrupted(let context):
            let cause = (context.underlyingError as? ModelError)?.message ?? context.debugDescription
            return "\(place(context.codingPath)): \(cause)"
        @unknown default: return "\(self)"
        }
    }
}
