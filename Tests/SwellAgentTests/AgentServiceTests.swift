internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Testing

@testable internal import SwellAgent

/// The whole agent against a scripted coordinator over TLS, and a cluster in memory.
@Suite(.timeLimit(.minutes(2))) struct AgentServiceTests {
    private func world(_ body: @escaping @Sendable (AgentWorld, FakeCluster) async throws -> Void) async throws {
        try await withDirectory { directory in
            let cluster = FakeCluster()
            let world = try await AgentWorld(directory: directory, cluster: cluster)
            try await world.coordinator.serve { try await body(world, cluster) }
        }
    }

    @Test func itEnrolsAndBringsAReleaseToHealth() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                let release = await cluster.running["shop"]
                #expect(release?.objects.first?.json["data"]?["region"]?.stringValue == "us-east-1")
                #expect(await world.coordinator.last("shop")?.proven == one.reference.digest)
                #expect(await world.coordinator.acknowledged.contains { $0.generation == 1 })
                #expect(await world.coordinator.hellos.first?.clusterUID == "uid-1")
            }
        }
    }

    /// What happens to an apply that does not end.
    enum Ending: CaseIterable, Sendable {
        case deadlineAndBack, deadlineAlone, anotherRelease
    }

    @Test(arguments: Ending.allCases)
    func anApplyThatIsGivenUpRunsWhatTheReleaseHasForItsFailure(ending: Ending) async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            let three = try await world.release("3.0.0")
            await cluster.block("2.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                let deadline: Interval = ending == .anotherRelease ? .seconds(60) : .seconds(8)
                try await world.coordinator.assign(
                    two.assignment(2, fallback: one, selfRollback: ending != .deadlineAlone, deadline: deadline))
                try await eventually("under way") { await cluster.applied.contains("2.0.0") }
                switch ending {
                case .deadlineAndBack:
                    try await eventually("back") { await world.coordinator.last("shop")?.phase == .reverted }
                    #expect(await cluster.applied == ["1.0.0", "2.0.0", "2.0.0 failed", "1.0.0"])
                case .deadlineAlone:
                    try await eventually("hooks") { await cluster.applied.last == "2.0.0 failed" }
                    try await eventually("told") { await world.coordinator.last("shop")?.phase == .failed }
                case .anotherRelease:
                    try await world.coordinator.assign(three.assignment(3))
                    try await eventually("three") {
                        let last = await world.coordinator.last("shop")
                        return last?.generation == 3 && last?.phase == .healthy
                    }
                    #expect(await cluster.applied == ["1.0.0", "2.0.0", "3.0.0"])
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func onlyAFailureToGiveUpForRunsWhatTheReleaseHasForIt(isTransient: Bool) async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            await cluster.setFailure(
                ClusterError(isTransient: isTransient, reason: "Unavailable", message: "no"), of: "2.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                try await world.coordinator.assign(two.assignment(2, fallback: one))
                guard isTransient else {
                    try await eventually("back") { await world.coordinator.last("shop")?.phase == .reverted }
                    #expect(await cluster.applied == ["1.0.0", "2.0.0", "2.0.0 failed", "1.0.0"])
                    return
                }
                try await eventually("tried again") { await cluster.applied.count >= 4 }
                await cluster.setFailure(nil, of: "2.0.0")
                try await eventually("healthy") {
                    let last = await world.coordinator.last("shop")
                    return last?.generation == 2 && last?.phase == .healthy
                }
                #expect(await !cluster.applied.contains("2.0.0 failed"))
            }
        }
    }

    @Test func anApplyThatNeverCameToItsTurnHasNothingToBeUndone() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let other = try await world.release("9.0.0", application: "other")
            await cluster.block("1.0.0")
            var settings = try await world.settings()
            settings.concurrentApplies = 1
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent(settings) {
                try await eventually("under way") { await cluster.applied == ["1.0.0"] }
                try await world.coordinator.assign(other.assignment(1, deadline: .seconds(1)))
                try await eventually("failed") { await world.coordinator.last("other")?.phase == .failed }
                await cluster.unblock("1.0.0")
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                #expect(await cluster.applied == ["1.0.0"])
            }
        }
    }

    @Test func anotherReleaseDoesNotWaitForAHookOfTheOneThatFailed() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            await cluster.block("1.0.0")
            await cluster.block("1.0.0 failed")
            try await world.coordinator.assign(one.assignment(1, deadline: .seconds(5)))
            try await world.withAgent {
                try await eventually("hook") { await cluster.applied.last == "1.0.0 failed" }
                try await world.coordinator.assign(two.assignment(2))
                try await eventually("two") { await cluster.version(of: "shop") == "2.0.0" }
            }
        }
    }

    @Test func aWishDeliveredOftenIsAppliedOnce() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                for _ in 0..<5 { try await world.coordinator.repeatAssignments() }
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                let count = await world.coordinator.acknowledged.count
                try await world.coordinator.repeatAssignments()
                try await eventually("acknowledged again") { await world.coordinator.acknowledged.count > count }
                #expect(await cluster.applied == ["1.0.0"])
            }
        }
    }

    @Test func aBadReleaseIsTakenBackByTheAgent() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            await cluster.setHealth(
                ObservedHealth(.failed, reason: "ImagePullBackOff", message: "Pod web-1: no such image"), of: "2.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                try await world.coordinator.assign(two.assignment(2, fallback: one))
                try await eventually("reverted") { await world.coordinator.last("shop")?.phase == .reverted }
                let report = await world.coordinator.last("shop")
                #expect(report?.generation == 2)
                #expect(report?.digest == one.reference.digest)
                #expect(report?.reason == "ImagePullBackOff")
                #expect(await cluster.version(of: "shop") == "1.0.0")
                #expect(await cluster.applied == ["1.0.0", "2.0.0", "1.0.0"])
            }
        }
    }

    @Test func itGoesOnAfterAStopInTheMiddle() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            try await world.coordinator.assign(one.assignment(1))
            await cluster.block("1.0.0")
            try await world.withAgent {
                try await eventually("apply begun") { await cluster.applied.count == 1 }
            }
            await cluster.unblock("1.0.0")
            let fetched = await world.coordinator.fetches.count
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
            }
            #expect(await cluster.applied == ["1.0.0", "1.0.0"])
            #expect(await world.coordinator.fetches.count == fetched, "what is cached is not fetched again")
            #expect(await world.coordinator.hellos.last?.journal.first?.generation == 1)
        }
    }

    @Test func withTheCoordinatorAwayItWorksOnAndComesBack() async throws {
        try await withDirectory { directory in
            let cluster = FakeCluster()
            let world = try await AgentWorld(directory: directory, cluster: cluster)
            let one = try await world.release("1.0.0")
            let two = try await world.release("2.0.0")
            await cluster.block("2.0.0")
            let settings = try await world.coordinator.serve {
                let settings = try await world.settings()
                try await world.coordinator.assign(one.assignment(1))
                try await world.withAgent(settings) {
                    try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                    try await world.coordinator.assign(two.assignment(2, fallback: one))
                    try await eventually("apply begun") { await cluster.applied.contains("2.0.0") }
                }
                return settings
            }
            // Started without a coordinator: the journal and the cache are enough to finish.
            await cluster.unblock("2.0.0")
            try await world.withAgent(settings) {
                try await eventually("applied") { await cluster.version(of: "shop") == "2.0.0" }
                try await world.coordinator.serve {
                    try await eventually("healthy told") {
                        let report = await world.coordinator.last("shop")
                        return report?.phase == .healthy && report?.generation == 2
                    }
                }
            }
        }
    }

    @Test func driftIsCorrectedAndTold() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
                await cluster.setDrift(2)
                try await eventually("told") { await world.coordinator.reports.contains { $0.driftCount == 2 } }
                let drift = try #require(await world.coordinator.reports.lazy.compactMap(\.drift).first)
                #expect(drift.isCorrected)
                #expect(drift.objects.map(\.title) == ["ConfigMap shop/c0", "ConfigMap shop/c1"])
                #expect(drift.objects.first?.fields.first?.managers == ["kubectl-edit"])
                try await eventually("corrected") { await cluster.corrections == 1 }
            }
        }
    }

    @Test func aCorruptJournalIsSetAsideAndTheInventoryServes() async throws {
        try await world { world, cluster in
            let one = try await world.release("1.0.0")
            await cluster.remember([
                InventoryRecord(application: "shop", generation: 5, epoch: 3, release: one.reference)
            ])
            try AtomicFile.makeDirectory(world.directory + "/state")
            try AtomicFile.write(
                Array("{\"version\":1,\"jour".utf8), to: world.directory + "/state/journal.json", isDurable: false)
            try await world.coordinator.assign(one.assignment(5, epoch: 3))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
            }
            #expect(await world.coordinator.hellos.first?.journal.first?.generation == 5)
            #expect(await world.coordinator.hellos.first?.highestEpoch == 3)
            let names = AtomicFile.names(in: world.directory + "/state")
            #expect(names.contains { $0.hasPrefix("journal.json.unreadable-") })
        }
    }

    @Test func applicationsGoSideBySideWithinBounds() async throws {
        try await world { world, cluster in
            for index in 0..<6 {
                let assignment = try await world.release("1.0.0", application: "app-\(index)")
                try await world.coordinator.assign(assignment.assignment(1))
            }
            await cluster.block("1.0.0")
            var settings = try await world.settings()
            settings.concurrentApplies = 3
            try await world.withAgent(settings) {
                try await eventually("three at once") { await cluster.underWay == 3 }
                await cluster.unblock("1.0.0")
                for index in 0..<6 {
                    let name = try ApplicationName("app-\(index)")
                    try await eventually("healthy") { await world.coordinator.last(name)?.phase == .healthy }
                }
                #expect(await cluster.mostUnderWay == 3)
            }
        }
    }

    @Test func theCoordinatorsWishToBeLeftAloneIsObeyed() async throws {
        try await world { world, _ in
            await world.coordinator.setRetryLater(.milliseconds(300))
            try await world.withAgent {
                try await eventually("first hello") { await world.coordinator.hellos.count == 1 }
                let clock = ContinuousClock()
                let start = clock.now
                await world.coordinator.setRetryLater(nil)
                try await eventually("connected") { await world.coordinator.isConnected }
                #expect(clock.now - start >= .milliseconds(250))
            }
        }
    }

    @Test func anUnacknowledgedReportIsSaidAgainInTheNextSession() async throws {
        try await world { world, _ in
            let one = try await world.release("1.0.0")
            await world.coordinator.setAcknowledgesReports(false)
            try await world.coordinator.assign(one.assignment(1))
            try await world.withAgent {
                try await eventually("healthy") { await world.coordinator.last("shop")?.phase == .healthy }
            }
            let count = await world.coordinator.reports.count
            await world.coordinator.setAcknowledgesReports(true)
            try await world.withAgent {
                try await eventually("said again") { await world.coordinator.reports.count > count }
                #expect(await world.coordinator.last("shop")?.phase == .healthy)
            }
        }
    }

    @Test func aCertificateIsRenewedBeforeItExpires() async throws {
        try await world { world, _ in
            // Valid from five minutes ago, so two thirds of its life have passed.
            await world.coordinator.setLeafLifetime(.seconds(130))
            try await world.withAgent {
                try await eventually("renewed") { await world.coordinator.renewals >= 1 }
                await world.coordinator.setLeafLifetime(.hours(24))
                let count = await world.coordinator.hellos.count
                try await eventually("back with it") { await world.coordinator.hellos.count > count }
            }
        }
    }

    @Test func aSpentTokenIsWaitedOut() async throws {
        try await world { world, _ in
            let path = world.directory + "/token"
            let good = try AtomicFile.read(path, limit: 4_096) ?? []
            var random = SystemRandomNumberGenerator()
            let spent = JoinTokens.other(using: &random)
            try AtomicFile.write(Array(spent.utf8), to: path, isDurable: false)
            try await world.withAgent {
                try await eventually("refused twice") { await world.coordinator.refusedTokens >= 2 }
                #expect(await world.coordinator.hellos.isEmpty)
                try AtomicFile.write(good, to: path, isDurable: false)
                try await eventually("connected") { await world.coordinator.isConnected }
            }
        }
    }

    @Test func aSecondAgentIsKeptOutOfTheStateDirectory() async throws {
        try await world { world, _ in
            try await world.withAgent {
                try await eventually("connected") { await world.coordinator.isConnected }
                #expect(throws: AgentError.self) { try DirectoryLock(world.directory + "/state") }
            }
        }
    }
}
