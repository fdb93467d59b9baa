internal import Foundation
internal import KubernetesObjects
internal import PostgresTesting
internal import Testing

/// A database that is there and cannot do what it is asked.
@Suite(.serialized) struct DatabaseScenarios {
    @Test(.enabled(if: PostgresServer.canLimitDisk, "a full disk is a mount of the test's own, which takes root"))
    func aFullDiskRefusesOrdersClearlyAndLosesNoneThatWasTaken() async throws {
        var shape = Fleet.Shape()
        shape.diskSize = 160
        try await withFleet(shape) { fleet in
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"]))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.start("1.0.0", name: "first")
            try await fleet.database.fillDisk(leaving: 0)
            // Until the database finds no room any more orders still go through, and count.
            let refused = try await eventually("an order to be refused", within: .seconds(60)) { () -> CallResult? in
                let version = "9.0.\(await fleet.acknowledged.count)"
                let result = try await Self.bigRelease(fleet, version)
                if result.code == 0 { await fleet.note(Order(verb: "release create", subject: version)) }
                return result.code == 0 ? nil : result
            }
            #expect(refused.code == 4, "exit code \(refused.code): \(refused.errors)")
            let isClear = refused.errors.contains("disk") || refused.errors.contains("database")
            #expect(isClear, "what is wrong is not said: \(refused.errors)")
            #expect(!refused.errors.contains("see the log"), "\(refused.errors)")

            try await fleet.database.emptyDisk()
            // A server whose write-ahead log found no room has ended; whoever looks after it starts it again.
            if try await !fleet.database.isRunning { try await fleet.database.start() }
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            let after = try await Self.bigRelease(fleet, "10.0.0")
            #expect(after.code == 0, "\(after.errors)")
            print("judgement: \(try await judge(fleet))")
        }
    }

    @Test func aCoordinatorEndsInTimeWhileTheDatabaseHangs() async throws {
        try await withFleet { fleet in
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"]))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.start("1.0.0", name: "first")
            let coordinator = try #require(await fleet.coordinators["a"])
            try await fleet.database.freeze()
            coordinator.interrupt()
            // Well within the minute that a Kubernetes manifest grants.
            #expect(try await coordinator.ended(within: .seconds(45)) == 0)
            try await fleet.database.thaw()
            try await fleet.startCoordinator()
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        }
    }

    /// The first process of a container has no default answer to SIGTERM: it must hear it itself, even this early.
    @Test func aCoordinatorThatWaitsForItsDatabaseCanBeToldToStop() async throws {
        try await withFleet { fleet in
            try await fleet.database.freeze()
            try await fleet.launchCoordinator("b")
            let coordinator = try #require(await fleet.coordinators["b"])
            try await eventually("it to wait for the database", within: .seconds(30)) {
                fleet.printed("coordinator-b").contains("waits for the database") ? true : nil
            }
            coordinator.interrupt()
            #expect(try await coordinator.ended(within: .seconds(10)) == 0)
            try await fleet.database.thaw()
        }
    }

    /// A release of some hundred kilobytes that do not compress.
    private static func bigRelease(_ fleet: Fleet, _ version: String) async throws -> CallResult {
        var random = SystemRandomNumberGenerator()
        let noise = (0..<20_000).map { _ in String(random.next(), radix: 16) }.joined()
        let file = fleet.folder.appending(path: "web-\(version).yaml")
        try
            (Documents.manifests(image: "registry.example/web:\(version)")
            + "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: noise}\ndata: {noise: \"\(noise)\"}\n")
            .write(to: file, atomically: true, encoding: .utf8)
        return try await fleet.swell("release", "create", "web", "--version", version, "-f", file.path)
    }
}
