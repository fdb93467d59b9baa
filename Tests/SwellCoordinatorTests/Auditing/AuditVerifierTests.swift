internal import Foundation
internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// The audit log of a whole rollout, as it is and as it must not be.
@Suite struct AuditVerifierTests {
    /// A rollout decided to its end.
    private struct Story {
        let store = MemoryStore { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
        var plan: Rollout
        var end: Rollout
        var rows: [Transition]

        init() async throws {
            try await ReplicaFixture.start("shop-1", in: store)
            let lease = try #require(
                try await store.acquireLease("rollout/shop-1", holder: "a", lifetime: .minutes(1)))
            var cursor: Int64 = 0
            var rounds = 0
            while try await store.rollout("shop-1")?.phase.isEnded == false, rounds < 100 {
                rounds += 1
                _ = try await store.decide("shop-1", under: lease, DecisionMaker.decide)
                let changed = try await store.assignments(changedAfter: cursor)
                cursor = changed.cursor
                _ = try await store.ingest(changed.assignments.map { ReplicaFixture.healthy($0) })
            }
            plan = try #require(try await store.plan(of: "shop-1"))
            end = try #require(try await store.rollout("shop-1"))
            rows = try await store.transitions(of: "shop-1")
            #expect(end.phase == .succeeded)
        }
    }

    @Test func aLogThatTellsAllIsFoundWhole() async throws {
        let story = try await Story()
        let outcome = try await AuditVerifier(store: story.store).verify()
        #expect(outcome == AuditVerifier.Outcome(rollouts: 1, transitions: story.rows.count))
    }

    @Test func everyRowThatIsMissingIsNoticed() async throws {
        let story = try await Story()
        for index in story.rows.indices {
            var rows = story.rows
            let removed = rows.remove(at: index)
            let findings =
                AuditVerifier.gaps(in: rows, of: story.plan)
                + AuditVerifier.differences(Transition.replay(onto: story.plan, rows), story.end)
            // A row that only changed particulars which a later one repeats leaves no trace: it carries the whole value.
            guard removed.from != removed.to else { continue }
            #expect(!findings.isEmpty, "nobody missed \(removed.subject) to \(removed.to)")
        }
    }

    @Test func aStateThatTheLogDoesNotLeadToIsNamed() async throws {
        let story = try await Story()
        var stored = story.end
        stored.targets["west-1"] = TargetState(
            cluster: "west-1", region: "west", stage: 0, phase: .failed, changedAt: Timestamp(milliseconds: 1))
        let findings = AuditVerifier.differences(Transition.replay(onto: story.plan, story.rows), stored)
        #expect(
            findings.map(\.description) == [
                "rollout/shop-1: target west-1 is healthy by the log and failed in the state"
            ])
        stored = story.end
        stored.phase = .aborted
        #expect(
            AuditVerifier.differences(story.end, stored).map(\.description) == [
                "rollout/shop-1: the rollout is succeeded by the log and aborted in the state"
            ])
    }

    @Test func aGenerationThatFallsIsNamed() {
        func change(_ rollout: RolloutName, _ generation: Int64, at milliseconds: Int64)
            -> AuditVerifier.GenerationChange
        {
            AuditVerifier.GenerationChange(
                rollout: rollout, application: "shop", cluster: "west-1", generation: generation,
                at: Timestamp(milliseconds: milliseconds))
        }
        let rising = [change("b", 3, at: 30), change("a", 1, at: 10), change("a", 2, at: 20)]
        #expect(AuditVerifier.falls(in: rising).isEmpty)
        let findings = AuditVerifier.falls(in: rising + [change("c", 3, at: 40), change("d", 2, at: 50)])
        #expect(findings.map(\.rollout) == ["c", "d"])
    }

    @Test func aRolloutThatNeverRestsEndsTheReadingAndOneThatDoesIsReadOn() async throws {
        let story = try await Story()
        var reads = 0
        // Each look at the rollout finds it further on, up to its end.
        func state(restingAt end: Int) -> Rollout? {
            reads += 1
            return Transition.replay(onto: story.plan, Array(story.rows.prefix(min(reads, end))))
        }
        func rows(after cursor: Int64) -> (transitions: [Transition], cursor: Int64) {
            let next = story.rows.prefix(reads).dropFirst(Int(cursor)).prefix(2)
            return (Array(next), cursor + Int64(next.count))
        }
        let restless = try await AuditVerifier.consistentReading(attempts: 3) { () throws(StoreError) in
            state(restingAt: .max)
        } rows: { after throws(StoreError) in
            rows(after: after)
        }
        #expect(restless == nil)
        reads = story.rows.count - 2
        let settled = try await AuditVerifier.consistentReading(attempts: 5) { () throws(StoreError) in
            state(restingAt: story.rows.count)
        } rows: { after throws(StoreError) in
            rows(after: after)
        }
        #expect(settled?.0 == story.end)
        #expect(settled?.1 == story.rows)
    }
}
