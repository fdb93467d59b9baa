internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

@Suite(.timeLimit(.minutes(2))) struct HookTests {
    @Test func runsHooksOnceAroundTheBundle() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.job("check", hook: "after") + Sample.configMap("a") + Sample.job("migrate-1")
            let first = try await server.applier().apply(try Sample.manifest(text))
            #expect(
                first.summary == [
                    "Namespace shop created", "Job migrate-1 created", "ConfigMap a created", "Job check created",
                ], "\(first.objects)")
            let second = try await server.applier().apply(try Sample.manifest(text))
            #expect(second.message("migrate-1") == "before hook has run already")
            let third = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.job("migrate-2")))
            #expect(third.summary.contains("Job migrate-2 created"))
            #expect(third.summary.contains("Job migrate-1 pruned"))
        }
    }

    /// A pod is done once it has succeeded, and not once it is ready.
    @Test func runsPodsLikeJobs() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.hookPod("prepare") + Sample.configMap("a")
                + Sample.hookPod("check", hook: "after")
            let first = try await server.applier().apply(try Sample.manifest(text))
            #expect(
                first.summary == [
                    "Namespace shop created", "Pod prepare created", "ConfigMap a created", "Pod check created",
                ], "\(first.objects)")
            #expect(first.message("prepare") == "before hook succeeded")
            let ended = try await server.live("v1", "Pod", "check")?.status?["phase"]
            #expect(ended == "Succeeded")
            let second = try await server.applier().apply(try Sample.manifest(text))
            #expect(second.message("check") == "after hook has run already")
            let third = try await server.applier().apply(
                try Sample.manifest(
                    Sample.namespace + Sample.hookPod("prepare", image: "check:broken") + Sample.configMap("b")))
            #expect(third.summary.contains("Pod prepare failed") && third.summary.contains("ConfigMap b skipped"))
        }
    }

    /// What a before hook needs may run pods of its own, as a database does: it is awaited ahead of the hook.
    @Test func whatGoesAheadOfHooksMayBeAWorkload() async throws {
        try await SimulatedServer.run { server in
            let database = Sample.deployment("db").replacing(
                "swell.dev/wave: \"0\"", with: "swell.dev/hook: before")
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.job("migrate") + database + Sample.configMap("a")))
            #expect(
                result.summary == [
                    "Namespace shop created", "Deployment db created", "Job migrate created", "ConfigMap a created",
                ], "\(result.objects)")
        }
    }

    @Test func runsTheSameHookOnceForEachBundle() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.job("migrate") + Sample.job("check", hook: "after")
            func uids(_ bundle: String) async throws -> [String?] {
                let result = try await server.applier { $0.hookScope = bundle }.apply(try Sample.manifest(text))
                #expect(result.succeeded, "\(result.objects)")
                return [
                    try await server.live("batch/v1", "Job", "migrate")?.uid,
                    try await server.live("batch/v1", "Job", "check")?.uid,
                ]
            }
            let one = try await uids("one")
            #expect(try await uids("one") == one)
            let two = try await uids("two")
            #expect(two[0] != one[0] && two[1] != one[1])
            #expect(try await uids("two") == two)
        }
    }

    @Test func runsNoHookToPutBackWhatOthersChanged() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.job("migrate") + Sample.configMap("a")
            let broken =
                Sample.configMap("b").replacing("\ndata:", with: "\ndat:") + Sample.job("alarm", hook: "on-failure")
            #expect(try await server.applier().apply(try Sample.manifest(text)).succeeded)
            let first = try await server.live("batch/v1", "Job", "migrate")
            // All that is known of what has run.
            let inventory = InventoryStore(api: server.api, options: server.applier().options).reference
            _ = try await server.api.delete(inventory)
            let correcting = server.applier { $0.runsHooks = false }
            let corrected = try await correcting.apply(try Sample.manifest(text))
            #expect(corrected.succeeded && !corrected.objects.contains { $0.reference.type.kind == "Job" })
            #expect(!(try await correcting.apply(try Sample.manifest(text + broken)).succeeded))
            #expect(try await server.exists("batch/v1", "Job", "alarm") == false)
            let again = try await server.applier().apply(try Sample.manifest(text))
            #expect(again.message("migrate") == "before hook has run already")
            #expect(try await server.live("batch/v1", "Job", "migrate")?.uid == first?.uid)
        }
    }

    @Test(arguments: ["migrate:1", "migrate:broken"])
    func ofAHookThatGoesByItselfIsKnownHowItEnded(image: String) async throws {
        try await SimulatedServer.run { server in
            let job = Sample.job("migrate", image: image, timeout: "60s").replacing(
                "backoffLimit: 0", with: "backoffLimit: 0\n  ttlSecondsAfterFinished: 0")
            let result = try await server.applier().apply(try Sample.manifest(Sample.namespace + job))
            #expect(result.succeeded == (image == "migrate:1"), "\(result.objects)")
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the Job to go") {
                try await server.exists("batch/v1", "Job", "migrate") == false
            }
        }
    }

    @Test func aFailureHookUndoesWhatWasRecordedOfOthersAndStaysWhileItIsUnderWay() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.job("migrate") + Sample.configMap("a")
                + Sample.job("restore", hook: "on-failure", image: "restore:never-ready", timeout: "10m")
            let bundle = try Sample.manifest(text)
            #expect(try await server.applier().apply(bundle).succeeded)
            let first = try await server.live("batch/v1", "Job", "migrate")?.uid
            // Given up on while the hook is under way.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await server.applier().runFailureHooks(of: bundle) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the hook to run") {
                    try await server.exists("batch/v1", "Job", "restore")
                }
                group.cancelAll()
            }
            let former = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(former.objects.contains { $0.reference.name == "restore" && $0.outcome == .kept })
            #expect(try await server.live("batch/v1", "Job", "restore")?.deletionTimestamp == nil)
            #expect(try await server.applier().apply(bundle).succeeded)
            let again = try await server.live("batch/v1", "Job", "migrate")?.uid
            #expect(again != nil && again != first, "what it did may have been undone")
            let removed = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(removed.objects.allSatisfy { $0.outcome == .pruned }, "\(removed.objects)")
        }
    }

    /// As Helm has a hook that is `pre-install,post-install`: made again, and run, at each.
    @Test func oneHookMayRunAtSeveralMoments() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.job("check", hook: "'before, after'") + Sample.configMap("a")
            var uids: [String?] = []
            let bundle = try Sample.manifest(text)
            let first = try await server.applier { $0.hookScope = "one" }.apply(bundle) { report in
                if report.reference.name == "check" { uids.append(report.uid) }
            }
            #expect(
                first.summary == [
                    "Namespace shop created", "Job check created", "ConfigMap a created", "Job check created",
                ], "\(first.objects)")
            #expect(Set(uids).count == 2 && !uids.contains(nil), "\(uids)")
            let again = try await server.applier { $0.hookScope = "one" }.apply(bundle)
            let runs = again.objects.filter { $0.reference.name == "check" }
            #expect(runs.map(\.message) == ["before hook has run already", "after hook has run already"])
            let gone = try await server.applier { $0.allowsEmpty = true }.apply([])
            #expect(gone.objects.count { $0.reference.name == "check" && $0.outcome == .pruned } == 1)
        }
    }

    /// A pod that has ended is not under way, and goes with the release that had it.
    @Test func aPodThatRanForAFailureIsPruned() async throws {
        try await SimulatedServer.run { server in
            let bundle = try Sample.manifest(Sample.namespace + Sample.hookPod("undo", hook: "on-failure"))
            #expect(try await server.applier().apply(bundle).succeeded)
            let ran = try await server.applier().runFailureHooks(of: bundle)
            #expect(ran.summary == ["Pod undo created"], "\(ran.objects)")
            let next = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(next.report("undo")?.outcome == .pruned, "\(next.objects)")
        }
    }

    /// One that a queue holds back is awaited until it is let go, and has not run before.
    @Test func aSuspendedHookHasNotRun() async throws {
        try await SimulatedServer.run { server in
            func held(_ timeout: String) -> String {
                Sample.job("migrate", timeout: timeout).replacing(
                    "backoffLimit: 0", with: "backoffLimit: 0\n  suspend: true")
            }
            let late = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + held("1s") + Sample.configMap("a")))
            #expect(late.report("migrate")?.outcome == .failed, "\(late.objects)")
            #expect(late.message("migrate") == "before hook: not done within 1 s: suspended")
            #expect(try await server.exists("v1", "ConfigMap", "a") == false)
            try await withThrowingTaskGroup(of: BundleResult.self) { group in
                group.addTask {
                    try await server.applier().apply(try Sample.manifest(Sample.namespace + held("60s")))
                }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the new one") {
                    try await server.live("batch/v1", "Job", "migrate")?.annotations["swell.dev/hook-timeout"] == "60s"
                }
                let live = try #require(try await server.live("batch/v1", "Job", "migrate"))
                _ = try await server.api.patch(
                    live.reference, .merge(["spec": ["suspend": false]]), fieldManager: "queue")
                let result = try #require(try await group.next())
                #expect(result.message("migrate") == "before hook succeeded", "\(result.objects)")
            }
        }
    }

    @Test func aFailureHookDoesNotRunBesideTheHookThatItUndoes() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.job("migrate", image: "migrate:never-ready", timeout: "10m")
                + Sample.job("restore", hook: "on-failure")
            let bundle = try Sample.manifest(text)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await server.applier().apply(bundle) }
                try await server.api.poll(every: .milliseconds(20), atMost: .seconds(20), what: "the hook to run") {
                    try await server.exists("batch/v1", "Job", "migrate")
                }
                group.cancelAll()
            }
            let result = try await server.applier().runFailureHooks(of: bundle)
            #expect(result.summary == ["Job restore created"], "\(result.objects)")
            #expect(try await server.exists("batch/v1", "Job", "migrate") == false)
        }
    }

    @Test func aJobOfOthersIsNoHook() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var theirs = try #require(try Sample.manifest(Sample.job("migrate")).first)
            theirs.namespace = "shop"
            theirs.annotations = [:]
            let made = try await server.api.create(theirs, fieldManager: "kubectl-create")
            let result = try await server.applier().apply(
                try Sample.manifest(Sample.namespace + Sample.job("migrate")))
            #expect(result.message("migrate").contains("a Job of this name is there that is others'"))
            #expect(try await server.live("batch/v1", "Job", "migrate")?.uid == made.uid)
        }
    }

    @Test(arguments: ["always", "on-success", "never"])
    func aHookIsRecordedWhateverBecomesOfItsJob(policy: String) async throws {
        try await SimulatedServer.run { server in
            let job = Sample.job("migrate").replacing(
                "swell.dev/hook-timeout", with: "swell.dev/hook-delete: \(policy), swell.dev/hook-timeout")
            let bundle = try Sample.manifest(Sample.namespace + job)
            let result = try await server.applier().apply(bundle)
            #expect(result.succeeded, "\(result.objects)")
            #expect(result.inventory.references.map(\.name).sorted() == ["migrate", "shop"], "it may have stayed")
            #expect(try await server.exists("batch/v1", "Job", "migrate") == (policy == "never"))
            let second = try await server.applier().apply(bundle)
            #expect(second.message("migrate") == "before hook has run already")
        }
    }

    @Test func whatABeforeHookNeedsGoesAheadOfIt() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.configMap("a") + Sample.job("migrate")
                + Sample.configMap("needed", annotations: "{swell.dev/hook: before}")
            let first = try await server.applier().apply(try Sample.manifest(text))
            #expect(
                first.summary == [
                    "Namespace shop created", "ConfigMap needed created", "Job migrate created", "ConfigMap a created",
                ], "\(first.objects)")
            let preview = try await server.applier().preview(try Sample.manifest(text))
            #expect(preview.objects.contains { $0.reference.name == "needed" && $0.outcome == .unchanged })
            let second = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a")))
            #expect(second.summary.contains("ConfigMap needed pruned"))
        }
    }

    @Test func aFailedHookStopsTheBundleAndRunsTheFailureHook() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.job("migrate", image: "migrate:broken", timeout: "3s") + Sample.configMap("a")
                + Sample.job("alarm", hook: "on-failure")
            let result = try await server.applier().apply(try Sample.manifest(text))
            #expect(
                result.summary == [
                    "Namespace shop created", "Job migrate failed", "ConfigMap a skipped", "Job alarm created",
                ], "\(result.objects)")
            #expect(try await server.exists("v1", "ConfigMap", "a") == false)
        }
    }

    @Test(arguments: [
        (Sample.job("x", hook: "sometimes"), "none of before, after, on-failure"),
        (Sample.job("x", timeout: "soon"), "no duration"),
        (Sample.configMap("x", annotations: "{swell.dev/hook: after}"), "a hook must be a Job or a Pod"),
        (Sample.configMap("x", annotations: "{swell.dev/wave: x}"), "no integer"),
    ])
    func refusesUnsoundBundlesBeforeTouchingAnything(text: String, expected: String) async throws {
        let transport = ScriptedTransport { request, _ in
            ScriptedTransport.discovery(request)
                ?? (request.path == "/apis/batch/v1"
                    ? .json([
                        "kind": "APIResourceList", "resources": [["name": "jobs", "kind": "Job", "namespaced": true]],
                    ])
                    : .failure(404, "NotFound", "not found"))
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i", defaultNamespace: "shop",
            now: { KubernetesTime(seconds: 0) })
        let error = await #expect(throws: KubernetesError.self) {
            try await BundleApplier(api: api, options: options).apply(try Sample.manifest(text))
        }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(transport.asked.allSatisfy { $0.method == .GET })
    }

    @Test func namesTheVerbThatIsNotGranted() async throws {
        let refusal = """
            configmaps "a" is forbidden: User "system:serviceaccount:swell-system:swell-agent" cannot patch resource \
            "configmaps" in API group "" in the namespace "shop"
            """
        let transport = ScriptedTransport { request, _ in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if request.method == .GET { return .failure(404, "NotFound", "not found") }
            if request.path.hasSuffix("/i") { return .json(["apiVersion": "v1", "kind": "ConfigMap"]) }
            return .failure(403, "Forbidden", refusal)
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i", defaultNamespace: "shop",
            now: { KubernetesTime(seconds: 0) })
        let result = try await BundleApplier(api: api, options: options).apply(
            try Sample.manifest(Sample.configMap("a")))
        let failure = try #require(result.failures.first)
        #expect(failure.reason == "Forbidden" && !failure.isTransient)
        #expect(
            failure.message.hasSuffix(
                "may not patch configmaps in namespace shop; grant it to system:serviceaccount:swell-system:swell-agent"
            ),
            "\(failure.message)")
    }

    @Test(arguments: [
        (
            "deployments.apps is forbidden: User \"u\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope",
            "may not list deployments.apps in the whole cluster; grant it to u"
        ), ("pods \"a\" is forbidden: exceeded quota: q", nil), ("User \"u\" cannot get path \"/metrics\"", nil),
    ])
    func readsWhatIsNotGranted(message: String, expected: String?) {
        #expect(MissingPermission(message: message)?.description == expected)
    }
}
