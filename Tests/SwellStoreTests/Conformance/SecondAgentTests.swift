internal import SwellModel
internal import Testing

@testable internal import SwellStore

/// Whether two agents live under one name, by the starts that begin sessions.
@Suite struct SecondAgentTests {
    private static let moment = Timestamp(milliseconds: 1_700_000_000_000)

    @Test(arguments: [
        // Restarts, and sessions of one start.
        (["a", "a", "b", "b", "c"], [StartStanding.sole, .sole, .sole, .sole, .sole]),
        // One that was frozen comes back, and ends; the other comes back.
        (["a", "b", "a", "b", "b", "c"], [.sole, .sole, .isBack, .isBack, .sole, .sole]),
        (["a", "b", "a", "b", "a", "b"], [.sole, .sole, .isBack, .isBack, .takesTurns, .takesTurns]),
        // Who takes a new id each time does not hide: the other is who comes back.
        (["a", "x", "a", "y", "a"], [.sole, .sole, .isBack, .sole, .takesTurns]),
        (["a", "b", "c", "b"], [.sole, .sole, .sole, .isBack]),
    ])
    func anIdThatReturnsIsASecondAgents(boots: [String], expected: [StartStanding]) {
        var history = BootHistory()
        let found = boots.enumerated().map { index, boot in
            history.note(
                AgentStart(bootID: boot, serial: "s1"), at: Self.moment + Interval.seconds(Int64(index)))
        }
        #expect(found == expected)
        #expect(history.isShared == expected.contains { $0 != .sole })
    }

    @Test func whatWasUnderAnotherCertificateOrADayAgoSaysNothing() {
        var history = BootHistory()
        func come(_ boot: String, _ serial: String = "s1", after: Interval) -> StartStanding {
            history.note(AgentStart(bootID: boot, serial: serial), at: Self.moment + after)
        }
        for (index, boot) in ["a", "b", "a", "b"].enumerated() {
            _ = come(boot, after: .seconds(Int64(index)))
        }
        // The owner has renewed, or joined again: whoever has the former certificate is out.
        #expect(come("a", "s2", after: .seconds(10)) == .sole)
        #expect(!history.isShared)
        #expect(come("b", "s2", after: .seconds(11)) == .sole)
        #expect(come("a", "s2", after: .hours(25)) == .sole)
    }

