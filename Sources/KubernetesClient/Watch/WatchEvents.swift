internal import KubernetesObjects
internal import NIOHTTP1

/// The events of one watch. Ends when the server ends it, as it does every few minutes; go on from the last event's
/// resource version.
public struct WatchEvents: AsyncSequence, Sendable {
    public typealias Element = WatchEvent
    public typealias Failure = any Error

    /// The largest event accepted, in bytes.
    static let maximumLine = 16 << 20

    let body: ResponseBody
    let selection: ObjectSelection

    public func makeAsyncIterator() -> Iterator {
        Iterator(base: body.makeAsyncIterator(), selection: selection)
    }

    /// Splits the answer into lines, and lines into events.
    public struct Iterator: AsyncIteratorProtocol {
        var base: ResponseBody.Iterator
        let selection: ObjectSelection
        private var lines = LineSplitter(maximumLine: WatchEvents.maximumLine)
        private var isDone = false

        init(base: ResponseBody.Iterator, selection: ObjectSelection) {
            self.base = base
            self.selection = selection
        }

        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws -> WatchEvent? {
            while true {
                if let line = lines.next() {
                    if line.isEmpty { continue }
                    return try WatchEvent(line: line, selection: selection)
                }
                if isDone { return nil }
                do {
                    if let chunk = try await base.next(isolation: actor) {
                        guard lines.append(chunk) else {
                            throw KubernetesError(
                                code: .invalidAnswer, message: "watch of \(selection): an event is too large")
                        }
                    } else {
                        isDone = true
                        lines.end()
                    }
                } catch {
                    throw HTTPTransport.translated(error, what: "watch of \(selection)", server: "the API server")
                }
            }
        }
    }
}

/// Cuts chunks of bytes into lines.
struct LineSplitter {
    private let maximumLine: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0

    init(maximumLine: Int) {
        self.maximumLine = maximumLine
    }

    /// Takes a chunk; false when a line is longer than allowed.
    mutating func append(_ chunk: [UInt8]) -> Bool {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer.append(contentsOf: chunk)
        return buffer.count <= maximumLine || buffer[searched...].contains(0x0A)
    }

    /// Ends the last line, which may lack its newline.
    mutating func end() {
        if start < buffer.count, buffer.last != 0x0A { buffer.append(0x0A) }
    }

    /// The next whole line.
    mutating func next() -> [UInt8]? {
        guard let end = buffer[searched...].firstIndex(of: 0x0A) else {
            searched = buffer.count
            return nil
        }
        let line = Array(buffer[start..<end])
        start = end + 1
        searched = start
        return line
    }
}

extension KubernetesAPI {
    /// Watches objects from a moment on and hands each event to a closure until the server ends the watch.
    ///
    /// - Parameters:
    ///   - selection: Which objects.
    ///   - resourceVersion: The moment, from a list or an earlier event.
    ///   - lasting: How long the watch may last at most.
    ///   - onOpen: Told when the server has taken the watch up.
    ///   - onEvent: Takes events one by one; the server waits while it works.
    /// - Throws: ``KubernetesError`` with the code `expired` when the moment is too long ago: list again.
    public func watch(
        _ selection: ObjectSelection, from resourceVersion: String, lasting: Duration = .seconds(290),
        onOpen: () async throws -> Void = {}, onEvent: (WatchEvent) async throws -> Void
    ) async throws {
        try await watching {
            try await pause.over(clock: options.clock, chance: options.chance)
            let response = try await reach.observing("watch of \(selection)") {
                try await at(selection.type) { try await open($0, selection, from: resourceVersion, lasting: lasting) }
            }
            try await onOpen()
            do {
                for try await event in WatchEvents(body: response.body, selection: selection) {
                    try await onEvent(event)
                }
            } catch let error as KubernetesError {
                // One that was merely quiet for long says nothing of the server.
                if error.code == .noAnswer { reach.broke(error) }
                throw error
            }
        }
    }

    private func open(
        _ resource: APIResource, _ selection: ObjectSelection, from resourceVersion: String, lasting: Duration
    ) async throws -> KubernetesResponse {
        var request = KubernetesRequest(
            .GET, resource.collectionPath(namespace: selection.namespace), query: selection.query,
            timeout: lasting + .seconds(30))
        request.query.append(("watch", "true"))
        request.query.append(("allowWatchBookmarks", "true"))
        request.query.append(("resourceVersion", resourceVersion))
        request.query.append(("timeoutSeconds", String(max(1, lasting.components.seconds))))
        let response = try await transport.send(request)
        guard response.status == 200 else { throw try await refusal(response, selection) }
        return response
    }

    private func refusal(_ response: KubernetesResponse, _ selection: ObjectSelection) async throws -> KubernetesError {
        var body: [UInt8] = []
        for try await chunk in response.body where body.count < 1 << 20 { body.append(contentsOf: chunk) }
        if response.status == 401 { await transport.renewCredentials() }
        let error = KubernetesError(
            statusBody: try? JSONValue(parsing: body, duplicateKeys: .keepLast), httpStatus: response.status,
            what: "watch of \(selection)", retryAfter: Exchange.retryAfter(response.headers))
        exchange.obey(error)
        return error
    }
}
