internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

/// What those who watch one rollout at a replica share.
@Suite(.timeLimit(.minutes(1))) struct SharedViewTests {
    private final class Tally: Sendable {
        private let number = Mutex(0)
        var value: Int { number.withLock(\.self) }
        @discardableResult
        func add() -> Int {
            number.withLock { number in
                number += 1
                return number
            }
        }
    }

    /// A view is expensive: the rollout, what surrounds it, and what it waits for.
    @Test func tenWhoWatchCostOneViewAChange() async throws {
        let store = MemoryStore(clock: { Timestamp(milliseconds: 1_000) })
        let reads = Tally()
        let open = Tally()
        let view = RolloutView(
            Rollout(
                header: RolloutHeader(
                    name: "r1", application: "shop", kind: .release,
                    release: ReleaseReference(version: "1", digest: ContentDigest(of: [1])),
                    policy: RolloutPolicy(name: "all", stages: []), strategy: ApplicationStrategy(), createdBy: "ann",
                    createdAt: Timestamp(milliseconds: 0)), stages: [], targets: [:]), waitingFor: [])
        let tail = AuditTail(log: store, interval: .seconds(60)) { _ in
            let number = reads.add()
            while open.value < number { try await Task.sleep(for: .milliseconds(1)) }
            return view
        }
        for change in 1...3 as ClosedRange<Int64> {
            let asked = Tally()
            let shown = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        while try await tail.rollout("r1", notBefore: change) == nil {
                            asked.add()
                            try await Task.sleep(for: .milliseconds(1))
                        }
                        shown.add()
                    }
                }
                // The nine others ask while it is read.
                while asked.value < 9 { try await Task.sleep(for: .milliseconds(1)) }
                open.add()
                try await group.waitForAll()
            }
            #expect(shown.value == 10)
            #expect(reads.value == Int(change))
        }
    }
}
