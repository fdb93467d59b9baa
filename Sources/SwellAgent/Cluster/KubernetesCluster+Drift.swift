internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel

extension ObjectChange {
    fileprivate func isOf(_ report: BundleProgress) -> Bool {
        report.reference.type.kind == kind && report.reference.type.apiVersion == apiVersion
            && report.reference.name == name && report.reference.namespace == namespace
    }
}

/// What others made of what was released.
extension KubernetesCluster {
    func drift(
        of release: ClusterRelease, isCorrecting: Bool, leaving: [ContestedField]
    ) async throws -> [ObjectChange] {
        try await translating {
            var options = try options(of: release.application.name, release)
            options.waitsForHealth = false
            // The release was applied whole, so this is no first contact, though somebody who wrote every field of an object
            // has become its only owner. What another application holds is not taken by it.
            options.adoption = .force
            options.takesOver = false
            // One object that cannot be put right keeps no other from it, whichever comes first.
            options.goesOnAfterFailures = true
            // To put back what others changed is no reason to do a release's work once more, nor to tell of its failure.
            options.repeatsFinishedJobs = false
            options.runsHooks = false
            let namespace = release.application.namespace
            let looker = applier(options)
            let namespaces: Set<String> = scope == nil ? [namespace] : []
            var found = try await looker.differences(from: release.objects, namespaces: namespaces)
            if !found.returned.isEmpty {
                do {
                    try await restore(found.returned, of: release, found, options)
                    found = try await looker.differences(from: release.objects, namespaces: namespaces)
                } catch let error as ClusterError where !isCorrecting {
                    let left = Self.changes(found)
                    throw UncorrectedDrift(left: left, what: "cannot be put back", error: error)
                } catch is ClusterError {
                    // Correcting meets the same, and tells of it.
                }
            }
            var changes = Self.changes(found)
            let makesNamespace =
                scope == nil && found.objects.contains { $0.outcome == .created }
                && !release.objects.contains { $0.kind == "Namespace" && $0.name == namespace }
            if makesNamespace, try await lacks(namespace: namespace) {
                changes.insert(
                    ObjectChange(apiVersion: "v1", kind: "Namespace", name: namespace, action: .delete), at: 0)
            }
            // An inventory that somebody deleted is drift that shows nowhere.
            let isRecorded = try await looker.isRecorded(release.objects, in: found.inventory)
            let (open, left) = leaving.split(changes)
            if isCorrecting, !open.isEmpty || !isRecorded {
                leave(leaving, found, in: &options)
                let given = left.filter { change in !open.contains { $0.isSameObject(as: change) } }
                try await correct(changes, given: given, of: release, options, makesNamespace: makesNamespace)
            } else {
                do {
                    try check(found)
                } catch let error as ClusterError where !changes.isEmpty {
                    throw UncorrectedDrift(left: changes, what: "cannot be looked at", error: error)
                }
            }
            return changes
        }
    }

    /// In what a look found objects to differ.
    private static func changes(_ found: BundleResult) -> [ObjectChange] {
        // What the server refuses to look at is not as released as far as anybody knows, and says so where people look.
        let unseen = found.objects.filter { $0.outcome == .failed && !$0.isTransient && $0.outage == nil }
        return found.objects.compactMap { ObjectChange(drift: $0) } + unseen.map { ObjectChange(unseen: $0) }
    }

    /// Applies what another application had taken and gave back, once and whatever is to become of drift: what it is by now is that one's
    /// doing, and the cluster's own agent let it.
    private func restore(
        _ returned: Set<ObjectIdentity>, of release: ClusterRelease, _ found: BundleResult, _ options: BundleOptions
    ) async throws {
        var options = options
        options.prunes = false
        for report in found.objects where !returned.contains(report.reference.identity) {
            options.untouched[report.reference.identity] = "it was not given back"
        }
        try await translating {
            let result = try await applier(options).apply(release.objects)
            try check(result)
            logPutBack(in: result, release.application.name)
        }
    }

    /// Puts right what others changed. Corrected is what is written by that, and nothing else: what nobody came to, or what was as it
    /// should be meanwhile, was not put back, and does not count against whoever wrote it.
    ///
    /// - Parameter given: What of the changes is left to others as a whole.
    /// - Throws: ``UncorrectedDrift`` where some of the rest was not put back.
    private func correct(
        _ changes: [ObjectChange], given: [ObjectChange], of release: ClusterRelease, _ options: BundleOptions,
        makesNamespace: Bool
    ) async throws {
        var written: [ObjectChange] = []
        var failure: ClusterError?
        do {
            try await translating {
                if makesNamespace {
                    let namespace = release.application.namespace
                    try await api.ensureNamespace(namespace, fieldManager: Self.fieldManager)
                    written += changes.filter {
                        $0.apiVersion == "v1" && $0.kind == "Namespace" && $0.name == namespace
                    }
                }
                // One by one, so that what was written before the server went away is known.
                let applied = try await applier(options).apply(release.objects) { report in
                    guard [.created, .configured, .replaced].contains(report.outcome) else { return }
                    written += changes.filter { $0.isOf(report) }
                }
                try check(applied)
            }
        } catch let error as ClusterError {
            failure = error
        }
        let left = changes.filter { !written.contains($0) && !given.contains($0) }
        guard failure != nil || !left.isEmpty else { return }
        throw UncorrectedDrift(
            corrected: changes.filter { !left.contains($0) }, left: left, what: "cannot be put back", error: failure)
    }

    /// Leaves what is contested, and what others hold, as it is.
    private func leave(_ contested: [ContestedField], _ found: BundleResult, in options: inout BundleOptions) {
        for field in contested {
            let type = GroupVersionKind(apiVersion: field.apiVersion, kind: field.kind).groupKind
            if field.path.isEmpty {
                let identity = ObjectIdentity(type: type, namespace: field.namespace, name: field.name)
                options.untouched[identity] = "left to others, who keep writing it"
            } else if let path = try? FieldPath(parsing: field.path) {
                options.ignoredFields.append(
                    IgnoredField(type: type, name: field.name, namespace: field.namespace, path: path))
            }
        }
        for report in found.objects where report.outcome == .kept {
            options.untouched[report.reference.identity] = report.message
        }
    }
}
