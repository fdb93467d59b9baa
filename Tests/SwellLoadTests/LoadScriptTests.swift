internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellLoad

@Suite struct LoadScriptTests {
    private let release = ContentDigest(of: Array("one".utf8))

    @Test func aScriptSaysTheSameAtEveryRunAndSpreadsOverClusters() throws {
        let script = LoadScript(apply: .init(100, 300), ready: .init(50, 50), failing: 100)
        let names = try FleetMaker.names(2_000)
        let times = names.map { script.applyTime(of: release, on: $0).milliseconds }
        #expect(times == names.map { script.applyTime(of: release, on: $0).milliseconds })
        #expect(times.allSatisfy { (100...300).contains($0) })
        #expect(Set(times).count > 150)
        #expect(names.allSatisfy { script.readyTime(of: release, on: $0) == .milliseconds(50) })
        let failing = names.count { script.fails(release, on: $0) }
        #expect((120...280).contains(failing), "a tenth of 2,000: \(failing)")
    }

    @Test func namesSortAsTheyCount() throws {
        let names = try FleetMaker.names(12_000)
        #expect(names.first?.rawValue == "load-00001")
        #expect(names == names.sorted())
    }

    @Test func aMarkIsReadAsItWasWritten() throws {
        let marks = [
            LoadMark(.connected, of: "load-00001", at: 7),
            LoadMark(.healthy, of: "load-00002", application: "shop", generation: 3, at: 8),
        ]
        #expect(marks.map { LoadMark(line: $0.line.dropLast()) } == marks)
        #expect(LoadMark(line: "7\tasleep\tload-00001\t-\t0") == nil)
    }

    @Test func quantilesAreValuesThatWereMeasured() {
        let samples = Samples((1...200).map(Double.init))
        #expect([samples.p50, samples.p99, samples.max] == [100, 198, 200])
        #expect(Samples([]).p99 == 0)
        #expect(Samples([5]).p99 == 5)
    }

    /// What the cluster says of one order, until `count` words have come or it has ended.
    private func words(
        of order: AgentAction, on cluster: ScriptedCluster, count: Int,
        afterEach: @escaping @Sendable (Int) -> Void = { _ in }
    ) async -> [AgentEvent] {
        let (stream, continuation) = AsyncStream.makeStream(of: AgentEvent.self)
        return await withTaskGroup(of: [AgentEvent].self) { group in
            group.addTask {
                await cluster.carryOut(order) { continuation.yield($0) }
                continuation.finish()
                return []
            }
            group.addTask {
                var heard: [AgentEvent] = []
                for await event in stream {
                    heard.append(event)
                    afterEach(heard.count)
                    if heard.count == count { break }
                }
                return heard
            }
            var heard: [AgentEvent] = []
            while let some = await group.next() {
                heard += some
                if !some.isEmpty { group.cancelAll() }
            }
            return heard
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPlayedClusterFailsWhatItIsToFailAndNeverAWayBack() async throws {
        let cluster = ScriptedCluster("load-00001", script: LoadScript(apply: .init(0, 0), failing: 1_000))
        let reference = ReleaseReference(version: "1.0.0", digest: release)
        let forward = AgentWork(application: "shop", generation: 1, kind: .forward(reference))
        let heard = await words(of: .apply(forward), on: cluster, count: 1)
        guard case .workFailed(forward, let failure)? = heard.first else {
            Issue.record("it did not fail: \(heard)")
            return
        }
        #expect(!failure.isTransient)
        let back = AgentWork(application: "shop", generation: 1, kind: .revert(reference))
        #expect(await words(of: .apply(back), on: cluster, count: 1) == [.workFinished(back)])
    }

    @Test(.timeLimit(.minutes(1))) func whatBecameReadyIsHealthyAtOnceWhenItIsWatchedAgain() async throws {
        let cluster = ScriptedCluster(
            "load-00001", script: LoadScript(apply: .init(0, 0), ready: .init(20, 20)))
        let work = AgentWork(
            application: "shop", generation: 1, kind: .forward(ReleaseReference(version: "1.0.0", digest: release)))
        let first = await words(of: .watch(work, .correct), on: cluster, count: 3) {
            // Healthy: from now on it has more to say when it is asked to.
            if $0 == 2 { cluster.speak() }
        }
        #expect(
            first.prefix(2) == [
                .healthObserved(work, ObservedHealth(.progressing)), .healthObserved(work, ObservedHealth(.healthy)),
            ])
        guard case .driftObserved(work, let finding)? = first.last else {
            Issue.record("it said nothing more: \(first)")
            return
        }
        #expect(finding.isCorrected)
        let again = await words(of: .watch(work, .correct), on: cluster, count: 1)
        #expect(again == [.healthObserved(work, ObservedHealth(.healthy))])
    }
}
