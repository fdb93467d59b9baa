internal import SwellEngine
public import SwellModel

/// What the store asks of documents and releases before it takes them in: the same for each form of the store.
enum DocumentRules {
    static func check(_ documents: FleetDocuments) throws(StoreError) {
        try checkUnique(documents.clusters.map(\.name.rawValue), kind: DocumentKind.cluster)
        try checkUnique(documents.applications.map(\.name.rawValue), kind: DocumentKind.application)
        try checkUnique(documents.policies.map(\.name.rawValue), kind: DocumentKind.policy)
    }

    static func check(_ release: Release, documents: [ContentDocument]) throws(StoreError) {
        guard !release.reference.version.isEmpty, release.reference.version.utf8.count <= 128 else {
            throw StoreError(code: .invalid, message: "a version has 1 to 128 characters, such as 1.4.2")
        }
        guard documents.contains(where: { $0.digest == release.reference.digest }) else {
            throw StoreError(
                code: .invalid,
                message: "release \(release.reference.version) of \(release.application) comes without the document "
                    + "\(release.reference.digest), the index of its content")
        }
    }

    static func check(limit: Int?) throws(StoreError) {
        guard let limit, limit < 1 else { return }
        throw StoreError(
            code: .invalid, message: "the fleet's limit is at least 1, not \(limit); to stop everything, pause")
    }

    private static func checkUnique(_ names: [String], kind: String) throws(StoreError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw StoreError(code: .invalid, message: "\(kind) \(name) is there twice; give each document once")
        }
    }
}

extension StoreError {
    static func noCluster(_ name: ClusterName) -> Self {
        Self(code: .notFound, message: "there is no cluster \(name) in the fleet")
    }
    static func misnamed(_ name: String) -> Self {
        Self(
            code: .corrupt, message: "its document is of \(name), another name than the row's; was it changed by hand?")
    }
    static func unreadable(_ name: ClusterName, _ cause: any Error) -> Self {
        Self(
            code: .corrupt,
            message:
                "what is stored of cluster \(name) cannot be read, so nothing is decided about it: apply its document again",
            cause: cause)
    }
    static func tooManyPreviews(_ open: Int) -> Self {
        Self(
            code: .refused,
            message:
                "\(open) previews are under way, and at most \(Bounds.openPreviews) may be: narrow the clusters, or come "
                + "back in a minute")
    }
    static func noApplication(_ name: ApplicationName) -> Self {
        Self(code: .notFound, message: "there is no application \(name)")
    }
    static func noRollout(_ name: RolloutName) -> Self {
        Self(code: .notFound, message: "there is no rollout \(name)")
    }
    static func generationReached(_ rollout: RolloutName) -> Self {
        Self(code: .conflict, message: "a generation that rollout \(rollout) assigns was reached already")
    }
    static func held(_ cluster: ClusterName, _ application: ApplicationName, by holder: RolloutName) -> Self {
        Self(
            code: .conflict,
            message:
                "rollout \(holder) is active and holds \(application) on \(cluster); let it end, abort it (swell rollout abort "
                + "\(holder)), or start a release in its place (swell rollout start … --supersede)")
    }
    static func leaseLost(_ lease: Lease) -> Self {
        Self(
            code: .leaseLost,
            message: "\(lease.holder) does not hold the lease \(lease.name) under epoch \(lease.epoch) any more")
    }
    /// A version is there already with other content.
    public static func versionTaken(_ release: Release, by other: ContentDigest) -> Self {
        Self(
            code: .conflict,
            message: "version \(release.reference.version) of \(release.application) exists with digest "
                + "\(other.short), not \(release.reference.digest.short); a release is immutable: choose a new version")
    }
    static func nameTaken(_ rollout: RolloutName) -> Self {
        Self(code: .conflict, message: "there is a rollout \(rollout) already; names are used once")
    }
}
