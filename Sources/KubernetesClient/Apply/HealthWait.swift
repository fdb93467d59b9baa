internal import KubernetesObjects

/// Waits, through watches, until objects are healthy.
struct HealthWait: Sendable {
    /// How a wait ended for one object that did not become healthy.
    struct Failure: Sendable {
        let reference: ObjectReference
        let assessment: HealthAssessment
    }

    let api: KubernetesAPI
    let options: BundleOptions

    private static let podOwners: Set<GroupKind> = [
        GroupKind(group: "apps", kind: "Deployment"), GroupKind(group: "apps", kind: "StatefulSet"),
        GroupKind(group: "apps", kind: "DaemonSet"), GroupKind(group: "apps", kind: "ReplicaSet"),
        GroupKind(group: "batch", kind: "Job"),
    ]

    static func runsPods(_ type: GroupKind) -> Bool { podOwners.contains(type) }

    /// Waits for objects.
    ///
    /// Ends at once when one has failed for good; a suspended one counts as done, since it was told to wait.
    ///
    /// - Returns: Those that did not become healthy in time: the failed ones, or else all that held things up.
    /// - Throws: `CancellationError` only.
    func wait(for objects: [KubernetesObject], atMost limit: Duration) async throws -> [Failure] {
        let awaited = objects.filter { object in
            HealthRules.canBeUnhealthy(object.type.groupKind)
                || options.checks.contains { $0.type == object.type.groupKind }
        }
        if awaited.isEmpty { return [] }
        let selections = HealthWait.selections(for: awaited)
        let classes = try await api.storageClasses(for: awaited)
        let board = HealthBoard()
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let deadline = ContinuousClock.now.advanced(by: limit)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for (selection, isNeeded) in HealthWait.watches(for: awaited, selections: selections) {
                group.addTask {
                    do {
                        try await Reflector(api: api, selection: selection).run { update in
                            board.take(update, of: selection)
                            signal.yield()
                        }
                    } catch let error as KubernetesError where isNeeded {
                        board.fail(selection, error)
                        signal.yield()
                    } catch is KubernetesError {
                        // Without sight of pods the culprit goes unnamed; the workload's own status still counts.
                        return
                    }
                }
            }
            group.addTask {
                // Some rules depend on time alone, and so does the deadline.
                while !Task.isCancelled {
                    try await ContinuousClock().sleep(for: min(.seconds(1), max(limit / 4, .milliseconds(20))))
                    signal.yield()
                }
            }
            defer { group.cancelAll() }
            var last: [Failure] = []
            for await _ in signals {
                let context = HealthContext(
                    now: options.now(), lateBindingClasses: classes.lateBinding, classesRefusal: classes.refusal,
                    checks: options.checks)
                last = awaited.compactMap { object in
                    guard let selection = selections[object.reference.identity] else { return nil }
                    let assessment = board.assess(object, selection: selection, context: context)
                    if assessment.value >= .suspended { return nil }
                    return Failure(reference: object.reference, assessment: assessment)
                }
                if last.isEmpty { break }
                let failed = last.filter { $0.assessment.value == .failed }
                if !failed.isEmpty { return failed }
                if ContinuousClock.now >= deadline { break }
            }
            try Task.checkCancellation()
            // The worst first: one culprit is worth more than a list.
            return last.enumerated().sorted {
                ($0.element.assessment.value, $0.offset) < ($1.element.assessment.value, $1.offset)
            }
            .map(\.element)
        }
    }

    /// Which watch tells of each object: one a type and namespace, or of the one object alone.
    private static func selections(for objects: [KubernetesObject]) -> [ObjectIdentity: ObjectSelection] {
        var selections: [ObjectIdentity: ObjectSelection] = [:]
        let groups = Dictionary(grouping: objects) { object in
            ObjectSelection(type: object.type, namespace: object.namespace)
        }
        for (selection, members) in groups {
            var chosen = selection
            if members.count == 1, let only = members.first { chosen.fieldSelector = "metadata.name=\(only.name)" }
            for member in members { selections[member.reference.identity] = chosen }
        }
        return selections
    }

    /// The watches to run, and whether each is needed or only helps to name culprits.
    private static func watches(
        for objects: [KubernetesObject], selections: [ObjectIdentity: ObjectSelection]
    ) -> [ObjectSelection: Bool] {
        var watches = Dictionary(selections.values.map { ($0, true) }, uniquingKeysWith: { first, _ in first })
        for object in objects where runsPods(object.type.groupKind) {
            let pods = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Pod"), namespace: object.namespace)
            watches[pods] = watches[pods] ?? false
            guard object.kind == "Deployment" else { continue }
            let sets = ObjectSelection(
                type: GroupVersionKind(group: "apps", version: "v1", kind: "ReplicaSet"), namespace: object.namespace)
            watches[sets] = watches[sets] ?? false
        }
        return watches
    }
}

extension HealthRules {
    /// Whether objects of a kind can be anything but healthy once they are stored: those that a rule judges, and custom
    /// resources, whose controllers report as they like.
    static func canBeUnhealthy(_ type: GroupKind) -> Bool {
        BuiltInGroups.isCustom(type) || hasRule(for: type)
    }
}
