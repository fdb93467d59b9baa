internal import KubernetesObjects
internal import Synchronization

/// What is known of objects whose health is awaited. Watches write it, one waiter reads it.
final class HealthTable: Sendable {
    private struct State {
        var objects = WatchedObjects()
        var unreadable: [ObjectSelection: KubernetesError] = [:]
    }

    private let state = Mutex(State())

    /// Takes what a watch tells.
    func take(_ update: Reflector.Update, of selection: ObjectSelection) {
        state.withLock { _ = $0.objects.take(update, of: selection) }
    }

    /// Notes that objects cannot be watched at all.
    func fail(_ selection: ObjectSelection, _ error: KubernetesError) {
        state.withLock { $0.unreadable[selection] = error }
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
            guard state.objects.listed.contains(selection) else { return HealthAssessment(.unknown, "not read yet") }
            return state.objects.assess(applied, context: context)
        }
    }
}
