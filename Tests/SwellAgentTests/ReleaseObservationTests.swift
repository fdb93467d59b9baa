internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

@Suite struct ReleaseObservationTests {
    private let selection = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop")

    private func health(_ board: ReleaseObservation) throws -> ObservedHealth? {
        let object = KubernetesObject(type: selection.type, namespace: "shop", name: "settings")
        let now = ContinuousClock.now
        return try board.health(
            of: [object], unserved: [], needed: [selection], now: .wall, unreachableSince: now - .seconds(10))
    }

    private func listed() throws -> ReleaseObservation {
        let board = ReleaseObservation(checks: [], classes: StorageClasses(), evidence: EvidenceLedger())
        let object = KubernetesObject(type: selection.type, namespace: "shop", name: "settings")
        #expect(!board.take(.listed([object]), of: selection, at: .now))
        return board
    }

    @Test func whatWasOnlyListedIsNotToldYet() throws {
        let board = try listed()
        #expect(try health(board) == nil)
        _ = board.take(.watching, of: selection, at: .now)
        #expect(try health(board)?.health == .healthy)
    }

    @Test func aWatchThatIsTriedAgainLeavesWhatWasListed() throws {
        let board = try listed()
        _ = board.take(.interrupted(KubernetesError(code: .noAnswer, message: "cut")), of: selection, at: .now)
        #expect(try health(board)?.health == .healthy)
    }

    @Test func aWatchThatEndedForGoodIsToldInsteadOfWhatWasListed() throws {
        let board = try listed()
        _ = board.take(.watching, of: selection, at: .now)
        board.fail(KubernetesError(code: .refused, message: "may not watch"))
        #expect(throws: KubernetesError.self) { try health(board) }
    }
}
