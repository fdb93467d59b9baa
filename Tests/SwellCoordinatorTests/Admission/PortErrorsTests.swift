internal import GRPCCore
internal import Logging
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

@Suite struct PortErrorsTests {
    @Test func anAgentThatGoesAwayIsNoFailureOfTheCoordinator() {
        let lost = RPCError(code: .unavailable, message: "Stream unexpectedly closed.")
        #expect(lost.isLostPeer)
        #expect(Logger.Level(ofEnd: lost) == .debug)
    }

    @Test func whatTheCoordinatorLacksIsToldLoudly() {
        let away = StoreError(code: .unavailable, message: "the database is away")
        #expect(RPCError(reporting: away).code == .unavailable)
        #expect(!away.isLostPeer)
        #expect(Logger.Level(ofEnd: away) == .error)
        #expect(Logger.Level(ofEnd: WireError(.missingField, at: "hello", "expected hello")) == .info)
    }
}
