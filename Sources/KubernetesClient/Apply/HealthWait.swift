internal import AsyncSupport
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
    /// Whether what runs to an end is awaited until then, and not until it is ready.
    var awaitsEnds = false

    /// Waits for objects.
    ///
    /// Ends at once when one has failed for good; a suspended one counts as done, since it was told to wait, but where its end is
    /// awaited: it has not run. Time in which the server was out of reach does not count.
    ///
    /// - Parameter onExcused: Takes, at the end of a wait that was not in vain, those that are healthy only by leave of what was so before:
    ///   what comes after them goes on, and it is to be known that nothing proved them.
    /// - Returns: Those that did not become healthy in time: the failed ones, or else all that held things up.
    /// - Throws: `CancellationError` only.
    func wait(
        for objects: [KubernetesObject], atMost limit: Duration, onExcused: ([Failure]) -> Void = { _ in }
    ) async throws -> [Failure] {
        let awaited = objects.filter { object in
            HealthRules.canBeUnhealthy(object.type.groupKind) || options.checks.contains { $0.isFor(object) }
        }
        if awaited.isEmpty { return [] }
        let watches = HealthWatches(for: awaited)
        let classes = try await api.storageClasses(for: awaited)
        let kindsWithoutStatus = await api.kindsWithoutStatus(among: awaited)
        let board = HealthTable()
        let changed = Signal()
        // Some rules depend on time alone, and so does the deadline.
        let pause = min(.seconds(1), max(limit / 4, .milliseconds(20)))
        var time = SightedTime(limit, from: .now)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for selection in watches.needed.union(watches.helpful) {
                group.addTask {
                    do {
                        try await Reflector(api: api, selection: selection, keeping: watches.kept).run { update in
                            board.take(update, of: selection, at: options.now())
                            changed.send()
                        }
                    } catch let error as KubernetesError where watches.needed.contains(selection) {
                        board.fail(selection, error)
                        changed.send()
                    } catch is KubernetesError {
                        // Without observation of pods the culprit goes unnamed; the workload's own status still counts.
                        return
                    }
                }
            }
            defer { group.cancelAll() }
            var last: [Failure] = []
            var excused: [Failure] = []
            while await changed.wait(upTo: pause) != .cancelled {
                var context = HealthContext(
                    now: options.now(), silentControllers: options.silentControllers,
                    lateBindingClasses: classes.lateBinding, classesRefusal: classes.refusal,
                    kindsWithoutStatus: kindsWithoutStatus, evidence: options.evidence.evidence, checks: options.checks)
                context.awaitsEnds = awaitsEnds
                excused = []
                last = awaited.compactMap { object in
                    let assessment = board.assess(
                        object, selection: watches.selection(of: object), context: context)
                    options.evidence.note(
                        assessment, of: object.reference.identity, at: board.generation(of: object.reference))
                    let seen = Failure(reference: object.reference, assessment: assessment)
                    if assessment.remark == .excused { excused.append(seen) }
                    return assessment.value >= (awaitsEnds ? .healthy : .suspended) ? nil : seen
                }
                if last.isEmpty { break }
                let failed = last.filter { $0.assessment.value == .failed }
                if !failed.isEmpty { return failed }
                var isInSight = api.outage() == nil && board.isCurrent(watches.needed)
                time.pass(to: .now, isInSight: isInSight)
                guard time.isOver, isInSight else { continue }
                // A server that has just fallen silent is not known to be.
                isInSight = await api.isInSight()
                if isInSight { break }
                time.pass(to: .now, isInSight: false)
            }
            try Task.checkCancellation()
            if last.isEmpty { onExcused(excused) }
            // The worst first: one culprit is worth more than a list.
            return last.enumerated().sorted {
                ($0.element.assessment.value, $0.offset) < ($1.element.assessment.value, $1.offset)
            }
            .map(\.element)
        }
    }
}

extension HealthRules {
    /// Whether objects of a kind can be anything but healthy once they are stored: those that a rule judges, and custom
    /// resources, whose controllers report as they like.
    static func canBeUnhealthy(_ type: GroupKind) -> Bool {
        BuiltInGroups.isCustom(type) || hasRule(for: type)
    }
}
