internal import AsyncSupport
internal import KubernetesObjects
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Questions from the store to the agents' sessions, and their answers back, over real sockets.
@Suite(.timeLimit(.minutes(3))) struct PreviewTests {
    private static let able = PortFixture.hello(capabilities: [WireLimits.previewCapability])
    private static let answer = PreviewAnswer(
        objects: [
            ObjectChange(
                apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "settings", action: .update,
                fields: [ChangedField(path: "data.a", before: 1, after: 2)])
        ], unchanged: 1)

    private func ask(_ fixture: PortFixture, _ clusters: [ClusterName] = ["east-1"]) async throws -> [Int64] {
        let asked = try await fixture.store.askPreviews(
            of: SmallFleet.release, application: SmallFleet.shop, on: clusters, lifetime: .seconds(20))
        fixture.previewsWanted.send()
        return asked.map(\.id)
    }

    private static func asked(_ session: TestSession) -> [Int64] {
        session.heard.entries.compactMap { event in
            if case .previewRequested(let question) = event { question.id } else { nil }
        }
    }

    @Test func aQuestionReachesItsAgentOnceAndItsAnswerTheStore() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential, first: Self.able) { session in
                try await session.isWelcomed()
                let ids = try await ask(fixture, ["east-1", "west-1"])
                try await soon("the question arrives") { Self.asked(session) == [ids[0]] }
                // Asked again and again, it is told once.
                let more = try await ask(fixture)
                try await soon("the next arrives") { Self.asked(session) == [ids[0], more[0]] }
                for part in PreviewPart.parts(of: Self.answer, to: ids[0]) { session.say(.previewPart(part)) }
                try await soon("the answer is stored") {
                    try await fixture.store.previewAnswers(to: ids) == [ids[0]: Self.answer]
                }
                // Whose answer it is says the certificate: another cluster's question cannot be answered.
                for part in PreviewPart.parts(of: Self.answer, to: ids[1]) { session.say(.previewPart(part)) }
                session.say(.report(id: 1, []))
                try await session.hears("the acknowledgement") { $0 == .reportsAcknowledged([1]) }
                #expect(try await fixture.store.previewAnswers(to: ids).count == 1)
            }
        }
    }

    @Test func whatWasNotAskedHereIsNotStored() async throws {
        let fixture = try await PortFixture { $0.paces.previews = .hours(1) }
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential, first: Self.able) { session in
                try await session.isWelcomed()
                // The round that a new session makes is over when it has found this one.
                let first = try await ask(fixture)
                try await soon("the first is asked") { Self.asked(session) == first }
                // Open, for this very cluster, and nobody has told the agent.
                let open = try await fixture.store.askPreviews(
                    of: SmallFleet.release, application: SmallFleet.shop, on: ["east-1"], lifetime: .seconds(20))
                for part in PreviewPart.parts(of: Self.answer, to: open[0].id) { session.say(.previewPart(part)) }
                session.say(.report(id: 1, []))
                try await session.hears("the acknowledgement") { $0 == .reportsAcknowledged([1]) }
                #expect(try await fixture.store.previewAnswers(to: open.map(\.id)).isEmpty)
            }
        }
    }

    @Test func aQuestionThatIsOpenIsAskedAgainInTheNextSession() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            let ids = try await ask(fixture)
            for _ in 0..<2 {
                try await fixture.session(credential, first: Self.able) { session in
                    try await soon("the question arrives") { Self.asked(session) == ids }
                }
            }
        }
    }

    @Test func anAgentThatHasNoPreviewsIsNotAskedAndTheAskerIsTold() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential) { session in
                try await session.isWelcomed()
                let ids = try await ask(fixture)
                try await soon("the asker is told") {
                    try await fixture.store.previewAnswers(to: ids)[ids[0]]?.failure?.reason == "Unsupported"
                }
                #expect(Self.asked(session).isEmpty)
            }
        }
    }
}
