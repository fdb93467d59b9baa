internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellAgent

/// Previews through the whole agent, with a cluster in memory.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PreviewTests {
    private func world(_ body: @escaping @Sendable (AgentWorld, FakeCluster) async throws -> Void) async throws {
        try await withDirectory { directory in
            let cluster = FakeCluster()
            let world = try await AgentWorld(directory: directory, cluster: cluster)
            try await world.coordinator.serve { try await body(world, cluster) }
        }
    }

    private static func question(
        _ id: Int64, _ assignment: AgentWorld.DesiredRelease, application: ApplicationName = "shop",
        limit: Interval = .seconds(20)
    ) -> PreviewQuestion {
        PreviewQuestion(id: id, application: application, release: assignment.reference, timeLimit: limit)
    }

    private func answer(_ id: Int64, _ world: AgentWorld) async throws -> PreviewAnswer {
        try await eventually("answered") { await world.coordinator.previews[id] != nil }
        return try #require(await world.coordinator.previews[id]?.first)
    }

    @Test func aReleaseThatWasNeverAssignedIsFetchedRenderedAndPreviewed() async throws {
        try await world { world, cluster in
            let two = try await world.release("2.0.0")
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                try await world.coordinator.ask(Self.question(1, two))
                let answer = try await answer(1, world)
                #expect(answer.objects.map(\.message) == ["2.0.0"])
                #expect(answer.unchanged == 1)
                #expect(await cluster.applied.isEmpty)
                #expect(await world.coordinator.hellos.first?.capabilities == ["preview"])
            }
        }
    }

    @Test func onePreviewAtATimeAndThoseBeyondTheQueueAreRefused() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            await cluster.block("preview")
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                try await world.coordinator.ask(Self.question(1, one))
                try await eventually("under way") { await cluster.previewed.count == 1 }
                for id in 2...8 as ClosedRange<Int64> { try await world.coordinator.ask(Self.question(id, one)) }
                // Asked again, as after a reconnect, a question takes no second place.
                try await world.coordinator.ask(Self.question(2, one))
                for id in 6...8 as ClosedRange<Int64> {
                    #expect(try await answer(id, world).failure?.reason == "Busy")
                }
                #expect(await cluster.previewed.count == 1)
                await cluster.unblock("preview")
                for id in 1...5 as ClosedRange<Int64> { #expect(try await answer(id, world).failure == nil) }
                #expect(await world.coordinator.previews[2]?.count == 1)
            }
        }
    }

    @Test func aPreviewThatHangsHoldsUpNoReleaseAndEndsInTime() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            await cluster.block("preview")
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                try await world.coordinator.ask(Self.question(1, two, limit: .seconds(2)))
                try await eventually("under way") { await cluster.previewed.count == 1 }
                try await world.coordinator.assign(one.assignment(1))
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                #expect(try await answer(1, world).failure?.reason == "Late")
            }
        }
    }

    @Test func whyThereIsNoAnswerIsSaid() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let unknown = AgentWorld.DesiredRelease(
                application: "shop", reference: ReleaseReference(version: "9", digest: ContentDigest(of: [9])))
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                try await world.coordinator.ask(Self.question(1, unknown))
                #expect(try await answer(1, world).failure?.reason == "ContentUnavailable")
                try await world.coordinator.ask(Self.question(2, one, application: "other"))
                #expect(try await answer(2, world).failure?.reason == "Unrenderable")
                await cluster.setAway(true)
                try await world.coordinator.ask(Self.question(3, one))
                #expect(try await answer(3, world).failure?.message == "no answer")
            }
        }
    }
}