    @Test func itIsBoundedAndKeepsWhoCameBack() {
        var history = BootHistory()
        func come(_ boot: String) -> StartStanding {
            history.note(AgentStart(bootID: boot, serial: "s1"), at: Self.moment)
        }
        for boot in ["a", "x", "a"] { _ = come(boot) }
        for index in 0..<100 { #expect(come("restart-\(index)") == .sole) }
        #expect(come("a") == .takesTurns)
        #expect(come(String(repeating: "l", count: 100_000)) == .sole)
    }

    /// Whoever has a copy begins as often as the port takes it, each time as another.
    @Test func aFloodOfNewStartsHidesNobodyWhoComesBack() {
        var history = BootHistory()
        var now = Self.moment
        func come(_ boot: String, after: Interval) -> StartStanding {
            now = now + after
            return history.note(AgentStart(bootID: boot, serial: "s1"), at: now)
        }
        var owner: [StartStanding] = [come("owner", after: .zero)]
        for round in 0..<2 {
            for index in 0..<40 {
                #expect(come("copy-\(round)-\(index)", after: index == 0 ? .minutes(20) : .milliseconds(200)) == .sole)
            }
            owner.append(come("owner", after: .seconds(8)))
        }
        #expect(owner == [.sole, .isBack, .takesTurns])
    }

    /// Nor one that begins in the second in which the owner was restarted, so that nobody was followed sooner than he.
    @Test func aFloodAtTheOwnersOwnStartHidesNobodyWhoComesBack() {
        var history = BootHistory()
        var now = Self.moment
        var copies = 0
        func come(_ boot: String?, after: Interval) -> StartStanding {
            now = now + after
            if boot == nil { copies += 1 }
            return history.note(AgentStart(bootID: boot ?? "copy-\(copies)", serial: "s1"), at: now)
        }
        _ = come("before", after: .zero)
        _ = come("owner", after: .hours(10))
        #expect(come(nil, after: .milliseconds(100)) == .sole)
        for _ in 0..<15 { #expect(come(nil, after: .milliseconds(300)) == .sole) }
        var owner: [StartStanding] = []
        for _ in 0..<3 {
            owner.append(come("owner", after: .milliseconds(500)))
            #expect(come(nil, after: .milliseconds(100)) == .sole)
        }
        #expect(owner == [.isBack, .takesTurns, .takesTurns])
    }

    /// Nor one of starts that come back once each, until nobody is left who has not.
    @Test func manyThatComeBackOnceAreTold() {
        var history = BootHistory()
        var now = Self.moment
        func come(_ boot: String) -> StartStanding {
            now = now + .seconds(1)
            return history.note(AgentStart(bootID: boot, serial: "s1"), at: now)
        }
        _ = come("owner")
        for _ in 0..<2 {
            for index in 0..<4 { _ = come("copy-\(index)") }
        }
        #expect(come("owner") == .takesTurns)
    }

    /// Whoever sees to the second when the owner begins may make the history forget him each time: the owner is never seen to come back. But a
    /// start of another takes the place of one that is connected, and a crash takes the place of one that is gone.
    @Test(arguments: StoreForm.allCases)
    func whoTakesThePlaceOfALiveAgentAgainAndAgainIsToldOf(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            var count = 0
            func begin(_ boot: String, _ serial: String, of cluster: ClusterName) async throws -> StartStanding {
                count += 1
                return try await store.beginSession(
                    "session-\(count)", of: cluster, by: AgentStart(bootID: boot, serial: serial))
            }
            // One that crashes again and again, as its replica sees it, and sessions of one start.
            for round in 0..<20 {
                let standing = try await begin("start-\(round)", "s0", of: "east-1")
                #expect(standing == .sole)
                let again = try await begin("start-\(round)", "s0", of: "east-1")
                #expect(again == .sole)
                for isConnected in [true, false] {
                    try await store.noteConnection(
                        "east-1", replica: "a", agentVersion: "1", isConnected: isConnected)
                }
            }
            // Nobody comes back of whom it is known.
            var told: Int?
            _ = try await begin("owner", "s1", of: "east-1")
            for visit in 0..<40 where told == nil {
                try await store.noteConnection("east-1", replica: "a", agentVersion: "1", isConnected: true)
                let standing = try await begin("copy-\(visit)", "s1", of: "east-1")
                if standing == .takesTurns { told = visit }
            }
            #expect(told.map { $0 < 12 } == true, "told of at \(told.map { "\($0)" } ?? "no start")")
            // The owner has renewed.
            let renewed = try await begin("owner", "s2", of: "east-1")
            #expect(renewed == .sole)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func theStoreKnowsItWhicheverReplicaAsks(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func begin(_ session: String, _ boot: String) async throws -> StartStanding {
                try await store.beginSession(
                    session, of: "east-1", by: AgentStart(bootID: boot, serial: "s1"))
            }
            #expect(try await begin("one", "a") == .sole)
            #expect(try await store.overtaken(["east-1": "one", "west-1": "none"]).isEmpty)
            #expect(try await begin("two", "b") == .sole)
            #expect(try await store.overtaken(["east-1": "one"]) == ["east-1": false])
            #expect(try await begin("three", "a") == .isBack)
            #expect(try await store.overtaken(["east-1": "two"]) == ["east-1": true])
            #expect(try await begin("four", "b") == .isBack)
            #expect(try await begin("five", "a") == .takesTurns)
            #expect(try await store.overtaken([:]).isEmpty)
            // A replica of before says nothing of whose session it is.
            try await store.beginSession("six", of: "east-1")
            #expect(try await store.overtaken(["east-1": "five"]) == ["east-1": true])
            let stranger = try await store.beginSession(
                "seven", of: "nobody", by: AgentStart(bootID: "a", serial: "s1"))
            #expect(stranger == .sole)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func sharingIsAuditedOnceForACertificate(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            let note = CertificateNote(serial: "s1", keyFingerprint: "sha256:s1", expiresAt: later)
            #expect(try await store.spendToken(hash: "h1", for: note) == "east-1")
            for cluster in ["east-1", "east-1", "west-1"] as [ClusterName] {
                try await store.reportSharing(of: CertificateUse(cluster, serial: "s1"), reason: "two agents")
            }
            let told = try await store.latestEvents(filter: EventFilter(), limit: 100)
                .filter { $0.what == "cluster.clone-suspected" }
            #expect(told.map(\.to) == ["s1"] && told.map(\.cluster) == ["east-1"])
            #expect(try await store.standing(of: CertificateUse("east-1", serial: "s1")).counts)
        }
    }
}
