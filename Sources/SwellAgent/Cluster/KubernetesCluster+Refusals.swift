internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

extension KubernetesCluster {
    /// The most objects that are asked about once a release has failed.
    private static let maximumRehearsed = 200
    /// How long is asked at most: the failure, and with it the way back, waits for the answers.
    private static let patience = Duration.seconds(10)

    /// What became of a release, with what else of it the server refuses: of an object that was not come to since another one was
    /// refused, that is known only by asking. Whoever mends a release wants to do so once.
    ///
    /// - Throws: `CancellationError` only; what cannot be asked stays skipped.
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
            let rehearsed = try await withThrowingTaskGroup(of: BundleResult?.self) { group in
                group.addTask { try await applier.preview(asked, namespaces: [namespace]) }
                group.addTask {
                    try? await Task.sleep(for: Self.patience)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            guard let rehearsed else { return result }
            let refused = Dictionary(
                rehearsed.failures.filter(\.isRefusal).map { ($0.reference.identity, $0) }, uniquingKeysWith: { $1 })
            var named = result
            named.objects = result.objects.map { report in
                guard report.outcome == .skipped, let refusal = refused[report.reference.identity] else {
                    return report
                }
                return refusal
            }
            return named
        } catch is KubernetesError {
            try Task.checkCancellation()
            return result
        } catch is AgentError {
            return result
        }
    }
}

extension BundleProgress {
    /// Whether the server has said no to an object itself: nothing but another content of it, or another server, changes that.
    var isRefusal: Bool {
        guard outcome == .failed, !isTransient, outage == nil else { return false }
        return ["Invalid", "BadRequest"].contains(reason) || ApplyReason.isMistyped(message)
    }
}
