internal import AsyncSupport
internal import HTTPTypes
internal import Hummingbird
internal import KubernetesObjects
internal import NIOCore

/// A watch as a stream of JSON lines.
///
/// The cluster's bounded log of writes is the only buffer: a client that reads too slowly falls behind the log and gets
/// 410 Gone, as from a real server.
struct WatchStream: Sendable {
    private enum Tick: Sendable { case change, bookmark, end }

    let cluster: SimulatedCluster
    let request: WatchRequest
    let clock: @Sendable () -> Double

    func response(to http: Request) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        let incoming = http.body
        let body = ResponseBody { writer in
            try await incoming.consumeWithCancellationOnInboundClose { _ in
                try await run(&writer)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    @concurrent
    private func run(_ writer: inout any ResponseBodyWriter) async throws {
        let (id, hints) = await cluster.addWatcher()
        do {
            try await follow(hints, &writer)
            await cluster.removeWatcher(id)
        } catch {
            await cluster.removeWatcher(id)
            throw error
        }
    }

    /// Follows the log until the watch's time is over, the log has moved past it, or the client is gone.
    @concurrent
    private func follow(_ hints: Signal, _ writer: inout any ResponseBodyWriter) async throws {
        let end = clock() + request.timeout
        var (events, revision) = await cluster.watchStart(request)
        if request.marksInitialEnd {
            events.append(await cluster.bookmark(request, revision: revision, endsInitial: true))
        }
        try await Self.write(events, &writer, evenIfEmpty: true)
        // Newest first to stay: the end is the last tick, and a lost hint is made up for by the next.
        let (ticks, source) = AsyncStream<Tick>.makeStream(bufferingPolicy: .bufferingNewest(8))
        source.yield(.change)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                while await hints.wait() != .cancelled, await !cluster.isStopped { source.yield(.change) }
                source.yield(.end)
            }
            group.addTask { [clock, sendsBookmarks = request.sendsBookmarks] in
                while true {
                    let left = end - clock()
                    if left <= 0 { break }
                    try await Task.sleep(for: .seconds(left > 62 ? 60 : left > 2 ? left - 2 : left))
                    if sendsBookmarks, end - clock() > 0.5 { source.yield(.bookmark) }
                }
                source.yield(.end)
            }
            for await tick in ticks {
                try await stallWhileAway()
                guard let news = await cluster.watchEvents(request, after: revision) else {
                    try await Self.write([["type": "ERROR", "object": APIStatus.gone.body]], &writer)
                    return
                }
                revision = news.revision
                var events = news.events
                if tick == .bookmark {
                    events.append(await cluster.bookmark(request, revision: revision, endsInitial: false))
                }
                try await Self.write(events, &writer)
                if tick == .end { return }
            }
            throw CancellationError()
        }
    }

    /// A server that hangs keeps its watches silent; one that is away in another way cuts them.
    private func stallWhileAway() async throws {
        while await cluster.isHanging { try await Task.sleep(for: .milliseconds(100)) }
        if let outage = await cluster.faults.outage, outage != .hang { throw CancellationError() }
    }

    @concurrent
    private static func write(
        _ events: [JSONValue], _ writer: inout any ResponseBodyWriter, evenIfEmpty: Bool = false
    ) async throws {
        guard !events.isEmpty || evenIfEmpty else { return }
        var buffer = ByteBuffer()
        for event in events {
            buffer.writeBytes(event.serializedBytes())
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        try await writer.write(buffer)
    }
}
