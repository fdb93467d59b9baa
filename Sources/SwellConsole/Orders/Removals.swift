internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Takes an application off clusters, whatever was proven there: a rollout for each release that they run.
struct Removals: Sendable {
    let store: any Store
    let planning: RolloutPlanning

    /// What goes from one cluster.
    private struct Going {
        let cluster: ClusterName
        let release: ReleaseReference
        /// The rollout that brought it.
        let source: Rollout
        /// Whether a removal was begun and did not come to its end.
        let isUnfinished: Bool
    }

    /// - Parameters:
    ///   - isConfirmed: Whether a person has said that it goes.
    ///   - agreed: What the person has agreed to, by the digest that came with the question; nil for whatever is there.
    /// - Returns: The rollouts that do it.
    /// - Throws: ``Problem`` where nothing of it runs, where an active rollout holds a cluster, where nobody has said that it goes, or
    ///   where something else would go than was said.
    func remove(
        _ name: ApplicationName, _ selector: ClusterSelector, isConfirmed: Bool, agreed: ContentDigest?,
        by actor: String
    ) async throws -> [RolloutPlan] {
        _ = try await store.application(name)
        let snapshot = try await store.assignedSnapshot(for: name)
        let fleet = snapshot.fleet.values.filter { selector.matches($0.cluster) }
            .sorted { $0.cluster.name < $1.cluster.name }
        for facts in fleet {
            guard let holder = facts.heldBy else { continue }
            throw Problem.refused(
                "cluster '\(facts.cluster.name)' is held by rollout '\(holder)', which is active: let it end, or end it (swell "
                    + "rollout abort \(holder)), and uninstall then")
        }
        let going = try await going(from: fleet, of: name)
        guard !going.isEmpty else { throw Problem.refused(try await wordsOnNothing(name, selector)) }
        let digest = Self.digest(of: going)
        guard isConfirmed, agreed == nil || agreed == digest else {
            let changed = isConfirmed ? "what would go is not what was agreed to any more: " : ""
            let kept = try await KeptObjects(store: store).lines(of: Set(going.map(\.release.digest)), name)
            throw Problem.unconfirmedRemoval(
                "\(changed)all that \(name) brought is removed:\n" + Self.lines(on: going) + "\nbut this stays:\n"
                    + kept.map { "  \($0)" }.joined(separator: "\n")
                    + "\nno hook for a deletion runs (of a chart, pre-delete and post-delete; of Argo CD, PreDelete and PostDelete): releases "
                    + "are made without them; where there is one, such as a backup, run it by hand first",
                digest: digest)
        }
        let sources = Dictionary(grouping: going, by: \.source.name).values.compactMap { group in
            group.first.map { (rollout: $0.source, clusters: group.map(\.cluster)) }
        }
        return try await planning.removals(
            of: sources.sorted {
                ($0.rollout.release.version, $0.rollout.name) < ($1.rollout.release.version, $1.rollout.name)
            },
            in: snapshot, by: actor)
    }

    private func going(from fleet: [ClusterFacts], of name: ApplicationName) async throws -> [Going] {
        var brought: [ReleaseReference: Rollout] = [:]
        var begun: [RolloutName: Rollout] = [:]
        var going: [Going] = []
        for facts in fleet {
            let source: Rollout
            if let release = facts.assigned {
                if brought[release] == nil { brought[release] = try await self.source(of: release, name) }
                guard let rollout = brought[release] else { continue }
                source = rollout
            } else if let removal = facts.removal, facts.awaitsRemoval {
                if begun[removal.rollout] == nil { begun[removal.rollout] = try await self.source(of: removal, name) }
                guard let rollout = begun[removal.rollout] else { continue }
                source = rollout
            } else {
                continue
            }
            going.append(
                Going(
                    cluster: facts.cluster.name, release: facts.assigned ?? source.release, source: source,
                    isUnfinished: facts.assigned == nil))
        }
        return going
    }

    private static func lines(on going: [Going]) -> String {
        func lines(_ going: [Going], _ verb: String) -> [String] {
            Dictionary(grouping: going, by: \.release.version).sorted { $0.key < $1.key }.map {
                "  \($0.key) \(verb) \(named($0.value.map(\.cluster)))"
            }
        }
        return
            (lines(going.filter { !$0.isUnfinished }, "from")
            + lines(going.filter(\.isUnfinished), "whose removal did not come to its end, from")).joined(
                separator: "\n")
    }

    /// What a person agrees to: which release goes from which cluster.
    private static func digest(of going: [Going]) -> ContentDigest {
        let lines = going.map { "\($0.cluster) \($0.release.digest.rawValue) \($0.isUnfinished)\n" }
        return ContentDigest(of: Array(lines.joined().utf8))
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

    /// The rollout that brought what a removal takes off; the removal's own where that is not known any more.
    private func source(of removal: AssignedRemoval, _ name: ApplicationName) async throws -> Rollout {
        guard let rollout = try await store.rollout(removal.rollout) else {
            throw Problem.refused(
                "rollout '\(removal.rollout)', which was to remove '\(name)', is not known any more; roll out a release there, and "
                    + "uninstall that")
        }
        guard let former = rollout.kind.takesOff, let source = try await store.rollout(former) else { return rollout }
        return source
    }

    private static func named(_ clusters: [ClusterName]) -> String {
        let shown = clusters.prefix(20).map(\.rawValue).joined(separator: ", ")
        return clusters.count > 20 ? "\(shown) and \(clusters.count - 20) more" : shown
    }
}
