internal import KubernetesObjects

/// Server-side apply and the bookkeeping of owners that every other write needs.
struct ServerSideApply: Sendable {
    /// A field that another manager owns with another value.
    struct Conflict: Sendable, Hashable {
        var manager: String
        var field: String
    }

    /// An apply stopped by other managers' fields.
    struct Conflicts: Error {
        var conflicts: [Conflict]
    }

    var shape: Shape
    /// The time to write into changed entries.
    var time: String
    /// Fields that this endpoint never writes (`status` at the main resource, `spec` at `/status`).
    var ignored: [[PathElement]]

    /// Applies a configuration to a live object, or to nothing.
    ///
    /// - Throws: ``Conflicts`` when another manager owns a field with another value and `force` is off.
    func apply(
        _ configuration: JSONValue, to live: JSONValue, as identity: FieldManager.Identity, force: Bool
    ) throws -> JSONValue {
        var bare = live
        var managed = ManagedFields(of: live)
        bare["metadata"]?["managedFields"] = nil
        let before = managed
        var merged = TypedValue.merge(bare, configuration, shape: shape) ?? configuration
        let last = managed[identity]
        let set = ManagedFields.owned(TypedValue.fieldSet(of: configuration, shape: shape), ignoring: ignored)
        managed.set(set, for: identity, time: time)

        if let last, !last.isEmpty {
            let owned = managed.managers.reduce(FieldSet.empty) { $0.union($1.fields) }.withParents
            let dropped = last.subtracting(owned)
            merged = TypedValue.removing(dropped, from: merged, shape: shape, keeping: owned)
        }

        let comparison = comparison(of: bare, merged)
        let changed = comparison.modified.union(comparison.added)
        var conflicts: [Conflict] = []
        for index in managed.managers.indices where managed.managers[index].identity != identity {
            let fields = managed.managers[index].fields
            let clash = fields.intersection(changed)
            if !clash.isEmpty, !force {
                conflicts += clash.paths.map { path in
                    Conflict(
                        manager: managed.managers[index].conflictText, field: path.map(\.text).joined())
                }
            }
            let rest = fields.subtracting(clash).subtracting(comparison.removed)
            if rest != fields {
                managed.managers[index].fields = rest
            }
        }
        guard conflicts.isEmpty else { throw Conflicts(conflicts: conflicts) }
        if comparison.isSame, managed == before { return live }
        if !comparison.isSame { managed.touch(identity, time: time) }
        merged["metadata"]?["managedFields"] = managed.entries
        return merged
    }

    /// Where two objects differ, but for what this endpoint never writes: a status in a manifest changes nothing and so
    /// conflicts with nobody.
    private func comparison(of old: JSONValue, _ new: JSONValue) -> Comparison {
        var result = TypedValue.compare(old, new, shape: shape)
        for path in ignored {
            result.added.removeAll(under: path)
            result.modified.removeAll(under: path)
            result.removed.removeAll(under: path)
        }
        return result
    }

    /// Notes who owns what after a write that is not an apply.
    func update(_ new: JSONValue, from live: JSONValue, as identity: FieldManager.Identity) -> JSONValue {
        var result = new
        var bare = live
        bare["metadata"]?["managedFields"] = nil
        result["metadata"]?["managedFields"] = nil
        let handed = ManagedFields(of: new)
        var managed = handed.managers.isEmpty ? ManagedFields(of: live) : handed
        let comparison = comparison(of: bare, result)
        let changed = comparison.modified.union(comparison.added)
        for index in managed.managers.indices where managed.managers[index].identity != identity {
            let fields = managed.managers[index].fields
            let rest = fields.subtracting(changed).subtracting(comparison.removed)
            if rest != fields {
                managed.managers[index].fields = rest
            }
        }
        let own = (managed[identity] ?? .empty).subtracting(comparison.removed).union(changed)
        managed.set(ManagedFields.owned(own, ignoring: ignored), for: identity, time: time)
        if !ManagedFields.owned(changed, ignoring: ignored).isEmpty { managed.touch(identity, time: time) }
        result["metadata"]?["managedFields"] = managed.entries
        return result
    }
}
