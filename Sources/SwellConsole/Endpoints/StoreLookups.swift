internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Single things by name, or a problem that says what is there instead.
extension FleetStore {
    func clusterRecord(_ name: ClusterName) async throws -> ClusterRecord {
        let records = try await clusterListing().whole(having: name.rawValue)
        guard let record = records.first(where: { $0.cluster.name == name }) else {
            let known = records.map(\.cluster.name.rawValue)
            throw Problem.notFound("there is no cluster '\(name)'\(Self.advice(name.rawValue, known))")
        }
        return record
    }

    func application(_ name: ApplicationName) async throws -> Application {
        let all = try await applicationListing().whole(having: name.rawValue)
        guard let application = all.first(where: { $0.name == name }) else {
            throw Problem.notFound(
                "there is no application '\(name)'\(Self.advice(name.rawValue, all.map(\.name.rawValue)))")
        }
        return application
    }

    func policy(_ name: PolicyName) async throws -> RolloutPolicy {
        let all = try await policyListing().whole(having: name.rawValue)
        guard let policy = all.first(where: { $0.name == name }) else {
            throw Problem.notFound(
                "there is no policy '\(name)'\(Self.advice(name.rawValue, all.map(\.name.rawValue)))")
        }
        return policy
    }

    private static func advice(_ word: String, _ known: [String]) -> String {
        known.isEmpty ? "; none was applied yet" : Spelling.advice(for: word, among: known)
    }
}

extension Problem {
    static func unknownRegion(_ region: RegionName, among known: Set<RegionName>) -> Problem {
        .notFound(
            "no cluster is in region '\(region)'"
                + Spelling.advice(for: region.rawValue, among: known.map(\.rawValue).sorted()))
    }
}

extension Listing {
    /// What can be read; a problem where what is asked for cannot.
    fileprivate func whole(having name: String) throws -> [Element] {
        guard let row = unreadable.first(where: { $0.name == name }) else { return items }
        throw StoreError(code: .corrupt, message: "'\(name)' is stored and cannot be read: \(row.reason)")
    }
}

extension RolloutStore {
    func existingRollout(_ name: RolloutName) async throws -> Rollout {
        if let rollout = try await rollout(name) { return rollout }
        let known = try await rolloutListing(of: nil, limit: 100).items.map(\.name.rawValue)
        throw Problem.notFound(
            "there is no rollout '\(name)'"
                + (known.isEmpty ? "; none was started yet" : Spelling.advice(for: name.rawValue, among: known)))
    }
}

extension ReleaseStore {
    func existingRelease(of application: ApplicationName, version: String) async throws -> Release {
        if let release = try await release(of: application, version: version) { return release }
        let known = try await releases(of: application, limit: 5).map(\.reference.version).joined(separator: ", ")
        throw Problem.notFound(
            "application '\(application)' has no release '\(version.prefix(80))'"
                + (known.isEmpty ? "; create one with: swell release create" : "; the newest are \(known)"))
    }

    /// The version of a digest: from what is assigned where that tells, otherwise from the newest releases.
    func version(
        of digest: ContentDigest, application: ApplicationName, hint assignment: Assignment?
    ) async throws -> String? {
        if case .run(let release)? = assignment?.goal, release.digest == digest { return release.version }
        if let fallback = assignment?.fallback, fallback.digest == digest { return fallback.version }
        return try await releases(of: application, limit: 1_000).first { $0.reference.digest == digest }?
            .reference.version
    }
}
