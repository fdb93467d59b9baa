internal import SwellEngine
internal import SwellModel
internal import Testing

/// What the peers' own tests fix, played on the engine: the same where they are right, and by intent otherwise where they are not.
@Suite("Behaviours that peers' tests fix")
struct PeerTests {
    @Test("Open Cluster Management, single groups", arguments: PeerRows.openClusterManagement)
    func openClusterManagement(_ row: PeerRow) throws { try row.play() }

    @Test("Open Cluster Management, groups and members", arguments: PeerRows.openClusterManagementGroups)
    func openClusterManagementGroups(_ row: PeerRow) throws { try row.play() }

    @Test("KubeFleet, stages and gates", arguments: PeerRows.kubeFleetGates)
    func kubeFleetGates(_ row: PeerRow) throws { try row.play() }

    @Test("KubeFleet, runs", arguments: PeerRows.kubeFleetRuns)
    func kubeFleetRuns(_ row: PeerRow) throws { try row.play() }

    @Test("Argo CD", arguments: PeerRows.argoCD)
    func argoCD(_ row: PeerRow) throws { try row.play() }

    @Test("Fleet", arguments: PeerRows.fleetManager)
    func fleet(_ row: PeerRow) throws { try row.play() }

    @Test("Nomad, health", arguments: PeerRows.nomadHealth)
    func nomadHealth(_ row: PeerRow) throws { try row.play() }

    @Test("Nomad, orders", arguments: PeerRows.nomadOrders)
    func nomadOrders(_ row: PeerRow) throws { try row.play() }

    @Test("Azure Kubernetes Fleet Manager", arguments: PeerRows.azureFleetManager)
    func azure(_ row: PeerRow) throws { try row.play() }

    @Test("Policies that are planned", arguments: PeerPlanRow.all)
    func plans(_ row: PeerPlanRow) throws { try row.check() }

    @Test("Policies that are read", arguments: PeerDocumentRow.all)
    func documents(_ row: PeerDocumentRow) throws { try row.check() }

    @Test("No id twice")
    func ids() {
        var ids: [String] = PeerPlanRow.all.map(\.id) + PeerDocumentRow.all.map(\.id)
        for rows in PeerRows.all { ids += rows.map(\.id) }
        #expect(Set(ids).count == ids.count)
    }

    @Test(
        "K12: a cap is rounded down, at least one (KubeFleet TestCalculateMaxConcurrencyValue; Argo CD; Fleet Test_limit)",
        arguments: [
            (Limit.percent(30), 10, 3), (.percent(100), 10, 10), (.count(3), 10, 3), (.percent(10), 5, 1),
            (.percent(1), 3, 1), (.percent(50), 9, 4), (.count(2), 9, 2),
        ])
    func caps(_ cap: Limit, of size: Int, expected: Int) throws {
        var world = try Scenario([("west", size)], policy: .peer(cap: cap))
        #expect(world.decide().assignments.count == expected)
    }

    @Test("K08c: an undo of one region under the release's policy asks no approval of the stages that it leaves empty")
    func undoOfOneRegion() throws {
        let policy = RolloutPolicy.peer([
            .peer("canary", ["east"], approval: ApprovalRule(before: true)), .peer("rest", ["west"]),
        ])
        var world = try Scenario([("east", 1), ("west", 1)], policy: policy)
        world.decide()
        world.decide(.approve(stage: "canary", digest: Scenario.two.digest))
        world.settleAgents()
        world.settleAgents()
        #expect(world.rollout.phase == .succeeded)
        let request = try PlanRequest.undo(
            of: world.rollout, scope: .region("west"), name: "undo-1", createdBy: "ann", policy: policy)
        world.rollout = try RolloutPlanner.plan(request, snapshot: world.snapshot, now: world.now)
        let decision = world.decide()
        #expect(decision.assignments.map(\.cluster) == ["west-1"])
        #expect(decision.assignments.first?.goal == .run(Scenario.one))
        #expect(world.rollout.stages.map(\.phase) == [.passed, .progressing])
    }
}
