internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Takes an application off clusters, whatever was proven there: a rollout for each release that they run.
struct Removals: Sendable {
    let store: any Store
    let planning: RolloutPlanning

    /// - Returns: The rollouts that do it.
    /// - Throws: ``Problem`` where nothing of it runs, where an active rollout holds a cluster, or where nobody has said that it goes.
    func remove(
        _ name: ApplicationName, _ selector: ClusterSelector, isConfirmed: Bool, by actor: String
    ) async throws -> [RolloutName] {
        _ = try await store.application(name)
        let fleet = try await store.snapshot(for: name).fleet.values.filter { selector.matches($0.cluster) }
            .sorted { $0.cluster.name < $1.cluster.name }
        for facts in fleet {
            guard let holder = facts.heldBy else { continue }
            throw Problem.refused(
                "cluster '\(facts.cluster.name)' is held by rollout '\(holder)', which is active: let it end, or end it (swell "
                    + "rollout abort \(holder)), and uninstall then")
        }
        let running = fleet.filter { $0.assigned != nil }
        guard !running.isEmpty else { throw Problem.refused(try await wordsOnNothing(name, selector)) }
        let groups = Dictionary(grouping: running) { $0.assigned?.version ?? "" }.sorted { $0.key < $1.key }
        guard isConfirmed else {
            let lines = groups.map { "  \($0.key) from \(Self.named($0.value.map(\.cluster.name)))" }
            throw Problem.unconfirmedRemoval("all that \(name) brought is removed:\n" + lines.joined(separator: "\n"))
        }
        var sources: [(rollout: Rollout, clusters: [ClusterName])] = []
        for (release, clusters) in Dictionary(grouping: running, by: \.assigned) {
            guard let release else { continue }
            sources.append((try await source(of: release, name), clusters.map(\.cluster.name).sorted()))
        }
        var names: [RolloutName] = []
        for source in sources.sorted(by: { $0.rollout.release.version < $1.rollout.release.version }) {
            names.append(try await planning.removal(of: source.rollout, from: source.clusters, by: actor))
        }
        return names
    }

    private func wordsOnNothing(_ name: ApplicationName, _ selector: ClusterSelector) async throws -> String {
        let known = Set(try await store.clusterListing().items.map(\.cluster.region))
        if let region = selector.regions.first, !known.contains(region) {
            throw Problem.unknownRegion(region, among: known)
        }
        if let cluster = selector.clusters.first { _ = try await store.clusterRecord(cluster) }
        return "application '\(name)' is on none of these clusters: there is nothing to remove"
    }

    /// The rollout that brought a release, the newest first.
    private func source(of release: ReleaseReference, _ name: ApplicationName) async throws -> Rollout {
        for summary in try await store.rollouts(of: name, limit: 1_000)
        where summary.kind == .release && summary.version == release.version {
            guard let rollout = try await store.rollout(summary.name), rollout.release.digest == release.digest else {
                continue
            }
            return rollout
        }
        throw Problem.refused(
            "no rollout is known that brought \(release.version) of '\(name)'; roll out a release there, and uninstall that"
        )
    }

    private static func named(_ clusters: [ClusterName]) -> String {
        let shown = clusters.prefix(20).map(\.rawValue).joined(separator: ", ")
        return clusters.count > 20 ? "\(shown) and \(clusters.count - 20) more" : shown
    }
}
