internal import KubernetesObjects
internal import Synchronization

/// What is known of objects whose health is awaited. Watches write it, one waiter reads it.
final class HealthBoard: Sendable {
    private struct State {
        var objects: [ObjectIdentity: KubernetesObject] = [:]
        var listed: Set<ObjectSelection> = []
        var unreadable: [ObjectSelection: KubernetesError] = [:]
    }

    private let state = Mutex(State())

    /// Takes what a watch tells.
    func take(_ update: Reflector.Update, of selection: ObjectSelection) {
        state.withLock { state in
            switch update {
            case .listed(let objects):
                state.listed.insert(selection)
                let stale = state.objects.filter { HealthBoard.isSelected($0.key, by: selection) }.keys
                for identity in stale { state.objects[identity] = nil }
                for object in objects { state.objects[object.reference.identity] = object }
            case .changed(.updated(let object)): state.objects[object.reference.identity] = object
            case .changed(.removed(let object)): state.objects[object.reference.identity] = nil
            case .interrupted, .watching: break
            }
        }
    }

    /// Notes that objects cannot be watched at all.
    func fail(_ selection: ObjectSelection, _ error: KubernetesError) {
        state.withLock { $0.unreadable[selection] = error }
    }

    private static func isSelected(_ identity: ObjectIdentity, by selection: ObjectSelection) -> Bool {
        guard identity.type == selection.type.groupKind else { return false }
        if let namespace = selection.namespace, identity.namespace != namespace { return false }
        guard let field = selection.fieldSelector else { return true }
        return field == "metadata.name=\(identity.name)"
    }

    /// The health of an object as far as is known.
    ///
    /// - Parameters:
    ///   - applied: The object as it was applied.
    ///   - selection: The watch that tells of it.
    func assess(_ applied: KubernetesObject, selection: ObjectSelection, context: HealthContext) -> HealthAssessment {
        state.withLock { state in
            if let error = state.unreadable[selection] {
                return HealthAssessment(.failed, "its health cannot be read: \(error.message)")
            }
            guard state.listed.contains(selection) else { return HealthAssessment(.unknown, "not read yet") }
            guard let live = state.objects[applied.reference.identity] else {
                if applied.spec?["ttlSecondsAfterFinished"] != nil {
                    return HealthAssessment(.healthy, "finished and gone")
                }
                return HealthAssessment(.progressing, "it is gone")
            }
            guard HealthWait.runsPods(live.type.groupKind) else { return HealthAssessment(of: live, context: context) }
            let neighbours = state.objects.values.filter { $0.namespace == live.namespace }
            let pods = WorkloadPods.select(
                from: neighbours.filter { $0.kind == "Pod" }, of: live,
                replicaSets: neighbours.filter { $0.kind == "ReplicaSet" })
            return HealthAssessment(of: live, pods: pods, context: context)
        }
    }
}
