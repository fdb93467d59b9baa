internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// An agent ends when it is told to, whatever it is at.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ShutdownTests {
    /// Among others in the moment in which it begins to call its coordinator.
    @Test func anAgentEndsAtAnyMomentOfItsStart() async throws {
        try await SimulatedLab.run { lab in
            let release = try await lab.world.release(
                "0.0.0", extra: ShopManifest.namespace + ShopManifest.configMap("settings"))
            try await lab.world.coordinator.assign(release.assignment(1))
            try await lab.withAgent { try await lab.waitFor("healthy") { $0.phase == .healthy } }
            for round in 0..<150 {
                // A silent API server makes the hello wait for it, which is when the call is late.
                let tap = RequestTap(deadAfter: round.isMultiple(of: 2) ? round % 8 : nil)
                try await lab.withAgent(tap: tap) { try await Task.sleep(for: .milliseconds(round * 7 % 60)) }
            }
        }
    }
}
