internal import PostgresTesting
internal import Testing

@testable internal import PostgresClient

@Suite("Notifications", .timeLimit(.minutes(1)))
struct ListenerTests {
    /// Runs a listener for as long as the closure runs.
    private func withListener(
        _ configuration: PostgresConfiguration, checkInterval: Duration = .seconds(15),
        _ body: @Sendable (PostgresListener) async throws -> Void
    ) async throws {
        let listener = PostgresListener(configuration: configuration, checkInterval: checkInterval)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            try await body(listener)
            group.cancelAll()
        }
    }

    private func payload(_ event: PostgresListenerEvent?) -> String? {
        guard case .notification(let notification)? = event else { return nil }
        return notification.payload
    }

    @Test func whatArrivesWithAnAnswerIsHeard() async throws {
        try await withConnection { connection in
            await connection.keepNotifications()
            // The server sends the notification before it says that the pipeline is done.
            try await connection.pipeline([
                PostgresStatement("LISTEN own"), PostgresStatement("SELECT pg_notify('own', 'x')"),
            ])
            try await connection.query("SELECT 1")
            let heard = try await connection.waitForNotifications(upTo: .seconds(5))
            #expect(heard.map(\.payload) == ["x"])
        }
    }

    @Test func subscribersHearTheirChannel() async throws {
        let configuration = try await PostgresServer.shared().createDatabase().configuration
        try await withConnection(to: configuration) { speaker in
            try await withListener(configuration) { listener in
                try await listener.withSubscription(to: "rollouts") { first in
                    var events = first.makeAsyncIterator()
                    let start = await events.next()
                    #expect(start == .mayHaveMissed(.started))
                    // A second one joins while the listener waits.
                    try await listener.withSubscription(to: "Other \"channel\"") { second in
                        var others = second.makeAsyncIterator()
                        let otherStart = await others.next()
                        #expect(otherStart == .mayHaveMissed(.started))
                        try await speaker.pipeline([
                            PostgresStatement("SELECT pg_notify('Other \"channel\"', 'x')"),
                            PostgresStatement("SELECT pg_notify('rollouts', $1)", ["one"]),
                            PostgresStatement("SELECT pg_notify('rollouts', $1)", ["two"]),
                        ])
                        let heard = payload(await others.next())
                        #expect(heard == "x")
                    }
                    let one = payload(await events.next())
                    let two = payload(await events.next())
                    #expect(one == "one" && two == "two")
                }
            }
        }
    }

    @Test func aLostConnectionIsAGap() async throws {
        let configuration = try await PostgresServer.shared().createDatabase().configuration
        try await withConnection(to: configuration) { speaker in
            try await withListener(configuration.setting(["application_name": "gap"])) { listener in
                try await listener.withSubscription(to: "c") { subscription in
                    var events = subscription.makeAsyncIterator()
                    _ = await events.next()
                    try await speaker.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gap' AND datname = current_database()"
                    )
                    let gap = await events.next()
                    #expect(gap == .mayHaveMissed(.reconnected))
                    try await speaker.query("SELECT pg_notify('c', 'again')")
                    let again = payload(await events.next())
                    #expect(again == "again")
                }
            }
        }
    }

    @Test func slowReadersLearnThatTheyMissedSome() async throws {
        let configuration = try await PostgresServer.shared().createDatabase().configuration
        try await withConnection(to: configuration) { speaker in
            try await withListener(configuration) { listener in
                try await listener.withSubscription(to: "c", limit: 5) { slow in
                    try await listener.withSubscription(to: "c", limit: 100) { quick in
                        var slowEvents = slow.makeAsyncIterator()
                        var quickEvents = quick.makeAsyncIterator()
                        _ = await slowEvents.next()
                        _ = await quickEvents.next()
                        try await speaker.query("SELECT pg_notify('c', n::text) FROM generate_series(1, 6) AS n")
                        for number in 1...6 {
                            let heard = payload(await quickEvents.next())
                            #expect(heard == "\(number)")
                        }
                        let missed = await slowEvents.next()
                        #expect(missed == .mayHaveMissed(.overflowed))
                    }
                }
            }
        }
    }

    @Test func subscriptionsEndWithTheListener() async throws {
        let configuration = try await PostgresServer.shared().createDatabase().configuration
        let listener = PostgresListener(configuration: configuration)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await listener.run() }
            await listener.withSubscription(to: "c") { subscription in
                for await event in subscription where event == .mayHaveMissed(.started) { group.cancelAll() }
            }
        }
        await listener.withSubscription(to: "c") { subscription in
            for await event in subscription { Issue.record("\(event) after the end") }
        }
    }
}
