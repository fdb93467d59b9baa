internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

extension HealthRuleTests {
    // MARK: Pods and Jobs

    private static func pod(_ status: String) -> String {
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, creationTimestamp: \"2026-11-21T08:59:00Z\"}\nstatus: {\(status)}"
    }

    private static func job(_ status: String, spec: String = "") -> String {
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, generation: 1}\nspec: {\(spec)}\nstatus: {\(status)}"
    }

    static let podExamples: [HealthExample] =
        [
            "ImagePullBackOff", "CrashLoopBackOff", "CreateContainerConfigError", "RunContainerError", "ErrImagePull",
            "ErrImageNeverPull", "InvalidImageName",
        ].map { reason in
            .init(
                "a container that waits with \(reason)", .degraded, "container app: \(reason): no luck",
                pod(
                    "phase: Pending, containerStatuses: [{name: app, state: {waiting: {reason: \(reason), message: no luck}}}]"
                ))
        } + [
            .init(
                "a container that is only starting", .progressing, "container app: ContainerCreating",
                pod("phase: Pending, containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]")),
            .init(
                "an init container in trouble", .degraded, "init container wait: CrashLoopBackOff",
                pod(
                    "phase: Pending, initContainerStatuses: [{name: wait, state: {waiting: {reason: CrashLoopBackOff}}}], conditions: [{type: Ready, status: \"True\"}]"
                )),
            .init("a pod that has done its work", .healthy, "", pod("phase: Succeeded")),
            .init(
                "a pod that has failed names its container", .failed, "container app: Error, exit code 2",
                pod(
                    "phase: Failed, containerStatuses: [{name: app, state: {terminated: {exitCode: 2, reason: Error}}}]"
                )),
            .init(
                "unschedulable for 15 s is not over 15 s", .progressing, "Unschedulable",
                pod(
                    "phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable, lastTransitionTime: \"2026-11-21T08:59:45Z\"}]"
                )),
            .init(
                "unschedulable for longer", .degraded, "Unschedulable: no node fits",
                pod(
                    "phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: Unschedulable, message: no node fits, lastTransitionTime: \"2026-11-21T08:59:44Z\"}]"
                )),
            .init(
                "a ready pod", .healthy, "", pod("phase: Running, conditions: [{type: Ready, status: \"True\"}]")),
            .init(
                "a job that failed", .failed, "BackoffLimitExceeded: too often",
                job(
                    "conditions: [{type: Failed, status: \"True\", reason: BackoffLimitExceeded, message: too often}]")),
            .init(
                "a condition that is there and not true is none", .progressing, "1 pods are running",
                job("active: 1, conditions: [{type: Failed, status: \"False\"}, {type: Complete, status: \"False\"}]")),
            .init(
                "a job that is complete", .healthy, "", job("conditions: [{type: Complete, status: \"True\"}]")),
            .init(
                "a job that is complete is not suspended any more", .healthy, "",
                job("conditions: [{type: Complete, status: \"True\"}]", spec: "suspend: true")),
            .init("a suspended job", .suspended, "suspended", job("", spec: "suspend: true")),
            .init("a job at work", .progressing, "1 pods are running, 2 failed", job("active: 1, failed: 2")),
            .init(
                "a cron job", .healthy, "",
                "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {suspend: true}"),
        ]

    @Test(arguments: podExamples) func podsAndJobs(example: HealthExample) throws { try example.check() }
}
