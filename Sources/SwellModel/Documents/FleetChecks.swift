extension DocumentSet {
    /// What contradicts the fleet: stages that, among the clusters known, select one twice.
    ///
    /// - Parameter knownClusters: Those stored already; the set's own clusters count too, and win over stored ones of their name.
    public func problems(knownClusters: [Cluster]) -> [ModelError] {
        let fleet = fleet(knownClusters)
        return policies.flatMap(fleet.overlaps)
    }

    /// What is probably a mistake: regions, environments and clusters that are named but not known (in overrides only regions, and
    /// what is nearly a word of the fleet's), labels that no cluster has, and stages and overrides that select no cluster; fields that objects of a kind cannot have. A fleet whose last cluster of a region left can still be applied as it is written.
    ///
    /// - Parameter knownClusters: As of ``problems(knownClusters:)``.
    public func warnings(knownClusters: [Cluster]) -> [ModelError] {
        selectionWarnings(knownClusters: knownClusters)
            + applications.flatMap { application in
                FieldDoubts.of(application.value).map { place, message in
                    ModelError(
                        code: .unknownReference, message: message, file: application.file,
                        line: application.line(of: place), path: place)
                }
            }
    }

    /// What is probably a mistake in which clusters are meant.
    public func selectionWarnings(knownClusters: [Cluster]) -> [ModelError] {
        let fleet = fleet(knownClusters)
        var warnings: [ModelError] = []
        for application in applications {
            warnings += fleet.doubts(about: application.value.select, at: "spec.select", of: application)
            for (index, override) in application.value.overrides.enumerated() {
                let path = "spec.overrides[\(index)].match"
                // An override for what is not there yet does no harm; one whose word is misspelt would go on being none.
                let regions = ClusterSelector(regions: override.match.regions)
                let unknown = fleet.unknowns(in: regions, at: path, of: application)
                warnings += unknown.isEmpty ? fleet.misses(of: override.match, at: path, of: application) : unknown
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

    /// What is unknown in a selector; where nothing is, and it selects no cluster all the same, that.
    func doubts<Value>(about selector: ClusterSelector, at path: String, of document: Located<Value>) -> [ModelError] {
        let unknown = unknowns(in: selector, at: path, of: document)
        return unknown.isEmpty ? emptiness(of: selector, at: path, of: document) : unknown
    }

    /// What an override that matches no cluster most likely misses: a word that is nearly one of the fleet's, or, where every word is
    /// one, that they do not come together.
    func misses<Value>(of selector: ClusterSelector, at path: String, of document: Located<Value>) -> [ModelError] {
        emptiness(of: selector, at: path, of: document).filter {
            $0.path == path || $0.message.contains("did you mean")
        }
    }

    /// That a selector selects none of the clusters known, and what may be why. Of a fleet without clusters nothing is said.
    func emptiness<Value>(of selector: ClusterSelector, at path: String, of document: Located<Value>) -> [ModelError] {
        guard !clusters.isEmpty, !clusters.contains(where: selector.matches) else { return [] }
        let reasons =
            unknowns(in: selector, at: path, of: document) + labelsOfNone(in: selector, at: path, of: document)
        let likely = reasons.first { $0.message.contains("did you mean") }
        if let reason = likely ?? reasons.first { return [reason] }
        return [
            ModelError(
                code: .unknownReference, message: "matches none of the \(clusters.count) clusters known",
                file: document.file, line: document.line(of: path), path: path)
        ]
    }

    private func labelsOfNone<Value>(
        in selector: ClusterSelector, at path: String, of document: Located<Value>
    ) -> [ModelError] {
        selector.labels.sorted { $0.key < $1.key }.compactMap { key, value in
            let values = Set(clusters.compactMap { $0.labels[key] })
            let message: String
            if values.isEmpty {
                let keys = Set(clusters.flatMap(\.labels.keys)).sorted()
                message = "no cluster has a label '\(key)'\(Spelling.advice(for: key, among: keys))"
            } else if !values.contains(value) {
                message =
                    "no cluster has '\(value)' for its label '\(key)'\(Spelling.advice(for: value, among: values.sorted()))"
            } else {
                return nil
            }
            let place = "\(path).labels"
            return ModelError(
                code: .unknownReference, message: message, file: document.file, line: document.line(of: place),
                path: place)
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
