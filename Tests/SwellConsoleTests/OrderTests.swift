internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Orders with decisions behind them: what an operator sees in the answer.
@Suite struct OrderTests {
    private func withRollout(_ body: (ConsoleHarness) async throws -> Void) async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.applyFleet()
            for cluster in ["use1-a", "usw1-a"] as [ClusterName] {
                _ = try await console.request(.post, "/v1/clusters/\(cluster)/token")
                _ = try await console.store.spendToken(hash: "hash-of-\(cluster)", certificateSerial: "01")
                try await console.store.noteConnection(
                    cluster, replica: "test", agentVersion: "0.1.0", isConnected: true)
            }
            let started = try await console.request(
                .post, "/v1/rollouts",
                ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "r1"])
            try #require(started.status == 201, "\(started.text)")
            try await body(console)
        }
    }

    @Test func answersWithTheEffect() async throws {
        try await withRollout { console in
            let paused = try await console.request(.post, "/v1/rollouts/r1/pause", ["reason": "lunch"])
            #expect(paused.status == 200, "\(paused.text)")
            #expect(paused.json["status"]?["phase"] == "paused")
            #expect(paused.json["status"]?["pause"]?["by"] == "alice")
            let waits = paused.json["status"]?["waitingFor"]?.arrayValue ?? []
            #expect(waits.contains { $0["what"] == "pause" }, "\(paused.text)")
            let resumed = try await console.request(.post, "/v1/rollouts/r1/resume")
            #expect(resumed.json["status"]?["phase"] == "progressing", "\(resumed.text)")
            let again = try await console.request(.post, "/v1/rollouts/r1/resume")
            #expect(again.status == 409 && again.type == "application/problem+json")
        }
    }

    @Test func whatAnOrderNamesMustBePartOfTheRollout() async throws {
        try await withRollout { console in
            let region = try await console.request(.post, "/v1/rollouts/r1/pause", ["region": "us-west-2"])
            #expect(region.status == 404 && region.text.contains("did you mean 'us-west-1'?"), "\(region.text)")
            let cluster = try await console.request(.post, "/v1/rollouts/r1/undo", ["cluster": "usw1-z"])
            #expect(cluster.status == 404 && cluster.text.contains("did you mean 'usw1-a'?"), "\(cluster.text)")
            let retried = try await console.request(.post, "/v1/rollouts/r1/retry", ["clusters": ["nowhere-at-all"]])
            #expect(retried.status == 404 && retried.text.contains("has no cluster 'nowhere-at-all'"))
        }
    }

    @Test func approvalsNameThePerson() async throws {
        try await withRollout { console in
            let approved = try await console.request(
                .post, "/v1/rollouts/r1/approve", ["stage": "rest"], token: operatorToken + "-of-bob")
            #expect(approved.status == 200, "\(approved.text)")
            #expect(approved.json["status"]?["stages"]?[1]?["approvedBefore"] == "bob")
        }
    }

    @Test func endedRolloutsAreUndoneByNewOnes() async throws {
        try await withRollout { console in
            let aborted = try await console.request(.post, "/v1/rollouts/r1/abort", ["reason": "wrong one"])
            #expect(aborted.json["status"]?["phase"] == "aborted", "\(aborted.text)")
            let twice = try await console.request(.post, "/v1/rollouts/r1/abort")
            #expect(twice.status == 409)
            let undone = try await console.request(.post, "/v1/rollouts/r1/undo")
            #expect(undone.status == 201, "\(undone.text)")
            #expect(undone.json["metadata"]?["name"] == "r1-undo")
            #expect(undone.json["spec"]?["undoOf"] == "r1" && undone.json["spec"]?["type"] == "undo")
        }
    }

    @Test func oneClusterRollsBackThroughItsHolderOrANewRollout() async throws {
        try await withRollout { console in
            let held = try await console.request(.post, "/v1/clusters/use1-a/rollback", ["application": "shop"])
            #expect(held.status == 200 && held.json["metadata"]?["name"] == "r1", "\(held.text)")
            let never = try await console.request(.post, "/v1/clusters/usw1-a/rollback", ["application": "nope"])
            #expect(never.status == 404)
            let missing = try await console.request(.post, "/v1/clusters/usw1-a/rollback")
            #expect(missing.status == 400 && missing.text.contains("'application' is missing"))
        }
        try await withRollout { console in
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            let free = try await console.request(.post, "/v1/clusters/use1-a/rollback", ["application": "shop"])
            #expect(free.status == 201 && free.json["metadata"]?["name"] == "r1-undo", "\(free.text)")
            #expect(free.json["status"]?["targets"]?.arrayValue?.map { $0["cluster"] } == ["use1-a"])
            let unassigned = try await console.request(.post, "/v1/clusters/usw1-a/rollback", ["application": "shop"])
            #expect(unassigned.status == 409 && unassigned.text.contains("never assigned"))
        }
    }

    @Test func supersedesOnlyWhenAsked() async throws {
        try await withRollout { console in
            let request: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "r2"]
            let refused = try await console.request(.post, "/v1/rollouts", request)
            #expect(refused.status == 409 && refused.text.contains("r1"), "\(refused.text)")
            var superseding = request
            superseding["supersede"] = true
            let taken = try await console.request(.post, "/v1/rollouts", superseding)
            #expect(taken.status == 201, "\(taken.text)")
            let first = try await console.request(.get, "/v1/rollouts/r1")
            #expect(first.json["status"]?["phase"] == "superseded", "\(first.text)")
        }
    }
}
