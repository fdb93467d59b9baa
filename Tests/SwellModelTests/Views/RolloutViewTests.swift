internal import Foundation
internal import KubernetesObjects
internal import SwellModel
internal import Testing

/// The `-o json` contract of a rollout.
@Suite struct RolloutViewTests {
    private let waiting = TargetView(
        cluster: "c", region: "r", stage: "canary", phase: "queued", reason: nil, generation: nil, digest: nil,
        release: nil, previous: nil, dispatchedAt: nil, healthyAt: nil, changedAt: Timestamp(milliseconds: 0),
        attempts: 0)

    @Test func fieldsOfTheContractAreThereThoughNothingIsKnownYet() throws {
        let target = try JSONValue(parsing: JSONEncoder().encode(waiting))
        for field in [
            "cluster", "region", "stage", "phase", "reason", "generation", "digest", "release", "dispatchedAt",
            "healthyAt",
        ] {
            #expect(target.objectValue?[field] != nil, "\(field) is left out")
        }
        let stage = StageView(
            name: "canary", phase: "waiting", reason: nil, startedAt: nil, healthyAt: nil, soakEndsAt: nil,
            passedAt: nil, lanes: [:], approvedBefore: nil, approvedAfter: nil)
        let json = try JSONValue(parsing: JSONEncoder().encode(stage))
        for field in ["name", "phase", "startedAt", "healthyAt", "soakEndsAt", "passedAt"] {
            #expect(json.objectValue?[field] != nil, "\(field) is left out")
        }
    }

    @Test func whatIsEncodedReadsBackAndMissingFieldsAreNothing() throws {
        #expect(try JSONDecoder().decode(TargetView.self, from: JSONEncoder().encode(waiting)) == waiting)
        let old =
            #"{"cluster":"c","region":"r","stage":"canary","phase":"queued","changedAt":"1970-01-01T00:00:00.000Z","attempts":0}"#
        #expect(try JSONDecoder().decode(TargetView.self, from: Data(old.utf8)) == waiting)
    }
}
