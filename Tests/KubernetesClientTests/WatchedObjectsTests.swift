internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

@Suite struct WatchedObjectsTests {
    private static let deployment = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
    private static let pod = GroupVersionKind(version: "v1", kind: "Pod")
    private static let context = HealthContext(now: KubernetesTime(seconds: 1_000))

    private let all = ObjectSelection(type: deployment, namespace: "shop")

    private func object(
        _ name: String, type: GroupVersionKind = deployment, version: String = "1"
    ) -> KubernetesObject {
        var object = KubernetesObject(type: type, namespace: "shop", name: name)
        object.setMetadata("resourceVersion", .string(version))
        return object
    }

    /// The macro cannot change a value by itself.
    private func take(_ update: Reflector.Update, _ selection: ObjectSelection, _ seen: inout WatchedObjects) -> Bool {
        seen.take(update, of: selection)
    }

    @Test func whatAListLacksIsGone() {
        var seen = WatchedObjects()
        #expect(!take(.listed([object("a"), object("b")]), all, &seen))
        #expect(take(.listed([object("b")]), all, &seen))
        #expect(!seen.has(object("a").reference))
        #expect(seen.has(object("b").reference))
        #expect(seen.assess(object("a"), context: Self.context) == HealthAssessment(.progressing, "it is not there"))
    }

    @Test(arguments: [true, false]) func aJobThatEndedWellIsNotMissedWhoeverTookItAway(hasEnded: Bool) {
        var seen = WatchedObjects()
        let type = GroupVersionKind(group: "batch", version: "v1", kind: "Job")
        let jobs = ObjectSelection(type: type, namespace: "shop")
        var job = object("seed", type: type)
        if hasEnded { job.status = ["conditions": [["type": "Complete", "status": "True"]]] }
        seen.take(.listed([job]), of: jobs)
        #expect(take(.changed(.removed(job)), jobs, &seen))
        let health = seen.assess(object("seed", type: type), context: Self.context)
        #expect(health.value == (hasEnded ? .healthy : .progressing))
        // One that comes in its place is looked at itself.
        seen.take(.changed(.updated(object("seed", type: type, version: "2"))), of: jobs)
        #expect(seen.assess(object("seed", type: type), context: Self.context).value == .progressing)
    }

    @Test func aListOfOneObjectSaysNothingOfOthers() {
        var seen = WatchedObjects()
        seen.take(.listed([object("a"), object("b")]), of: all)
        var one = all
        one.fieldSelector = "metadata.name=a"
        #expect(take(.listed([]), one, &seen))
        #expect(!seen.has(object("a").reference))
        #expect(seen.has(object("b").reference))
    }

    @Test func onlyAChangedDesiredStateIsAChange() {
        var seen = WatchedObjects()
        seen.take(.listed([object("a")]), of: all)
        var reported = object("a", version: "2")
        reported.status = ["replicas": 1]
        #expect(!take(.changed(.updated(reported)), all, &seen))
        var scaled = object("a", version: "3")
        scaled.spec = ["replicas": 5]
        #expect(take(.changed(.updated(scaled)), all, &seen))
        #expect(take(.changed(.removed(scaled)), all, &seen))
    }

    @Test(arguments: [("Failed", .failed), ("Complete", .healthy), (nil, .failed)] as [(String?, HealthValue)])
    func aJobThatFailedAndWentIsNoSuccess(condition: String?, expected: HealthValue) {
        let jobs = GroupVersionKind(group: "batch", version: "v1", kind: "Job")
        let selection = ObjectSelection(type: jobs, namespace: "shop")
        var job = object("migrate", type: jobs)
        job.spec = ["ttlSecondsAfterFinished": 0]
        var seen = WatchedObjects()
        seen.take(.listed([job]), of: selection)
        var ended = job
        if let condition { ended.status = ["conditions": [["type": .string(condition), "status": "True"]]] }
        seen.take(.changed(.removed(ended)), of: selection)
        #expect(seen.assess(job, context: Self.context).value == expected)
        // Another one of its name is judged again.
        seen.take(.changed(.updated(job)), of: selection)
        #expect(seen.assess(job, context: Self.context).value == .progressing)
    }

    @Test func aWatchThatIsCutLeavesWhatWasSeen() {
        var seen = WatchedObjects()
        seen.take(.listed([object("a")]), of: all)
        #expect(!take(.interrupted(KubernetesError(code: .noAnswer, message: "cut")), all, &seen))
        #expect(seen.has(object("a").reference))
        #expect(seen.listed == [all])
    }

    @Test func onlyWhatIsNeededIsKept() {
        let watches = HealthWatches(for: [object("a"), object("b")])
        var live = object("a", version: "7")
        live.setMetadata("managedFields", [["manager": "swell"]])
        #expect(watches.kept(live) == object("a", version: "7"))
        #expect(watches.kept(object("of-others")) == nil)
        #expect(watches.kept(object("pod", type: Self.pod)) != nil, "it may be the culprit")
        var pod = object("pod", type: Self.pod)
        pod.spec = ["containers": [["name": "app", "image": "app:1"]]]
        pod.status = [
            "phase": "Pending", "podIP": "10.0.0.1",
            "containerStatuses": [
                [
                    "name": "app", "image": "app:1", "restartCount": 3,
                    "state": ["waiting": ["reason": "CrashLoopBackOff"]],
                    "lastState": [
                        "terminated": ["exitCode": 1, "reason": "Error", "finishedAt": "1970-01-01T00:16:00Z"]
                    ],
                ]
            ], "conditions": [["type": "Ready", "status": "False"]],
        ]
        let outline = watches.kept(pod)
        #expect(outline?.spec == nil && outline?.status?["podIP"] == nil)
        #expect(
            outline.map { HealthAssessment(of: $0, context: Self.context) }
                == HealthAssessment(of: pod, context: Self.context), "it tells all that its health rests on")
        var elsewhere = object("pod", type: Self.pod)
        elsewhere.namespace = "other"
        #expect(watches.kept(elsewhere) == nil)
        let passed = WatchEvent.modified(object("of-others", version: "9")).keeping(watches.kept)
        #expect(passed == .bookmark(resourceVersion: "9"), "the moment counts all the same")
    }

    @Test func aKindIsWatchedAsAWholeUnlessThereIsOneOfIt() {
        let watches = HealthWatches(for: [object("a"), object("b"), object("only", type: Self.pod)])
        var only = ObjectSelection(type: Self.pod, namespace: "shop")
        #expect(watches.helpful.contains(only))
        only.fieldSelector = "metadata.name=only"
        #expect(watches.needed == [all, only])
        #expect(watches.selection(of: object("b")) == all)
        #expect(watches.selection(of: object("only", type: Self.pod)) == only)
        #expect(watches.helpful.count == 2)
    }
}
