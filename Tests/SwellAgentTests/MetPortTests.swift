internal import HandshakeProbe
internal import Testing

@testable internal import SwellAgent

/// Which port it was, by how it shook hands.
@Suite struct MetPortTests {
    private static func seen(_ change: (inout SeenHandshake) -> Void) -> SeenHandshake {
        var seen = SeenHandshake()
        change(&seen)
        return seen
    }

    static let cases: [(SeenHandshake, MetPort?)] = [
        (seen { $0.isPlain = true }, .withoutTLS),
        (seen { $0.refusesProtocols = true }, .http),
        (seen { ($0.isShown, $0.isCompleted, $0.agreed) = (true, true, "http/1.1") }, .http),
        (seen { ($0.isShown, $0.isCompleted, $0.agreed) = (true, true, nil) }, .http),
        (seen { ($0.isShown, $0.isCompleted, $0.agreed) = (true, true, "h2") }, .enrolment),
        (seen { ($0.isShown, $0.isCompleted, $0.agreed, $0.isCut) = (true, true, "h2", true) }, .sessions),
        (seen { ($0.isShown, $0.isCut) = (true, true) }, .sessions),
        // Nothing is known of what says nothing, or hangs up before it shows who it is.
        (seen { ($0.isLate, $0.isCut) = (true, true) }, nil),
        (seen { ($0.isShown, $0.isLate, $0.isCut) = (true, true, true) }, nil),
        (seen { $0.isCut = true }, nil),
        (seen { _ in }, nil),
    ]

    @Test(arguments: cases) func isToldByItsHandshake(seen: SeenHandshake, port: MetPort?) {
        #expect(MetPort(seen) == port)
    }
}
