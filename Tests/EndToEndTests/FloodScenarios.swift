internal import Foundation
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import SwiftProtobuf
internal import Synchronization
internal import Testing

/// One agent among others says what it has to say as fast as the connection takes it. The others' rollout does not notice, and the
/// coordinator's memory neither.
@Suite(.serialized) struct FloodScenarios {
    private static let flooder = "usw1-flood"
    private static let regions = FaultSettings.regions.merging(["us-west-1": [flooder]]) { $0 + $1 }

    /// What the flood is made of.
    private enum Flood: String, CaseIterable, Sendable {
        /// One status a message.
        case drops
        /// As many statuses of as many applications as a message takes, with long texts.
        case waves

        /// Statuses of a message.
        var size: Int { self == .drops ? 1 : 900 }
    }

    @Test func anAgentThatFloodsReportsSlowsNobodyElse() async throws {
        try await withFleet(Self.regions) { fleet in
            try await fleet.apply(FaultSettings.documents(soak: "1s"))
            try await fleet.withStore { store in try await play(fleet, store) }
        }
    }

    private func play(_ fleet: Fleet, _ store: PostgresStore) async throws {
        let coordinator = try #require(await fleet.coordinators["a"])
        var calm: Duration = .zero
        for version in ["1.0.0", "2.0.0"] {
            calm = try await roll(version, fleet, store)
            try await store.awaited("to-\(version)", "over") { $0.phase == .succeeded }
        }
        for (number, flood) in (FaultSettings.isFull ? Flood.allCases : [.waves]).enumerated() {
            let agent = try await ForgedAgent(inPlaceOf: Self.flooder, fleet)
            let before = coordinator.residentMemory()
            let storedBefore = try await fleet.metric("swell_reports_stored_total")
            let poured = Poured()
            let start = ContinuousClock.now
            let pouring = Task { await Self.pour(flood, agent, poured) }
            try await eventually("the flood to be at its height", within: .seconds(30)) {
                poured.statuses > 4_000 ? true : nil
            }
            let flooded = try await roll("\(3 + number).0.0", fleet, store)
            let after = coordinator.residentMemory()
            let stored = try await fleet.metric("swell_reports_stored_total") - storedBefore
            pouring.cancel()
            await pouring.value
            let length = Double((ContinuousClock.now - start) / .milliseconds(1)) / 1_000
            try await fleet.startAgent(Self.flooder)
            try await store.awaited("to-\(3 + number).0.0", "over") { $0.phase == .succeeded }
            print(
                "flood of \(flood.rawValue): the rollout took \(flooded), \(calm) without it; the coordinator held \(after) "
                    + "MiB, \(before) before; \(poured.statuses) statuses were said and "
                    + "\(stored) stored in \(length) s, in \(poured.sessions) sessions"
            )
            #expect(flooded < calm * 2 + .seconds(10))
            #expect(after < before + 200, "\(after) MiB, \(before) before")
            // A burst, then two hundred a second; the others' few are among it.
            #expect(Double(stored) < 4_000 + 200 * length + 1_000, "it was not held back: \(stored) in \(length) s")
            #expect(stored > 500, "there was no flood")
        }
        #expect(fleet.printed("coordinator-a").contains("reports are held back"))
        print("judgement: \(try await judge(fleet))")
    }

    /// Rolls a release out over all of them, the flooder too; returns how long it took until the others ran it.
    private func roll(_ version: String, _ fleet: Fleet, _ store: PostgresStore) async throws -> Duration {
        try await fleet.release(
            "web", version, manifests: Documents.manifests(image: "registry.example/web:\(version)"))
        let clock = ContinuousClock()
        let start = clock.now
        try await fleet.start(version, name: "to-\(version)")
        try await store.awaited("to-\(version)", "healthy but at the flooder's") { rollout in
            rollout.targets.values.allSatisfy { $0.phase == .healthy || $0.cluster.rawValue == Self.flooder }
        }
        return clock.now - start
    }

    /// What was poured so far.
    private final class Poured: Sendable {
        private let counts = Mutex((statuses: 0, sessions: 0))
        var statuses: Int { counts.withLock { $0.statuses } }
        var sessions: Int { counts.withLock { $0.sessions } }

        func said(_ number: Int) { counts.withLock { $0.statuses += number } }
        func beginSession() { counts.withLock { $0.sessions += 1 } }
    }

    /// Pours until cancelled, session after session. What it says of what it was assigned is what an honest agent would say.
    private static func pour(_ flood: Flood, _ agent: ForgedAgent, _ poured: Poured) async {
        while !Task.isCancelled {
            _ = try? await agent.converse { session in
                try await session.welcomed()
                poured.beginSession()
                let rest = (1..<flood.size).map { number in
                    Swell_V1_ApplicationStatus.with {
                        $0.application = "nobodys-\(number)"
                        $0.phase = .verifying
                        $0.health = .progressing
                        $0.message = String(repeating: "x", count: 1_000)
                    }
                }
                var id: UInt64 = 0
                while !Task.isCancelled {
                    id += 1
                    try await session.report(id, [status(session)] + rest)
                    poured.said(flood.size)
                }
            }
        }
    }

    private static func status(_ session: ForgedSession) -> Swell_V1_ApplicationStatus {
        let assignment = session.heard.assignments["web"]
        return .with {
            $0.application = "web"
            $0.generation = assignment?.generation ?? 0
            $0.epoch = assignment?.epoch ?? 0
            $0.digest = assignment?.run.digest ?? ""
            $0.phase = .healthy
            $0.health = .healthy
        }
    }
}
