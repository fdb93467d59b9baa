internal import KubernetesObjects

/// What is noted of an object that was applied, by which it is told from another one that has its name. Pure.
struct ObjectMark: Sendable, Hashable {
    enum Sameness: Sendable, Hashable { case same, another, unknown }

    /// The server's own name of it; nil where it was never noted.
    var uid: String?
    /// Whether the manifest has no field that anybody could own, as that of a bare account: then no managed fields of ours
    /// say nothing.
    var isBare = false

    /// Whether a live object is the one that was applied.
    func sameness(with live: KubernetesObject) -> Sameness {
        guard let uid, let other = live.uid else { return .unknown }
        return uid.isExactly(other) ? .same : .another
    }

    /// Whether an object that carries no field of the applier's is still the applier's to delete.
    ///
    /// It is, where it is the very object that was applied and nobody else has it from a manifest: people and controllers who
    /// write every field of it do not take it over. One who applies all of it does.
    func isStillOurs(_ live: KubernetesObject, beside manager: String) -> Bool {
        sameness(with: live) == .same && (isBare || FieldLedger(live).appliers(beside: manager).isEmpty)
    }
}
