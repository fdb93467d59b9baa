internal import Foundation
internal import KubernetesObjects
internal import Testing

/// Bad input as an operator would give it, through the real binaries.
@Suite(.serialized) struct OperatorMistakes {
    @Test(arguments: [
        ["swell", "rollout", "strat"], ["swell", "--nonsense"], ["swell-coordinator", "serve", "--no-such-flag"],
        ["swell-agent", "run"], ["swell-kubesim", "serve", "--bogus"],
        ["swell-kubesim", "fault", "answer", "600", "--name", "web", "--kubeconfig-dir", "x"],
        ["swell-kubesim", "fault", "answer", "500", "--kubeconfig-dir", "x"],
        ["swell-kubesim", "fault", "answer", "500", "--name", "web", "--reason", "No", "--kubeconfig-dir", "x"],
    ])
    func wrongFlagsGiveUsageAndExitCode2(words: [String]) async throws {
        let result = try await Programs.call(words[0], Array(words.dropFirst()))
        #expect(result.code == 2, "\(words): exit code \(result.code)")
        let said = result.errors + result.output
        // As kubectl does it: an unknown flag is named, with where to read on.
        #expect(
            said.contains("Usage:") || said.contains("USAGE") || said.contains("See '\(words[0]) --help'"),
            "\(words): \(said)")
    }

    @Test func badDocumentsAreRefusedAsAWholeWithFileLineAndPath() async throws {
        let fleet = try await Fleet(Fleet.Shape(regions: [:]))
        do {
            try await fleet.startCoordinator()
            let bad = fleet.folder.appending(path: "bad.yaml")
            try """
            apiVersion: swell.dev/v1
            kind: Cluster
            metadata: {name: good}
            spec: {region: us-east-1, environment: production}
            ---
            apiVersion: swell.dev/v1
            kind: RolloutPolicy
            metadata: {name: p}
            spec:
              stages:
                - name: canary
                  select: {regions: [us-east-1]}
                  maxConcurent: 1
            """.write(to: bad, atomically: true, encoding: .utf8)
            let refused = try await fleet.swell("apply", "-f", bad.path)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("bad.yaml:13"), "\(refused.errors)")
            #expect(refused.errors.contains("maxConcurent"), "\(refused.errors)")
            #expect(refused.errors.contains("maxConcurrent"), "what would be right is not said: \(refused.errors)")
            let stored = try await fleet.swell("get", "clusters", "-o", "json").json()["items"]?.arrayValue
            #expect(stored?.isEmpty == true, "something was stored of a refused set")
        } catch {
            await fleet.stop()
            throw error
        }
        await fleet.stop()
    }

    @Test func aRolloutOverClustersThatNeverJoinedSaysWhichAreUnreachable() async throws {
        let fleet = try await Fleet(Fleet.Shape(regions: [:]))
        do {
            try await fleet.startCoordinator()
            try await fleet.apply(
                """
                apiVersion: swell.dev/v1
                kind: Cluster
                metadata: {name: lonely}
                spec: {region: us-east-1, environment: production}
                ---
                apiVersion: swell.dev/v1
                kind: Cluster
                metadata: {name: other}
                spec: {region: us-west-1, environment: production}
                """)
            try await fleet.apply(Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1"]))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            let started = try await fleet.swell(
                "rollout", "start", "web", "--version", "1.0.0", "--policy", "waves", "--name", "first")
            #expect(started.code == 0, "\(started.errors)")
            let status = try await fleet.rollout("first", "waiting for the unreachable") { status in
                status["waitingFor"]?.arrayValue?.contains { $0["what"]?.stringValue == "unreachable" } == true
            }
            let why = status["waitingFor"]?.arrayValue?.compactMap { $0["why"]?.stringValue }.joined() ?? ""
            #expect(why.contains("lonely"), "\(why)")
        } catch {
            await fleet.stop()
            throw error
        }
        await fleet.stop()
    }
}
