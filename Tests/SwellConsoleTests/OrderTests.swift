internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Orders with decisions behind them: what an operator sees in the answer.
@Suite struct OrderTests {
    private func withRollout(_ body: (ConsoleHarness) async throws -> Void) async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
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
            for verb in ["skip", "leave-behind"] {
                let unknown = try await console.request(.post, "/v1/rollouts/r1/\(verb)", ["cluster": "usw1-z"])
                #expect(unknown.status == 404 && unknown.text.contains("did you mean 'usw1-a'?"), "\(unknown.text)")
                let missing = try await console.request(.post, "/v1/rollouts/r1/\(verb)")
                #expect(missing.status == 400 && missing.text.contains("'cluster' is missing"), "\(missing.text)")
            }
        }
    }

    // MARK: Approvals

    @Test func approvalsComeInTheirTurnAndNameThePersonTheGateAndTheTime() async throws {
        try await withRollout { console in
            let path = "/v1/rollouts/r1/approve"
            let seen = try await console.request(.get, "/v1/rollouts/r1").json
            let digest = try #require(seen["spec"]?["release"]?["digest"])
            let plan = try #require(seen["status"]?["plan"])
            let early = try await console.request(.post, path, ["stage": "rest", "digest": digest, "plan": plan])
            #expect(early.status == 409 && early.text.contains("not at its approval yet"), "\(early.text)")
            try await console.report("use1-a", .healthy)
            try await console.pass(.seconds(6))
            let odd = try await console.request(
                .post, path, ["stage": "rest", "gate": "twice", "digest": digest, "plan": plan])
            #expect(odd.status == 400 && odd.text.contains("write before or after"), "\(odd.text)")
            let other = try await console.request(
                .post, path, ["stage": "rest", "gate": "after", "digest": digest, "plan": plan])
            #expect(other.status == 409 && other.text.contains("waits for the approval before it"), "\(other.text)")
            // The approver says what was seen; what is there now is not taken for it.
            let blind = try await console.request(.post, path, ["stage": "rest"])
            #expect(blind.status == 400 && blind.text.contains("'digest' and 'plan' are missing"), "\(blind.text)")
            let strange = JSONValue.string("sha256:" + String(repeating: "0", count: 64))
            for (field, other) in [(digest, strange), (strange, plan)] {
                let refused = try await console.request(
                    .post, path, ["stage": "rest", "digest": field, "plan": other])
                #expect(refused.status == 409 && refused.text.contains("look at"), "\(refused.text)")
            }
            // To promote here is to approve.
            let promoting = "/v1/rollouts/r1/promote"
            let promoted = try await console.request(.post, promoting, ["stage": "rest"])
            #expect(
                promoted.status == 409 && promoted.text.contains("to promote it is to approve it"), "\(promoted.text)")
            let stale = try await console.request(
                .post, promoting, ["stage": "rest", "digest": digest, "plan": strange])
            #expect(stale.status == 409 && stale.text.contains("has the plan"), "\(stale.text)")
            // Held open by a pause, so that the approval does not lead on at once.
            _ = try await console.request(.post, "/v1/rollouts/r1/pause")
            let approved = try await console.request(
                .post, path, ["stage": "rest", "digest": digest, "plan": plan], token: operatorToken + "-of-bob")
            #expect(approved.status == 200, "\(approved.text)")
            let stage = approved.json["status"]?["stages"]?[1]
            #expect(stage?["approvedBefore"] == "bob")
            #expect(stage?["approvals"]?.arrayValue?.count == 1)
            #expect(stage?["approvals"]?[0]?["gate"] == "before" && stage?["approvals"]?[0]?["by"] == "bob")
            #expect(stage?["approvals"]?[0]?["at"]?.stringValue?.isEmpty == false)
            let withdrawn = try await console.request(.post, "/v1/rollouts/r1/withdraw", ["stage": "rest"])
            #expect(withdrawn.status == 200, "\(withdrawn.text)")
            #expect(withdrawn.json["status"]?["stages"]?[1]?["approvals"] == [])
            let nothing = try await console.request(.post, "/v1/rollouts/r1/withdraw", ["stage": "rest"])
            #expect(nothing.status == 409 && nothing.text.contains("no approval"), "\(nothing.text)")
            let events = try await console.events()
            #expect(events.contains("stage.approved") && events.contains("stage.withdrawn"), "\(events)")
        }
    }

    @Test func aStageWithoutAHealthyClusterIsPassedOnlyByAWordThatIsAudited() async throws {
        try await withRollout { console in
            let skipped = try await console.request(
                .post, "/v1/rollouts/r1/skip", ["cluster": "use1-a", "reason": "broken"])
            #expect(skipped.status == 200, "\(skipped.text)")
            #expect(skipped.json["status"]?["stages"]?[0]?["phase"] == "verifying", "\(skipped.text)")
            let path = "/v1/rollouts/r1/promote"
            let refused = try await console.request(.post, path, ["stage": "canary"])
            #expect(refused.status == 409 && refused.text.contains("--despite-health"), "\(refused.text)")
            let promoted = try await console.request(.post, path, ["stage": "canary", "despiteHealth": true])
            #expect(promoted.status == 200, "\(promoted.text)")
            #expect(promoted.json["status"]?["stages"]?[0]?["phase"] == "passed")
            #expect(promoted.json["status"]?["stages"]?[0]?["promotion"]?["by"] == "alice")
            let events = try await console.events()
            #expect(events.contains("stage.promoted") && events.contains("target.left-out"), "\(events)")
        }
    }

    @Test func aClusterLeftBehindHoldsNoStage() async throws {
        try await withRollout { console in
            let left = try await console.request(
                .post, "/v1/rollouts/r1/leave-behind", ["cluster": "use1-a", "reason": "away"])
            #expect(left.status == 200, "\(left.text)")
            #expect(
                left.json["status"]?["targets"]?[0]?["reason"]?.stringValue?.contains("left behind by alice: away")
                    == true)
            let twice = try await console.request(.post, "/v1/rollouts/r1/leave-behind", ["cluster": "use1-a"])
            #expect(twice.status == 409 && twice.text.contains("left behind already"), "\(twice.text)")
            #expect(try await console.events().contains("target.left-behind"))
        }
    }

    /// It stays a target and goes on: what it waits for is what a decision sees, not what the application selects by now.
    @Test func whoIsNoLongerSelectedWaitsForWhatItWaitsFor() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            try await console.apply(
                policy: "one", "{stages: [{name: all, select: {}, maxConcurrentInStage: 1}]}")
            try await console.startRollout(policy: "one")
            try await console.pass(.seconds(1))
            let text =
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\n"
                + "spec: {namespace: shop, select: {regions: [us-east-1]}}"
            let applied = try await console.request(
                .post, "/v1/apply", ["files": [["name": "app.yaml", "content": .string(text)]]])
            try #require(applied.status == 200, "\(applied.text)")
            let view = try await console.request(.get, "/v1/rollouts/r1")
            let waits = view.json["status"]?["waitingFor"]?.arrayValue ?? []
            let other = waits.first { $0["clusters"] == ["usw1-a"] }
            #expect(other?["what"] == "concurrency", "\(waits)")
        }
    }

    // MARK: Taking back

    @Test func endedRolloutsAreUndoneByNewOnes() async throws {
        try await withRollout { console in
            let aborted = try await console.request(.post, "/v1/rollouts/r1/abort", ["reason": "wrong one"])
            #expect(aborted.json["status"]?["phase"] == "aborted", "\(aborted.text)")
            let twice = try await console.request(.post, "/v1/rollouts/r1/abort")
            #expect(twice.status == 409)
            let refused = try await console.request(.post, "/v1/rollouts/r1/undo")
            #expect(refused.status == 409 && refused.text.contains("Say --remove for that"), "\(refused.text)")
            let undone = try await console.request(.post, "/v1/rollouts/r1/undo", ["remove": true])
            #expect(undone.status == 201, "\(undone.text)")
            #expect(undone.json["metadata"]?["name"] == "r1-undo")
            #expect(undone.json["spec"]?["undoOf"] == "r1" && undone.json["spec"]?["type"] == "undo")
            let warning = undone.json["warnings"]?.arrayValue?.first { $0["kind"] == "removes" }
            #expect(warning?["clusters"] == ["use1-a"], "\(undone.text)")
            let list = try await console.request(.get, "/v1/rollouts")
            #expect(list.json["items"]?[0]?["spec"]?["type"] == "undo")
            #expect(list.json["items"]?[0]?["spec"]?["undoOf"] == "r1")

            try await console.report("use1-a", .removed, to: "r1-undo")
            #expect(try await console.target("use1-a", of: "r1-undo")["phase"] == "removed")
            let counts = try await console.request(.get, "/v1/rollouts").json["items"]?[0]?["status"]?["counts"]
            #expect(counts == ["removed": 1], "never as healthy")
            let undoOfUndo = try await console.request(.post, "/v1/rollouts/r1-undo/undo", ["remove": true])
            #expect(undoOfUndo.status == 409, "\(undoOfUndo.text)")
            #expect(undoOfUndo.text.contains("is itself an undo, of 'r1'"), "\(undoOfUndo.text)")
        }
    }

    @Test func oneClusterRollsBackThroughItsHolderOrANewRollout() async throws {
        try await withRollout { console in
            let path = "/v1/clusters/use1-a/rollback"
            let surprise = try await console.request(.post, path, ["application": "shop"])
            #expect(surprise.status == 409 && surprise.text.contains("Say --remove for that"), "\(surprise.text)")
            let held = try await console.request(.post, path, ["application": "shop", "remove": true])
            #expect(held.status == 200 && held.json["metadata"]?["name"] == "r1", "\(held.text)")
            #expect(held.json["warnings"]?[0]?["kind"] == "removes", "\(held.text)")
            try await console.report("use1-a", .removed)
            #expect(try await console.target("use1-a")["phase"] == "removed")
            let never = try await console.request(.post, "/v1/clusters/usw1-a/rollback", ["application": "nope"])
            #expect(never.status == 404)
            let missing = try await console.request(.post, "/v1/clusters/usw1-a/rollback")
            #expect(missing.status == 400 && missing.text.contains("'application' is missing"))
        }
        try await withRollout { console in
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            let free = try await console.request(
                .post, "/v1/clusters/use1-a/rollback", ["application": "shop", "remove": true])
            #expect(free.status == 201 && free.json["metadata"]?["name"] == "r1-undo", "\(free.text)")
            #expect(free.json["status"]?["targets"]?.arrayValue?.map { $0["cluster"] } == ["use1-a"])
            let unassigned = try await console.request(.post, "/v1/clusters/usw1-a/rollback", ["application": "shop"])
            #expect(unassigned.status == 409 && unassigned.text.contains("never assigned"))
        }
    }

    @Test func whatTheStrategyRemovesTakesAWordBeforehand() async throws {
        let orders: [(String, JSONValue)] = [
            ("/v1/rollouts/r1/undo", [:]), ("/v1/clusters/use1-a/rollback", ["application": "shop"]),
        ]
        for (path, body) in orders {
            try await ConsoleHarness.run(decides: true) { console in
                try await console.startRollout(removing: true)
                let refused = try await console.request(.post, path, body)
                #expect(refused.status == 409 && refused.text.contains("urn:swell:problem:unconfirmed"))
                #expect(refused.text.contains("is removed there") && refused.text.contains("use1-a"), "\(refused.text)")
                #expect(try await console.target("use1-a")["phase"] == "dispatched", "nothing was done")
                var confirmed = body
                confirmed["confirmed"] = true
                let taken = try await console.request(.post, path, confirmed)
                #expect(taken.status == 200, "\(taken.text)")
                #expect(taken.json["warnings"]?.arrayValue?.contains { $0["kind"] == "removes" } == true)
                #expect(try await console.target("use1-a")["phase"] == "rollingBack")
            }
        }
    }

    @Test func whatIsScheduledIsWarnedOfAndSupersededWhenAsked() async throws {
        try await ConsoleHarness.run(decides: true) { console in
            try await console.startRollout()
            _ = try await console.request(.post, "/v1/rollouts/r1/abort")
            var later: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "later"]
            later["startAt"] = .string("\(console.clock.now + .hours(24))")
            let planned = try await console.request(.post, "/v1/rollouts", later)
            #expect(planned.status == 201, "\(planned.text)")
            let request: JSONValue = ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "r2"]
            let plan = try await console.request(.post, "/v1/plan", request)
            let warning = plan.json["warnings"]?.arrayValue?.first { $0["kind"] == "scheduled" }
            #expect(warning?["message"]?.stringValue?.contains("rollout 'later'") == true, "\(plan.text)")
            #expect(warning?["clusters"] == ["use1-a", "usw1-a"])
            #expect(try await console.request(.post, "/v1/rollouts", request).status == 201, "it is not in the way")
            let scheduled = try await console.request(.get, "/v1/rollouts/later")
            #expect(scheduled.json["status"]?["phase"] == "scheduled", "\(scheduled.text)")
            var instead = request
            instead["name"] = "r3"
            instead["supersede"] = true
            #expect(try await console.request(.post, "/v1/rollouts", instead).status == 201)
            for name in ["r2", "later"] {
                let ended = try await console.request(.get, "/v1/rollouts/\(name)")
                #expect(ended.json["status"]?["phase"] == "superseded", "\(ended.text)")
            }
        }
    }

    @Test func whatHasNowhereToGoIsHeldAndSaysSo() async throws {
        try await withRollout { console in
            let undone = try await console.request(.post, "/v1/rollouts/r1/undo")
            #expect(undone.status == 200, "\(undone.text)")
            #expect(undone.json["warnings"]?[0]?["kind"] == "unchanged", "\(undone.text)")
            #expect(undone.json["warnings"]?[0]?["message"]?.stringValue?.contains("--remove") == true)
            #expect(try await console.target("use1-a")["phase"] == "held")
            let counts = try await console.request(.get, "/v1/rollouts").json["items"]?[0]?["status"]?["counts"]
            #expect(counts == ["held": 1, "skipped": 1], "what was held is told apart from what was not touched")
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
