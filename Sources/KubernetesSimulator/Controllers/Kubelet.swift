internal import KubernetesObjects

// MARK: - Pods: the stand-in for scheduler and kubelet

extension ClusterState {
    /// Pods and their templates may order a behaviour by this annotation.
    static let faultAnnotation = "kubesim/fault"
    /// Pods and their templates may set their own seconds to readiness by this annotation.
    static let readyAfterAnnotation = "kubesim/ready-after"

    mutating func reconcilePods(_ agenda: inout Agenda) {
        for stored in store.all("pods") { reconcile(pod: stored, &agenda) }
    }

    private mutating func reconcile(pod stored: StoredObject, _ agenda: inout Agenda) {
        let pod = stored.value
        let now = agenda.now
        if pod.isBeingDeleted {
            let grace = Double(pod.int("metadata", "deletionGracePeriodSeconds") ?? 30)
            let end = (stored.deletedAt ?? now) + min(grace, timing.podTermination)
            if now < end {
                agenda.look(at: end)
            } else if pod.finalizers.isEmpty {
                store.remove("pods", pod.key)
            }
            return
        }
        if PodFacts.isFinished(pod) { return }
        if pod.at("spec", "nodeName") == nil {
            let node = SeededRandom.hash(pod.uid) % UInt64(max(1, nodeCount))
            var scheduled = pod
            scheduled.put(.string(nodeCount == 1 ? "node-0" : "node-\(node)"), "spec", "nodeName")
            scheduled.put(
                [
                    ["type": "PodScheduled", "status": "True", "lastProbeTime": nil]
                ], "status", "conditions")
            store.put("pods", scheduled, now: now)
        }
        let course = PodCourse(pod: stored, timing: timing, faults: faults)
        let moment = course.moment(at: now)
        if let change = moment.next { agenda.look(at: change) }
        let wasReady = PodFacts.isReady(pod)
        writeStatus("pods", pod.key, now: now, author: .kubelet) { object in
            course.write(moment, to: &object)
        }
        guard let after = store.get("pods", pod.key)?.value else { return }
        let isReady = PodFacts.isReady(after)
        if isReady != wasReady { store.setReady("pods", pod.key, at: isReady ? now : nil) }
        if let warning = moment.event, after != pod {
            record(warning.reason, warning.message, about: after, type: "Warning", source: "kubelet", now: now)
        }
    }
}

/// What happens to one pod over time: a function of its birth, its behaviour and the clock.
struct PodCourse {
    enum ContainerState: Hashable {
        case creating
        case waiting(reason: String, message: String)
        case running(since: Double)
        case completed(from: Double, to: Double)
        case failed(from: Double, to: Double)
    }

    /// What the pod shows at an instant.
    struct Moment {
        var phase: String
        var state: ContainerState
        var isReady: Bool
        var restarts = 0
        var lastFailure: (from: Double, to: Double)?
        /// When it will show something else.
        var next: Double?
        var event: (reason: String, message: String)?
    }

    let object: JSONValue
    let bornAt: Double
    let behaviour: FaultPlan.Behaviour
    let readyAfter: Double
    let runsToEnd: Bool
    let restartPolicy: String
    let timing: ClusterState.Timing

    init(pod: StoredObject, timing: ClusterState.Timing, faults: FaultPlan) {
        object = pod.value
        bornAt = pod.bornAt
        self.timing = timing
        let annotations = object.at("metadata", "annotations")
        let images = (object.at("spec", "containers")?.arrayValue ?? []).compactMap { $0["image"]?.stringValue }
        let named = annotations?[ClusterState.faultAnnotation]?.stringValue
        let behaviours = images.map { faults.behaviour(image: $0, annotation: named) }
        behaviour = behaviours.first { $0 != .healthy } ?? .healthy
        restartPolicy = object.at("spec", "restartPolicy")?.stringValue ?? "Always"
        runsToEnd = restartPolicy != "Always"
        let share = Double(SeededRandom.hash(object.uid) % 1000) / 1000
        let usual = timing.podReady.lowerBound + (timing.podReady.upperBound - timing.podReady.lowerBound) * share
        if let text = annotations?[ClusterState.readyAfterAnnotation]?.stringValue, let seconds = Double(text),
            (0...1e6).contains(seconds)
        {
            readyAfter = seconds
        } else {
            readyAfter = behaviour == .slow ? timing.slowPodReady : usual
        }
    }

    func moment(at now: Double) -> Moment {
        let started = bornAt + min(readyAfter, timing.podReady.lowerBound) * 0.6
        guard now >= started else {
            return Moment(phase: "Pending", state: .creating, isReady: false, next: started)
        }
        switch behaviour {
        case .pullError: return pulling(since: started, now: now)
        case .crashLoop, .flapping: return crashing(since: started, now: now)
        case .neverReady:
            return Moment(phase: "Running", state: .running(since: started), isReady: false)
        case .healthy, .slow:
            if runsToEnd {
                let end = started + timing.jobRun + (behaviour == .slow ? timing.slowPodReady : 0)
                guard now >= end else {
                    return Moment(phase: "Running", state: .running(since: started), isReady: true, next: end)
                }
                return Moment(phase: "Succeeded", state: .completed(from: started, to: end), isReady: false)
            }
            let ready = bornAt + readyAfter
            let isReady = now >= ready
            return Moment(
                phase: "Running", state: .running(since: started), isReady: isReady, next: isReady ? nil : ready)
        }
    }

