internal import Hummingbird
internal import ServiceLifecycle
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// The audit log, and rollouts as they change, as lists or as server-sent events.
struct EventEndpoints: Sendable {
    let store: any Store
    let tail: AuditTail
    let limit: EventStreamLimit
    let pollInterval: Interval
    let heartbeat: Interval

    func add(to group: RouterGroup<ConsoleContext>) {
        group.get("events") { request, _ in
            let filter = try request.eventFilter()
            try await checkNames(filter)
            let since = try await since(request)
            if request.uri.queryParameters.get("follow") == "true" {
                let cursor = try request.lastEventID()
                let count = try request.limit(standard: since == nil ? 20 : 1_000)
                return try stream(request) { writer in
                    try await follow(filter, from: cursor, showing: count, since: since, writer: &writer)
                }
            }
            let limit = try request.limit(standard: since == nil ? 100 : 1_000)
            let events = try await store.latestEvents(filter: filter, limit: limit).filter { $0.at >= since ?? $0.at }
            return Response(json: ListView(items: events.map(EventView.init)))
        }
        group.get("rollouts/:name/watch") { request, context in
            let name: RolloutName = try context.name("name", "rollout")
            _ = try await store.existingRollout(name)
            return try stream(request) { writer in try await watch(name, writer: &writer) }
        }
    }

    /// From when on, as a moment or as a length of time before the database's now; nil for any.
    private func since(_ request: Request) async throws -> Timestamp? {
        guard let text = request.uri.queryParameters.get("since").map({ String($0) }) else { return nil }
        guard let start = StartOfWindow(text) else {
            throw Problem.malformed("since is '\(text.prefix(40))'; write \(StartOfWindow.forms)")
        }
        return start.moment(now: try await store.now())
    }

    /// Whoever asks for the events of what never was has misspelt it. What is gone by now has its events still.
    private func checkNames(_ filter: EventFilter) async throws {
        guard try await store.latestEvents(filter: filter, limit: 1).isEmpty else { return }
        if let rollout = filter.rollout { _ = try await store.existingRollout(rollout) }
        if let application = filter.application { _ = try await store.application(application) }
        if let cluster = filter.cluster { _ = try await store.clusterRecord(cluster) }
        if let region = filter.region {
            let known = Set(try await store.clusterListing().items.map(\.cluster.region))
            guard known.contains(region) else { throw Problem.unknownRegion(region, among: known) }
        }
    }

    /// Answers with a stream that ends with its client, and on shutdown.
    private func stream(
        _ request: Request, _ body: @escaping @Sendable @concurrent (inout EventStreamWriter) async throws -> Void
    ) throws -> Response {
        guard let place = limit.place() else {
            throw Problem(
                code: "too-many-streams", title: "Too many streams", status: 503,
                detail: "this replica serves as many event streams as it may; try again or ask another")
        }
        let heartbeat = heartbeat
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody { output in
                // Held by the body, so that it is given back with it, also where the client went before the body was asked for.
                defer { withExtendedLifetime(place) {} }
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    var writer = EventStreamWriter(body: output, heartbeat: heartbeat)
                    do {
                        try await writer.begin()
                        try await body(&writer)
                    } catch is CancellationError {
                        // The client went away: there is nobody to say anything to.
                    }
                    output = writer.body
                }
                try await output.finish(nil)
            })
    }

    @concurrent private func follow(
        _ filter: EventFilter, from start: Int64?, showing count: Int, since: Timestamp?,
        writer: inout EventStreamWriter
    ) async throws {
        var cursor = start ?? 0
        if start == nil {
            for event in try await store.latestEvents(filter: filter, limit: count) {
                cursor = event.id
                guard event.at >= since ?? event.at else { continue }
                try await writer.send(EventView(event), event: "event", id: event.id)
            }
        }
        while !Task.isShuttingDownGracefully {
            let news = try await tail.news(after: cursor, filter)
            for event in news.events { try await writer.send(EventView(event), event: "event", id: event.id) }
            cursor = news.cursor
            try await writer.keepAlive()
            if !news.isCut { try await Task.sleep(for: pollInterval.duration) }
        }
    }

    /// Sends the whole rollout at first, then whenever something of it, or what it waits for, changed; ends with the rollout.
    @concurrent private func watch(_ name: RolloutName, writer: inout EventStreamWriter) async throws {
        let filter = EventFilter(rollout: name)
        var cursor = try await store.latestEvents(filter: filter, limit: 1).last?.id ?? 0
        var last: RolloutView?
        var polls = 0
        var isDue = true
        // The last row about it: what is shown is not from before that.
        var changed = cursor
        while !Task.isShuttingDownGracefully {
            let news = try await tail.news(after: cursor, filter)
            cursor = news.cursor
            if let row = news.events.last?.id { changed = row }
            // What it waits for changes without a row too: an agent falls silent, a region is paused.
            isDue = isDue || last == nil || !news.events.isEmpty || polls % 8 == 0
            polls += 1
            if isDue, let view = try await tail.rollout(name, notBefore: changed) {
                isDue = false
                if view != last { try await writer.send(view, event: "rollout", id: cursor) }
                last = view
                if view.status.isEnded { return }
            }
            try await writer.keepAlive()
            try await Task.sleep(for: pollInterval.duration)
        }
    }
}

extension Request {
    fileprivate func eventFilter() throws -> EventFilter {
        func name<Kind>(_ parameter: String) throws -> Name<Kind>? {
            try uri.queryParameters.get(parameter).map { try Name<Kind>($0) }
        }
        return EventFilter(
            rollout: try name("rollout"), application: try name("application"), cluster: try name("cluster"),
            region: try name("region"))
    }

    /// Where a broken stream goes on.
    fileprivate func lastEventID() throws(Problem) -> Int64? {
        let header = headers.first { $0.name.canonicalName == "last-event-id" }
        guard let text = header?.value, !text.isEmpty else { return nil }
        guard let id = Int64(text), id >= 0 else {
            throw Problem.malformed("Last-Event-ID is '\(text.prefix(40))'; it is a number from an earlier stream")
        }
        return id
    }
}
