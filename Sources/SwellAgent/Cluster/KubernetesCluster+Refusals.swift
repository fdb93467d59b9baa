internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel
internal import Synchronization

extension KubernetesCluster {
    /// The most objects that are asked about once a release has failed.
    private static let maximumRehearsed = 200

    /// What became of a release, with what else of it the server refuses: of an object that was not come to since another one was
    /// refused, that is known only by asking. Whoever mends a release wants to do so once.
    ///
    /// - Throws: `CancellationError` only; what cannot be asked, or is not answered within ``rehearsalLimit``, stays skipped.
    func namingFurtherRefusals(in result: BundleResult, of release: ClusterRelease) async throws -> BundleResult {
        guard result.failures.contains(where: \.isRefusal) else { return result }
        let skipped = Set(result.objects.filter { $0.outcome == .skipped }.map(\.reference.identity))
        let namespace = release.application.namespace
        let objects = release.objects.filter { object in
            var placed = object.reference
            placed.namespace = placed.namespace ?? namespace
            return skipped.contains(object.reference.identity) || skipped.contains(placed.identity)
        }
        guard !objects.isEmpty else { return result }
        do {
            var options = try options(of: release.application.name, release)
            options.prunes = false
            options.concurrency = 4
            let (applier, asked) = (applier(options), Array(objects.prefix(Self.maximumRehearsed)))
            let heard = HeardRefusals()
            let limit = rehearsalLimit
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        _ = try await applier.preview(asked, namespaces: [namespace]) { report in
                            if report.isRefusal { heard.note(report) }
                        }
                    } catch is KubernetesError {
                        // What was answered before counts.
                        try Task.checkCancellation()
                    }
                }
                group.addTask { try await Task.sleep(for: limit) }
                defer { group.cancelAll() }
                try await group.next()
            }
            let refused = heard.all
            var named = result
            named.objects = result.objects.map { report in
                guard report.outcome == .skipped, let refusal = refused[report.reference.identity] else {
                    return report
                }
                return refusal
            }
            return named
        } catch is AgentError {
            return result
        }
    }
}

/// What the server has refused so far.
private final class HeardRefusals: Sendable {
    private let refusals = Mutex<[ObjectIdentity: BundleProgress]>([:])

    var all: [ObjectIdentity: BundleProgress] { refusals.withLock { $0 } }

    func note(_ refusal: BundleProgress) { refusals.withLock { $0[refusal.reference.identity] = refusal } }
}

extension BundleProgress {
    /// Whether the server has said no to an object itself: nothing but another content of it, or another server, changes that.
    var isRefusal: Bool {
        guard outcome == .failed, !isTransient, outage == nil else { return false }
        return ["Invalid", "BadRequest"].contains(reason) || ApplyReason.isMistyped(message)
    }
}