    private func pulling(since started: Double, now: Double) -> Moment {
        let image = object.at("spec", "containers")?[0]?["image"]?.stringValue ?? ""
        let failure = "Failed to pull image \"\(image)\": not found"
        if now < started + 0.2 {
            return Moment(
                phase: "Pending", state: .waiting(reason: "ErrImagePull", message: failure), isReady: false,
                next: started + 0.2, event: ("Failed", failure))
        }
        return Moment(
            phase: "Pending", state: .waiting(reason: "ImagePullBackOff", message: "Back-off pulling image"),
            isReady: false, event: ("BackOff", "Back-off pulling image \"\(image)\""))
    }

    /// Crashes come after 0.4, 0.8, 1.6 … seconds, ten seconds apart at the most.
    private func crashing(since started: Double, now: Double) -> Moment {
        let lifetime = behaviour == .flapping ? 0.3 : 0.1
        if restartPolicy == "Never" {
            guard now >= started + lifetime else {
                return Moment(
                    phase: "Running", state: .running(since: started), isReady: false, next: started + lifetime)
            }
            return Moment(phase: "Failed", state: .failed(from: started, to: started + lifetime), isReady: false)
        }
        var restarts = 0
        var begin = started
        var pause = 0.4
        while true {
            let end = begin + lifetime
            let last = restarts == 0 ? nil : (from: begin - pause / 2 - lifetime, to: begin - pause / 2)
            if now < end {
                return Moment(
                    phase: "Running", state: .running(since: begin), isReady: behaviour == .flapping,
                    restarts: restarts, lastFailure: last, next: end)
            }
            if now < end + pause {
                return Moment(
                    phase: "Running",
                    state: .waiting(
                        reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container"),
                    isReady: false, restarts: restarts, lastFailure: (begin, end), next: end + pause,
                    event: ("BackOff", "Back-off restarting failed container"))
            }
            begin = end + pause
            pause = min(pause * 2, 10)
            restarts += 1
        }
    }

    // MARK: Writing

    func write(_ moment: Moment, to object: inout JSONValue) {
        var status = object["status"] ?? .object([:])
        let time = JSONValue.string(Timestamp.text(bornAt))
        let address = Self.address(of: object.uid)
        status["phase"] = .string(moment.phase)
        if status["startTime"] == nil { status["startTime"] = time }
        status["podIP"] = .string(address)
        status["podIPs"] = [["ip": .string(address)]]
        status["conditions"] = .array(conditions(moment, old: status["conditions"]))
        let isReady = moment.isReady
        status["containerStatuses"] = .array(
            (object.at("spec", "containers")?.arrayValue ?? []).map { container in
                [
                    "name": container["name"] ?? "", "state": Self.state(moment.state),
                    "lastState": moment.lastFailure.map { Self.state(.failed(from: $0.from, to: $0.to)) }
                        ?? .object([:]),
                    "ready": .bool(isReady), "restartCount": .integer(Int64(moment.restarts)),
                    "image": container["image"] ?? "", "imageID": "", "started": .bool(isReady),
                ]
            })
        object["status"] = status
    }

    private func conditions(_ moment: Moment, old: JSONValue?) -> [JSONValue] {
        let now = JSONValue.string(Timestamp.text(bornAt))
        let isDone = moment.phase == "Succeeded"
        return [
            ("Initialized", true), ("Ready", moment.isReady), ("ContainersReady", moment.isReady),
            ("PodScheduled", true),
        ]
        .map { type, holds in
            let before = old?.arrayValue?.first { $0["type"]?.stringValue == type }
            let status: JSONValue = holds ? "True" : "False"
            let isSame = before?["status"] == status
            var condition: JSONValue = [
                "type": .string(type), "status": status, "lastProbeTime": nil,
                "lastTransitionTime": isSame ? before?["lastTransitionTime"] ?? now : transition(moment),
            ]
            if isDone, !holds { condition["reason"] = "PodCompleted" }
            return condition
        }
    }

    private func transition(_ moment: Moment) -> JSONValue {
        switch moment.state {
        case .running(let since): .string(Timestamp.text(moment.isReady ? max(since, bornAt + readyAfter) : since))
        case .completed(_, let end), .failed(_, let end): .string(Timestamp.text(end))
        default: .string(Timestamp.text(moment.lastFailure?.to ?? bornAt))
        }
    }

    private static func state(_ state: ContainerState) -> JSONValue {
        func ended(_ code: Int64, _ reason: String, _ from: Double, _ to: Double) -> JSONValue {
            [
                "terminated": [
                    "exitCode": .integer(code), "reason": .string(reason),
                    "startedAt": .string(Timestamp.text(from)), "finishedAt": .string(Timestamp.text(to)),
                ]
            ]
        }
        switch state {
        case .creating: return ["waiting": ["reason": "ContainerCreating"]]
        case .waiting(let reason, let message):
            return ["waiting": ["reason": .string(reason), "message": .string(message)]]
        case .running(let since): return ["running": ["startedAt": .string(Timestamp.text(since))]]
        case .completed(let from, let to): return ended(0, "Completed", from, to)
        case .failed(let from, let to): return ended(1, "Error", from, to)
        }
    }

    private static func address(of uid: String) -> String {
        let hash = SeededRandom.hash(uid)
        return "10.244.\(hash >> 8 & 255).\(hash % 254 + 1)"
    }
}
