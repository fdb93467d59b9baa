internal import KubernetesObjects

/// What controllers say of their objects in conditions, where a kind has no rule of its own. Pure.
///
/// `Ready` is the word of them all. Beside it a few are used alike by many, of which True is good and anything else means that it is not
/// so yet. Words that are not among them are not judged: of many (`Degraded`, `Stalled`, `UpdateAvailable`) False is as it should be.
enum ToldConditions {
    /// Who writes them: operators of databases and of monitoring (`Available`), what takes policies (`Accepted`) and puts them into
    /// effect (`Programmed`), what mirrors something outside (`Synced`), and what has made all that was asked for (`Reconciled`).
    static let words = ["Available", "Accepted", "Programmed", "Synced", "Reconciled"]

    static func assess(_ object: KubernetesObject) -> HealthAssessment {
        let conditions = Condition.all(in: object)
        let ready = conditions.first { $0.type == "Ready" }
        if let ready {
            if let stale = stale(ready, of: object) { return stale }
            guard ready.isTrue else { return HealthAssessment(.progressing, ready.text) }
        }
        guard BuiltInGroups.isCustom(object.type.groupKind) else { return HealthAssessment(.healthy) }
        for word in words {
            guard let condition = conditions.first(where: { $0.type == word }) else { continue }
            if condition.isStale(for: object) {
                // What is ready is so at the generation of that word: others may be told once and not again.
                guard ready == nil, let stale = stale(condition, of: object) else { continue }
                return stale
            }
            if condition.isFalse || ready == nil && !condition.isTrue { return lacking(condition) }
        }
        return GatewayHealth.ancestors(object) ?? HealthAssessment(.healthy)
    }

    /// What a condition that is not True makes of an object.
    static func lacking(_ condition: Condition, _ value: HealthValue = .progressing) -> HealthAssessment {
        let why = condition.reason.isEmpty && condition.message.isEmpty ? condition.status : condition.text
        return HealthAssessment(value, "not \(condition.type): \(why)")
    }

    private static func stale(_ condition: Condition, of object: KubernetesObject) -> HealthAssessment? {
        guard condition.isStale(for: object) else { return nil }
        let seen = condition.observedGeneration.map { "\($0)" } ?? "?"
        let wanted = object.generation.map { "\($0)" } ?? "?"
        return HealthAssessment(.progressing, "\(condition.type) is told of generation \(seen) of \(wanted)")
    }
}
