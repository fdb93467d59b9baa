public import KubernetesObjects

extension BundleApplier {
    /// What applying objects would change, by the server's own dry run. Changes nothing; hooks and pruning are left out.
    ///
    /// - Throws: ``KubernetesError``; `CancellationError`.
    public func preview(_ objects: [KubernetesObject]) async throws -> BundleResult {
        var reports: [BundleProgress] = []
        let applier = ObjectApplier(api: api, options: options)
        for object in objects where object.annotations[options.annotations.hook] == nil {
            var placed = object
            if try await !api.resource(for: object.type).isNamespaced {
                placed.namespace = nil
            } else if placed.namespace == nil {
                placed.namespace = options.defaultNamespace
            }
            reports.append(try await applier.preview(placed))
        }
        return BundleResult(objects: reports, inventory: Inventory())
    }
}

extension ObjectApplier {
    /// What applying one object would change.
    fileprivate func preview(_ object: KubernetesObject) async throws -> BundleProgress {
        guard let live = try await api.get(object.reference) else {
            return BundleProgress(reference: object.reference, outcome: .created)
        }
        let ignored = try options.ignoredPaths(of: object)
        let wanted = try sent(object, live: live, ignored: ignored)
        let preview = try await api.apply(
            wanted, ApplyOptions(fieldManager: options.fieldManager, force: true, dryRun: true))
        var mask = SecretMask()
        let changes = ObjectDifference.changes(from: live, to: preview, ignoring: ignored, mask: &mask)
        return BundleProgress(
            reference: object.reference, outcome: changes.isEmpty ? .unchanged : .configured, changes: changes)
    }
}
