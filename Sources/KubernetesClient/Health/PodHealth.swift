internal import KubernetesObjects

/// Reads pods: the place where a workload's trouble has its name.
enum PodHealth {
    /// How long a pod may be unschedulable before that is trouble; the scheduler and autoscalers need a moment.
    static let unschedulableGrace = 15.0
    /// How long a pod may take to become ready before it is named, though it may still do so.
    static let readyGrace = 10.0

    /// How a pod has ended; nil while it has not.
    static func end(of pod: KubernetesObject) -> HealthAssessment? {
        switch pod.status?["phase"]?.stringValue {
        case "Succeeded": return HealthAssessment(.healthy)
        case "Failed":
            let reason = pod.status?["reason"]?.stringValue ?? ""
            let message = pod.status?["message"]?.stringValue ?? ""
            let said = [reason, message].filter { !$0.isEmpty }.joined(separator: ": ")
            return HealthAssessment(.failed, said.isEmpty ? terminated(pod) ?? "the pod failed" : said)
        default: return nil
        }
    }

    static func assess(_ pod: KubernetesObject, _ context: HealthContext) -> HealthAssessment {
        if let end = end(of: pod) { return end }
        if let stuck = stuckContainer(pod) { return HealthAssessment(.degraded, stuck) }
        if let scheduled = Condition.find("PodScheduled", in: pod), scheduled.isFalse,
            scheduled.reason == "Unschedulable"
        {
            let since =
                context.pods[pod.reference.identity]?.since ?? scheduled.lastTransition
                ?? pod.creationTimestamp.flatMap(KubernetesTime.init(parsing:))
            let waited = since.map { context.now.seconds - $0.seconds } ?? .infinity
            return HealthAssessment(waited > unschedulableGrace ? .degraded : .progressing, scheduled.text)
        }
        if Condition.find("Ready", in: pod)?.isTrue == true {
            return context.awaitsEnds ? HealthAssessment(.progressing, "running") : HealthAssessment(.healthy)
        }
        return HealthAssessment(.progressing, notReady(pod))
    }

    /// The pod that fares worst, with its name in the message; nil when none is in trouble that can be named, or slow.
    ///
    /// A pod that restarted again and again is named even while it is up: that is what a crash loop looks like between
    /// two crashes.
    ///
    /// - Parameter areReplaced: Whether a pod that has ended is replaced by another one, and lies about as long as nobody collects it.
    ///   Such a one is the culprit only where no other is there, and makes nothing worse by itself.
    static func worst(
        of pods: [KubernetesObject], areReplaced: Bool = false, context: HealthContext
    ) -> HealthAssessment? {
        let present = pods.filter { $0.deletionTimestamp == nil }
        guard areReplaced else { return worst(among: present, context) }
        let running = present.filter { end(of: $0) == nil }
        guard running.isEmpty else { return worst(among: running, context) }
        return worst(among: present, context).map { HealthAssessment(.progressing, $0.message) }
    }

    private static func worst(among pods: [KubernetesObject], _ context: HealthContext) -> HealthAssessment? {
        var worst: (value: HealthValue, restarts: Int64, assessment: HealthAssessment)?
        for pod in pods {
            var assessment = assess(pod, context)
            let restarts = restartCount(pod)
            if assessment.value == .healthy || assessment.value == .progressing, restarts.count >= 3,
                restarts.isRecent(context, context.pods[pod.reference.identity])
            {
                let last = restarts.lastTermination.map { ", last \($0)" } ?? ""
                assessment = HealthAssessment(
                    .degraded, "container \(restarts.container): restarted \(restarts.count) times\(last)")
            }
            guard assessment.value < .progressing || assessment.value == .progressing && isSlow(pod, context) else {
                continue
            }
            let named = HealthAssessment(assessment.value, "pod \(pod.name) \(assessment.message)")
            if let current = worst, (current.value, -current.restarts) <= (named.value, -restarts.count) { continue }
            worst = (named.value, restarts.count, named)
        }
        return worst?.assessment
    }

    /// What is said of the pod at which a StatefulSet waits for ever: one of a former revision that cannot become ready, which its
    /// controller neither passes nor replaces while it keeps to the order of its pods. Nil where there is none.
    static func blocking(
        _ workload: KubernetesObject, among pods: [KubernetesObject], context: HealthContext
    ) -> String? {
        let stuck = pods.filter { pod in
            end(of: pod) == nil && WorkloadPods.blocks(pod, workload) && assess(pod, context).value < .unknown
        }
        // The update goes from the highest ordinal down.
        guard let pod = stuck.max(by: { WorkloadPods.ordinal($0) < WorkloadPods.ordinal($1) }) else { return nil }
        let namespace = pod.namespace.map { "-n \($0) " } ?? ""
        return "pod \(pod.name) of a former revision blocks it (\(assess(pod, context).message)); "
            + "Kubernetes does not replace it by itself: kubectl \(namespace)delete pod \(pod.name)"
    }

