internal import KubernetesObjects
internal import Synchronization

/// What is known of objects whose health is awaited. Watches write it, one waiter reads it.
final class HealthTable: Sendable {
    private struct State {
        var objects = WatchedObjects()
        var unreadable: [ObjectSelection: KubernetesError] = [:]
        /// Those of which every change is told as it happens.
        var followed: Set<ObjectSelection> = []
    }

    private let state = Mutex(State())

    /// Takes what a watch tells.
    func take(_ update: Reflector.Update, of selection: ObjectSelection, at moment: KubernetesTime) {
        state.withLock { state in
            switch update {
            case .watching: state.followed.insert(selection)
            case .listed, .interrupted: state.followed.remove(selection)
            case .changed: break
            }
            _ = state.objects.take(update, of: selection, at: moment)
        }
    }

    /// Whether all of these can be seen as they are now, or never will be.
    func isCurrent(_ selections: Set<ObjectSelection>) -> Bool {
        state.withLock { state in
            selections.allSatisfy { state.followed.contains($0) || state.unreadable[$0] != nil }
        }
    }

    /// Notes that objects cannot be watched at all.
    func fail(_ selection: ObjectSelection, _ error: KubernetesError) {
        state.withLock { $0.unreadable[selection] = error }
    }

    /// The generation of an object as it was last told; nil for none.
    func generation(of reference: ObjectReference) -> Int64? { state.withLock { $0.objects.generation(of: reference) } }

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
            guard state.objects.listed.contains(selection) else { return HealthAssessment(.unknown, "not read yet") }
            return state.objects.assess(applied, context: context)
        }
    }
}
