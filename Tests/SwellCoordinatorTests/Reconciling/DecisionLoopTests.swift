internal import AsyncSupport
internal import Foundation
internal import Logging
internal import PostgresClient
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellCoordinator

/// What comes to be decided when, over a store in memory.
@Suite(.timeLimit(.minutes(3))) struct DecisionLoopTests {
    /// Decides as the reconciler does, but for what a test has it do instead.
    private final class Desk: Sendable {
        let store: MemoryStore
        let looks = Signal()
        private let begun = Mutex<[RolloutName]>([])
        private let lease: @Sendable (RolloutName) async throws(StoreError) -> Lease?

        init(_ store: MemoryStore) {
            self.store = store
            lease = { rollout throws(StoreError) in
                try await store.acquireLease(LeaseTable.name(of: rollout), holder: "a", lifetime: .minutes(5))
            }
        }

        func begins(of rollout: RolloutName) -> Int { begun.withLock { $0.count { $0 == rollout } } }

        func decide(_ rollout: RolloutName) async -> Result<DecisionQueue.Outcome, StoreError> {
            do throws(StoreError) {
                guard let lease = try await lease(rollout) else { return .success(.elsewhere) }
                let decision = try await store.decide(rollout, under: lease) { DecisionMaker.decideReviewed($0) }
                return .success(decision.rollout.phase.isEnded ? .ended : .decided)
            } catch { return .failure(error) }
        }

        /// Runs the loop while `body` does.
        func run(
            _ settings: Reconciler.Settings = Reconciler.Settings(),
            tick: @escaping @Sendable () -> Tick = MonotonicClock.live(), instead: @escaping DecisionLoop.Decide,
            while body: () async throws -> Void
        ) async throws {
            let loop = DecisionLoop(
                store: store, looks: looks, holder: "a", settings: settings, presence: nil, tick: tick,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { rollout in
                self.begun.withLock { $0.append(rollout) }
                return await instead(rollout)
            }
            let running = Task { await loop.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            running.cancel()
            await running.value
            try result.get()
        }
    }

    private func desk() -> Desk {
        Desk(MemoryStore { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) })
    }

    @Test func aSlowDecisionHoldsUpNoOther() async throws {
        let desk = desk()
        try await ReplicaFixture.start("giant", of: "giant", in: desk.store)
        let gate = Signal()
        try await desk.run(
            instead: { rollout in
                if rollout == "giant" { await gate.wait() }
                return await desk.decide(rollout)
            },
            while: {
                try await ReplicaFixture.eventually("the giant is in work") { desk.begins(of: "giant") == 1 }
                for name in ["fix-1", "fix-2", "fix-3"] as [ApplicationName] {
                    try await ReplicaFixture.start(RolloutName(name.rawValue), of: name, in: desk.store)
                    desk.looks.send()
                    try await ReplicaFixture.eventually("\(name) goes on beside it") {
                        try await desk.store.rollout(RolloutName(name.rawValue))?.phase == .progressing
                    }
                }
                #expect(desk.begins(of: "giant") == 1)
                #expect(try await desk.store.rollout("giant")?.phase == .scheduled)
                gate.send()
                try await ReplicaFixture.eventually("the giant is decided") {
                    try await desk.store.rollout("giant")?.phase == .progressing
                }
            })
    }

    @Test func decisionsThatHangLeaveAPlaceForAnOrder() async throws {
        let desk = desk()
        var settings = Reconciler.Settings()
        settings.concurrency = 3
        let names = (0..<4).map { ApplicationName(stringLiteral: "slow-\($0)") }
        for name in names { try await ReplicaFixture.start(RolloutName(name.rawValue), of: name, in: desk.store) }
        let hangs = Mutex(false)
        let gate = Signal()
        try await desk.run(
            settings,
            instead: { rollout in
                if hangs.withLock(\.self), rollout != "slow-3" { await gate.wait() }
                return await desk.decide(rollout)
            },
            while: {
                try await ReplicaFixture.eventually("all have begun") {
                    for name in names
                    where try await desk.store.rollout(RolloutName(name.rawValue))?.phase != .progressing {
                        return false
                    }
                    return true
                }
                hangs.withLock { $0 = true }
                let before = desk.begins(of: "slow-0") + desk.begins(of: "slow-1") + desk.begins(of: "slow-2")
                // The fleet changes: all are due.
                try await desk.store.setRegionPause(
                    "elsewhere", Pause(by: "ann", at: try await desk.store.now(), reason: nil), by: "ann")
                desk.looks.send()
                try await ReplicaFixture.eventually("two hang") {
                    desk.begins(of: "slow-0") + desk.begins(of: "slow-1") + desk.begins(of: "slow-2") >= before + 2
                }
                let record = try await desk.store.submit(.pause(.rollout, reason: nil), to: "slow-3", by: "ann") { _ in
                    nil
                }
                desk.looks.send()
                try await ReplicaFixture.eventually("the order is obeyed") {
                    try await desk.store.verdict(of: record.id) != nil
                }
                #expect(try await desk.store.rollout("slow-3")?.phase == .paused)
                hangs.withLock { $0 = false }
                while desk.begins(of: "slow-0") + desk.begins(of: "slow-1") + desk.begins(of: "slow-2") < before + 3 {
                    gate.send()
                    try await Task.sleep(for: .milliseconds(2))
                }
            })
    }

    /// The clock of what decisions cost stands, so that reports would wait for ever.
    @Test func anOrderIsDecidedAtOnceThoughReportsTrickle() async throws {
        let desk = desk()
        try await ReplicaFixture.start("shop-1", of: "shop", in: desk.store)
        let elapsed = Mutex<Int64>(0)
        try await desk.run(
            tick: { Tick(milliseconds: elapsed.withLock(\.self)) },
            instead: { rollout in
                elapsed.withLock { $0 += 2_000 }
                return await desk.decide(rollout)
            },
            while: {
                try await ReplicaFixture.eventually("it was decided on") { desk.begins(of: "shop-1") >= 1 }
                let assignment = try #require(try await desk.store.assignments(changedAfter: 0).assignments.first)
                let before = desk.begins(of: "shop-1")
                for _ in 0..<50 {
                    _ = try await desk.store.ingest([ReplicaFixture.healthy(assignment)])
                    desk.looks.send()
                    try await Task.sleep(for: .milliseconds(1))
                }
                #expect(desk.begins(of: "shop-1") == before)
                #expect(try await desk.store.dueRollouts(limit: 1) == ["shop-1"])
                let record = try await desk.store.submit(.pause(.rollout, reason: nil), to: "shop-1", by: "ann") { _ in
                    nil
                }
                desk.looks.send()
                try await ReplicaFixture.eventually("the order is obeyed") {
                    try await desk.store.verdict(of: record.id) != nil
                }
                #expect(desk.begins(of: "shop-1") == before + 1)
            })
    }

    /// More of them than one look reads, all due for longer: whatever fails, and whatever another replica holds.
    @Test(arguments: [true, false]) func aWindowFullOfWhatCannotBeDecidedHidesNothing(areBroken: Bool) async throws {
        let desk = desk()
        var settings = Reconciler.Settings()
        settings.batch = 4
        settings.poll = .milliseconds(20)
        for index in 0..<20 {
            let name = ApplicationName(stringLiteral: "old-\(index)")
            try await ReplicaFixture.start(RolloutName(name.rawValue), of: name, in: desk.store)
            guard !areBroken else { continue }
            let lease = LeaseTable.name(of: try RolloutName(name.rawValue))
            _ = try await desk.store.acquireLease(lease, holder: "b", lifetime: .minutes(5))
        }
        try await ReplicaFixture.start("ours", of: "ours", in: desk.store)
        try await desk.run(
            settings,
            instead: { rollout in
                guard rollout != "ours" else { return await desk.decide(rollout) }
                return .failure(StoreError(code: .internalError, message: "it is broken"))
            },
            while: {
                try await ReplicaFixture.eventually("ours is decided on") {
                    try await desk.store.rollout("ours")?.phase == .progressing
                }
                if !areBroken {
                    #expect((0..<20).allSatisfy { desk.begins(of: RolloutName(stringLiteral: "old-\($0)")) == 0 })
                }
            })
    }
}
