internal import KubernetesObjects
internal import PostgresTesting
internal import Testing

/// Whole rollouts through the real binaries. One scenario at a time: each has a fleet of processes of its own.
@Suite(.serialized) struct RolloutScenarios {
    private func prepare(_ fleet: Fleet, versions: [(String, String)]) async throws {
        try await fleet.apply(
            Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"]))
        for (version, image) in versions {
            try await fleet.release("web", version, manifests: Documents.manifests(image: image))
        }
    }

    @Test func aCoordinatorKilledInTheMiddleLosesNothing() async throws {
        try await withFleet { fleet in
            try await prepare(fleet, versions: [("1.0.0", "registry.example/web:1.0.0")])
            try await fleet.start("1.0.0", name: "first")
            try await fleet.rollout("first", "dispatched to the canary") { status in
                status["targets"]?.arrayValue?.contains { $0["dispatchedAt"]?.stringValue != nil } == true
            }
            let paused = try await fleet.swell("region", "pause", "eu-central-1", "--reason", "before the crash")
            #expect(paused.code == 0, "\(paused.errors)")
            try await fleet.killCoordinator()
            try await fleet.startCoordinator()

            // The pause that was acknowledged before the crash holds after it.
            let waiting = try await fleet.rollout("first", "waiting for the paused region") { status in
                let west = targets(status, region: "us-west-1")
                return !west.isEmpty && west.allSatisfy { $0["phase"]?.stringValue == "healthy" }
            }
            let nothingWentThere = targets(waiting, region: "eu-central-1").allSatisfy {
                $0["dispatchedAt"]?.stringValue == nil
            }
            #expect(nothingWentThere)
            let saysSo =
                waiting["waitingFor"]?.arrayValue?.contains { $0["what"]?.stringValue == "regionPause" } == true
            #expect(saysSo)

            try await fleet.swell("region", "resume", "eu-central-1")
            let ended = try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            let dispatchedOnce = targets(ended).allSatisfy { $0["generation"]?.intValue == 1 }
            #expect(dispatchedOnce, "a target was dispatched twice")
        }
    }

    @Test func anotherReplicaTakesOverWhenOneDies() async throws {
        try await withFleet { fleet in
            try await fleet.startCoordinator("b")
            try await prepare(fleet, versions: [("1.0.0", "registry.example/web:1.0.0")])
            try await fleet.start("1.0.0", name: "first")
            try await fleet.killCoordinator("a")
            for cluster in await fleet.clusters {
                try await fleet.killAgent(cluster)
                try await fleet.startAgent(cluster, replica: "b")
            }
            try await fleet.rollout("first", "succeeded", replica: "b") { $0["phase"]?.stringValue == "succeeded" }
        }
    }

    @Test func aDatabaseThatIsKilledAndComesBackIsWaitedFor() async throws {
        try await withFleet { fleet in
            try await prepare(fleet, versions: [("1.0.0", "registry.example/web:1.0.0")])
            try await fleet.start("1.0.0", name: "first")
            try await fleet.database.kill()
            let away = try await fleet.swell("rollout", "get", "first")
            #expect(away.code != 0, "an answer without a database")
            try await fleet.database.restart()
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        }
    }

    @Test func aBadReleaseStopsInTheCanaryAndIsTakenBackThere() async throws {
        try await withFleet { fleet in
            try await prepare(
                fleet, versions: [("1.0.0", "registry.example/web:1.0.0"), ("2.0.0", "registry.example/web:missing")])
            try await fleet.start("1.0.0", name: "good")
            try await fleet.rollout("good", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            try await fleet.start("2.0.0", name: "bad")
            let ended = try await fleet.rollout("bad", "rolled back") { $0["phase"]?.stringValue == "rolledBack" }
            for target in targets(ended) where target["stage"]?.stringValue != "canary" {
                #expect(target["dispatchedAt"]?.stringValue == nil, "\(target) was reached by the bad release")
            }
            let canary = targets(ended, region: "us-east-1").first
            #expect(canary?["generation"]?.intValue ?? 0 > 2, "a rollback is a higher generation")
        }
    }

    @Test func anAgentKilledWhileApplyingFinishesOnce() async throws {
        try await withFleet { fleet in
            try await prepare(fleet, versions: [("1.0.0", "registry.example/web:1.0.0")])
            try await fleet.start("1.0.0", name: "first")
            try await fleet.rollout("first", "dispatched to the canary") { status in
                targets(status, region: "us-east-1").contains { $0["dispatchedAt"]?.stringValue != nil }
            }
            try await fleet.killAgent("use1-a")
            try await fleet.startAgent("use1-a")
            let ended = try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            let dispatchedOnce = targets(ended).allSatisfy { $0["generation"]?.intValue == 1 }
            #expect(dispatchedOnce)
        }
    }

    @Test func aSilentClusterIsUnreachableNotFailedAndGoesOnWhenItReturns() async throws {
        try await withFleet { fleet in
            try await prepare(fleet, versions: [("1.0.0", "registry.example/web:1.0.0")])
            let frozen = try #require(await fleet.agents["use1-a"])
            frozen.freeze()
            try await fleet.start("1.0.0", name: "first")
            let waiting = try await fleet.rollout("first", "waiting for the silent cluster") { status in
                status["waitingFor"]?.arrayValue?.contains { $0["what"]?.stringValue == "unreachable" } == true
            }
            #expect(waiting["phase"]?.stringValue == "progressing")
            let noneFailed = targets(waiting).allSatisfy { $0["phase"]?.stringValue != "failed" }
            #expect(noneFailed)
            frozen.thaw()
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        }
    }
}
