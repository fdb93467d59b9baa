internal import Foundation
internal import KubernetesObjects
internal import Testing

/// A replica that was stopped for longer than its lease wakes up and believes that it still decides.
@Suite(.serialized) struct LeaseScenarios {
    @Test func aReplicaThatSleptPastItsLeaseCommitsNothing() async throws {
        var shape = Fleet.Shape()
        shape.isLinked = true
        try await withFleet(shape) { fleet in
            try await fleet.startCoordinator("b")
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"], soak: "8s"))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.start("1.0.0", name: "first")
            // Whoever holds the rollout is stopped in the middle of it, with the database unaware.
            let holder = try await eventually("a replica to claim the rollout") {
                await Self.holder(fleet, of: "first")
            }
            let other = holder == "a" ? "b" : "a"
            let frozen = try #require(await fleet.coordinators[holder])
            frozen.freeze()
            try await eventually("replica \(other) to take over", within: .seconds(30)) { () -> Bool? in
                fleet.printed("coordinator-\(other)").contains(/claimed rollout.*rollout=first/) ? true : nil
            }
            let order = try await fleet.swell(
                "region", "pause", "eu-central-1", "--reason", "taken over", replica: other)
            #expect(order.code == 0, "\(order.errors)")
            frozen.thaw()

            // The sleeper finds its lease gone, and everything is decided under the newer epoch.
            try await fleet.rollout("first", "waiting for the paused region", replica: other) { status in
                let west = targets(status, region: "us-west-1")
                return !west.isEmpty && west.allSatisfy { $0["phase"]?.stringValue == "healthy" }
            }
            let east = targets(try #require(try await fleet.status("first", replica: holder)), region: "eu-central-1")
            let nothingWentThere = east.allSatisfy { $0["dispatchedAt"]?.stringValue == nil }
            #expect(nothingWentThere, "the sleeper dispatched past a pause")
            try await fleet.swell("region", "resume", "eu-central-1", replica: holder)
            try await fleet.rollout("first", "succeeded", replica: other) { $0["phase"]?.stringValue == "succeeded" }
            let epochs = Self.epochs(fleet, holder, "first") + Self.epochs(fleet, other, "first")
            #expect(Set(epochs).count == epochs.count, "two claims under one epoch: \(epochs)")
            print("judgement: \(try await judge(fleet))")
        }
    }

    /// The replica whose log says that it claimed a rollout.
    private static func holder(_ fleet: Fleet, of rollout: String) async -> String? {
        await fleet.replicas.first { !epochs(fleet, $0, rollout).isEmpty }
    }

    /// The epochs under which a replica claimed a rollout, as its log tells.
    private static func epochs(_ fleet: Fleet, _ replica: String, _ rollout: String) -> [Int] {
        fleet.printed("coordinator-\(replica)").matches(of: /claimed rollout" epoch=(\d+) rollout=(\S+)/)
            .filter { $0.output.2 == rollout }.compactMap { Int($0.output.1) }
    }
}
