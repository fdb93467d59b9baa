extension Field {
    /// `{regions, environments, clusters, labels}`, each of which may be left out.
    func selector() -> ClusterSelector? {
        guard let fields = fields(.selector) else { return nil }
        return ClusterSelector(
            regions: fields["regions"]?.names("region") ?? [],
            environments: fields["environments"]?.names("environment") ?? [],
            clusters: fields["clusters"]?.names("cluster") ?? [],
            labels: fields["labels"]?.texts("labels") ?? [:])
    }
}

extension ClusterSelector {
    /// Whether some cluster that could exist would match both: no restriction of one contradicts one of the other.
    func isCompatible(with other: ClusterSelector) -> Bool {
        func meet<Element: Hashable>(_ left: [Element], _ right: [Element]) -> Bool {
            left.isEmpty || right.isEmpty || !Set(left).isDisjoint(with: right)
        }
        return meet(regions, other.regions) && meet(environments, other.environments) && meet(clusters, other.clusters)
            && labels.allSatisfy { other.labels[$0.key] == nil || other.labels[$0.key] == $0.value }
    }

    /// What both select for certain, whatever clusters there are; nil where that cannot be told from the words alone.
    ///
    /// Two stages overlap plainly when they name the same region or cluster and nothing else keeps them apart, or when one
    /// of them selects everything.
    func plainOverlap(with other: ClusterSelector) -> String? {
        guard isCompatible(with: other) else { return nil }
        let (otherClusters, otherRegions) = (Set(other.clusters), Set(other.regions))
        if let cluster = clusters.first(where: otherClusters.contains) { return "cluster '\(cluster)'" }
        if let region = regions.first(where: otherRegions.contains), clusters.isEmpty || other.clusters.isEmpty {
            return "region '\(region)'"
        }
        if isEmpty || other.isEmpty { return "every cluster, because one of them does not restrict anything" }
        if self == other { return "the same clusters" }
        return nil
    }
}