    private static func isSlow(_ pod: KubernetesObject, _ context: HealthContext) -> Bool {
        let since =
            context.pods[pod.reference.identity]?.since ?? Condition.find("Ready", in: pod)?.lastTransition
            ?? pod.creationTimestamp.flatMap(KubernetesTime.init(parsing:))
        return since.map { context.now.seconds - $0.seconds >= readyGrace } ?? false
    }

    private static let containerKinds = [
        ("initContainerStatuses", "init container"), ("containerStatuses", "container"),
        ("ephemeralContainerStatuses", "ephemeral container"),
    ]

    /// The fields of a pod's status that tell of containers.
    static let containerStatuses = containerKinds.map(\.0)

    private static func containers(_ pod: KubernetesObject) -> [(label: String, status: JSONValue)] {
        containerKinds.flatMap { field, label in
            (pod.status?[field]?.arrayValue ?? []).map { status in
                ("\(label) \(status["name"]?.stringValue ?? "?")", status)
            }
        }
    }

    /// Whether a container waits because something is wrong. Of the image's reasons two follow no pattern.
    private static func isTrouble(_ reason: String) -> Bool {
        reason.hasSuffix("BackOff") || reason.hasSuffix("Error") || reason.hasPrefix("Err")
            || reason == "InvalidImageName" || reason == "SignatureValidationFailed"
    }

    private static func stuckContainer(_ pod: KubernetesObject) -> String? {
        for (label, status) in containers(pod) {
            guard let waiting = status["state"]?["waiting"], let reason = waiting["reason"]?.stringValue else {
                continue
            }
            guard isTrouble(reason) else { continue }
            let message = waiting["message"]?.stringValue ?? ""
            var text = message.isEmpty ? "\(label): \(reason)" : "\(label): \(reason): \(message)"
            if reason == "CrashLoopBackOff", let last = termination(status["lastState"]?["terminated"]) {
                text += " (last \(last))"
            }
            return text
        }
        return nil
    }

    private static func notReady(_ pod: KubernetesObject) -> String {
        for (label, status) in containers(pod) where status["ready"]?.boolValue != true {
            if let reason = status["state"]?["waiting"]?["reason"]?.stringValue { return "\(label): \(reason)" }
            if label.hasPrefix("container"), status["state"]?["running"] != nil {
                return "\(label): running, not ready"
            }
        }
        return Condition.find("Ready", in: pod)?.text ?? "not ready"
    }

    private static func terminated(_ pod: KubernetesObject) -> String? {
        for (label, status) in containers(pod) {
            if let text = termination(status["state"]?["terminated"]), status["state"]?["terminated"]?["exitCode"] != 0
            {
                return "\(label): \(text)"
            }
        }
        return nil
    }

    private static func termination(_ state: JSONValue?) -> String? {
        guard let state, let code = state["exitCode"]?.intValue else { return nil }
        let reason = state["reason"]?.stringValue.map { "\($0), " } ?? ""
        return "\(reason)exit code \(code)"
    }

    private struct Restarts {
        var count: Int64 = 0
        var container = ""
        var lastTermination: String?
        var finishedAt: KubernetesTime?

        /// Within ten minutes of a crash the next one may follow: the longest back-off is five.
        func isRecent(_ context: HealthContext, _ sighting: PodSighting?) -> Bool {
            if let sighting { return sighting.restartedAt.map { context.now.seconds - $0.seconds < 600 } ?? false }
            return finishedAt.map { context.now.seconds - $0.seconds < 600 } ?? false
        }
    }

    /// The most that any of a pod's containers was restarted.
    static func restarts(of pod: KubernetesObject) -> Int64 { restartCount(pod).count }

    private static func restartCount(_ pod: KubernetesObject) -> Restarts {
        var most = Restarts()
        for (_, status) in containers(pod) {
            let count = status["restartCount"]?.intValue ?? 0
            guard count > most.count else { continue }
            let last = status["lastState"]?["terminated"]
            most = Restarts(
                count: count, container: status["name"]?.stringValue ?? "?", lastTermination: termination(last),
                finishedAt: last?["finishedAt"]?.stringValue.flatMap(KubernetesTime.init(parsing:)))
        }
        return most
    }
}

/// Since when a pod has been seen as it is, by the clock of whoever watches: what its node and its scheduler wrote is of other clocks.
struct PodSighting: Sendable, Hashable {
    private let stamp: [String]
    private let restarts: Int64
    /// Since when it has been seen ready, scheduled or not, as it is.
    let since: KubernetesTime
    /// When it was last seen to have been restarted; nil where it was not while it was watched.
    let restartedAt: KubernetesTime?

    init(_ pod: KubernetesObject, after former: PodSighting?, at moment: KubernetesTime) {
        self.stamp = ["PodScheduled", "Ready"].map { Condition.find($0, in: pod)?.status ?? "" } + [pod.uid ?? ""]
        self.restarts = PodHealth.restarts(of: pod)
        self.since = former.flatMap { [stamp] in $0.stamp == stamp ? $0.since : nil } ?? moment
        let hasRisen = former.map { [restarts] in $0.restarts < restarts } ?? false
        self.restartedAt = hasRisen ? moment : former?.restartedAt
    }
}
