internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

extension KubernetesCluster {
    func preview(_ release: ClusterRelease) async throws -> PreviewAnswer {
        try await translating {
            try await check(release.objects)
            var options = try options(of: release.application.name, release)
            options.wasProven = release.wasProven
            // Applying goes before looking.
            options.concurrency = 4
            let namespace = release.application.namespace
            let result = try await applier(options).preview(
                release.objects, namespaces: scope == nil ? [namespace] : [])
            var changes = result.objects.compactMap { ObjectChange(preview: $0) }
            let brings = release.objects.contains { $0.kind == "Namespace" && $0.name == namespace }
            if !brings, scope == nil, try await lacks(namespace: namespace) {
                changes.insert(
                    ObjectChange(
                        apiVersion: "v1", kind: "Namespace", name: namespace, action: .create,
                        message: "made before the release is applied"), at: 0)
            }
            changes = try await notingAutoscalers(changes, of: release)
            if release.application.strategy.whenNeverHealthy == .remove, result.inventory.references.isEmpty {
                changes = changes.map(\.sayingThatItGoesWithAFailure)
            }
            // A hook for several moments is looked at once for each.
            let unchanged = Set(result.objects.filter { $0.outcome == .unchanged }.map(\.reference))
                .subtracting(result.objects.filter { $0.outcome != .unchanged }.map(\.reference))
            let (objects, omitted) = ChangeLimits.preview.bounded(changes)
            return PreviewAnswer(objects: objects, unchanged: unchanged.count, omitted: omitted)
        }
    }

    /// Whether a namespace is not there. Who may not look takes it to be there, as applying does.
    func lacks(namespace: String) async throws -> Bool {
        let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: namespace)
        do {
            return try await api.get(reference) == nil
        } catch let error as KubernetesError where error.status == 403 {
            return false
        }
    }
}

extension ObjectChange {
    /// What a preview says of an object; nil where it would stay as it is.
    init?(preview report: BundleProgress) {
        let action: Action
        switch report.outcome {
        case .created: action = report.isHook ? .run : .create
        case .configured: action = .update
        case .replaced: action = .replace
        case .pruned: action = .delete
        case .kept: action = .keep
        case .failed, .skipped: action = .fail
        case .unchanged: return nil
        }
        let warnings = report.warnings.map { "the API server warns: \($0)" }
        self.init(report, action, ([report.message].filter { !$0.isEmpty } + warnings).joined(separator: "; "))
        fields = report.changes.map { change in
            ChangedField(
                path: change.path.description, before: change.before, after: change.after, managers: change.managers)
        }
    }

    /// The change of a first release, which is removed where it fails: said of what it creates, since nothing else goes.
    var sayingThatItGoesWithAFailure: ObjectChange {
        guard action == .create || action == .run else { return self }
        var change = self
        let word = "removed again if this first release fails"
        change.message = message.map { "\($0); \(word)" } ?? word
        return change
    }

    /// What others made of an object, from what the release says; nil where it is as it should be.
    init?(drift report: BundleProgress) {
        switch report.outcome {
        case .created: self.init(report, .delete, report.message)
        case .configured, .replaced:
            self.init(report, .update, report.message)
            fields = report.changes.map { change in
                ChangedField(
                    path: change.path.description, before: change.after, after: change.before,
                    managers: change.managers)
            }
        case .kept:
            self.init(report, .keep, report.message)
            fields = report.changes.map { change in
                ChangedField(
                    path: change.path.description, before: change.after, after: change.before,
                    managers: change.managers)
            }
        case .unchanged, .pruned, .failed, .skipped: return nil
        }
    }

    /// An object that could not be compared with the release.
    init(unseen report: BundleProgress) { self.init(report, .fail, report.message) }

    private init(_ report: BundleProgress, _ action: Action, _ message: String) {
        self.init(
            apiVersion: report.reference.type.apiVersion, kind: report.reference.type.kind,
            namespace: report.reference.namespace, name: report.reference.name, action: action,
            message: message.isEmpty ? nil : message)
    }
}
