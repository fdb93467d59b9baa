extension DocumentSet {
    /// What contradicts the fleet: stages that, among the clusters known, select one twice.
    ///
    /// - Parameter knownClusters: Those stored already; the set's own clusters count too, and win over stored ones of their name.
    public func problems(knownClusters: [Cluster]) -> [ModelError] {
        let fleet = fleet(knownClusters)
        return policies.flatMap(fleet.overlaps)
    }

    /// What is probably a mistake: regions, environments and clusters that are named but not known (in overrides only regions),
    /// and stages that select no cluster. A fleet whose last cluster of a region left can still be applied as it is written.
    ///
    /// - Parameter knownClusters: As of ``problems(knownClusters:)``.
    public func warnings(knownClusters: [Cluster]) -> [ModelError] {
        let fleet = fleet(knownClusters)
        var warnings: [ModelError] = []
        for application in applications {
            warnings += fleet.unknowns(in: application.value.select, at: "spec.select", of: application)
            for (index, override) in application.value.overrides.enumerated() {
                // An override for an environment or cluster that is not there yet does no harm; a misspelt region would.
                let regions = ClusterSelector(regions: override.match.regions)
                warnings += fleet.unknowns(in: regions, at: "spec.overrides[\(index)].match", of: application)
            }
        }
        for policy in policies { warnings += fleet.gaps(in: policy) }
        return warnings
    }

    private func fleet(_ knownClusters: [Cluster]) -> Fleet {
        let own = clusters.map(\.value)
        let ownNames = Set(own.map(\.name))
        return Fleet(clusters: own + knownClusters.filter { !ownNames.contains($0.name) })
    }
}

/// The clusters that documents may speak of.
private struct Fleet {
    let clusters: [Cluster]

    func gaps(in policy: Located<RolloutPolicy>) -> [ModelError] {
        policy.value.stages.enumerated().flatMap { index, stage in
            let path = "spec.stages[\(index)].select"
            let unknown = unknowns(in: stage.select, at: path, of: policy)
            guard unknown.isEmpty, !clusters.contains(where: stage.select.matches) else { return unknown }
            return [
                ModelError(
                    code: .invalidValue,
                    message: "stage '\(stage.name)' is empty: it selects none of the \(clusters.count) clusters known",
                    file: policy.file, line: policy.line(of: path), path: path)
            ]
        }
    }

    func overlaps(in policy: Located<RolloutPolicy>) -> [ModelError] {
        var errors: [ModelError] = []
        for (index, stage) in policy.value.stages.enumerated() {
            let path = "spec.stages[\(index)]"
            let selected = clusters.filter(stage.select.matches)
            for earlier in policy.value.stages[..<index] {
                guard let both = selected.first(where: earlier.select.matches) else { continue }
                errors.append(
                    ModelError(
                        code: .invalidValue,
                        message:
                            "stages '\(earlier.name)' and '\(stage.name)' overlap: both select cluster '\(both.name)'; "
                            + "a cluster belongs to one stage",
                        file: policy.file, line: policy.line(of: path), path: path))
            }
        }
        return errors
    }

    func unknowns<Value>(in selector: ClusterSelector, at path: String, of document: Located<Value>) -> [ModelError] {
        let regions = Set(clusters.map(\.region.rawValue))
        let environments = Set(clusters.map(\.environment.rawValue))
        let names = Set(clusters.map(\.name.rawValue))
        return unknown(selector.regions.map(\.rawValue), "region", regions, "\(path).regions", document)
            + unknown(
                selector.environments.map(\.rawValue), "environment", environments, "\(path).environments", document)
            + unknown(selector.clusters.map(\.rawValue), "cluster", names, "\(path).clusters", document)
    }

    private func unknown<Value>(
        _ written: [String], _ what: String, _ known: Set<String>, _ path: String, _ document: Located<Value>
    ) -> [ModelError] {
        // No more are told, and the advice for each looks at every name that is known.
        written.enumerated().filter { !known.contains($0.element) }.prefix(DocumentErrors.maximumCount).map {
            index, name in
            let place = "\(path)[\(index)]"
            return ModelError(
                code: .unknownReference,
                message: (what == "cluster"
                    ? "no cluster '\(name)' is known" : "no cluster is known in \(what) '\(name)'")
                    + Spelling.advice(for: name, among: known.sorted()),
                file: document.file, line: document.line(of: place), path: place)
        }
    }
}
