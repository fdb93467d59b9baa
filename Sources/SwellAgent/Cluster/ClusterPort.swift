internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel

/// What is to be on the cluster of one application.
struct ClusterRelease: Sendable {
    /// The application as it was at release time: namespace, checks, fields left to others.
    var application: Application
    var release: ReleaseReference
    var generation: Int64
    var epoch: Int64
    var objects: [KubernetesObject]
    /// The release that was proven healthy here last.
    var proven: ContentDigest?
    /// Whether this very release was proven healthy here before: whoever orders it takes back what came after it.
    var wasProven = false
    /// Whether the coordinator orders it to take another one back: like the agent's own way back it takes nothing over.
    var takesBack = false
    /// The generation under which something was proven healthy here last.
    var provenGeneration: Int64?
    var silentControllers: SilentControllerRule = .wait
    /// Whether the agent itself goes back to it, after another one failed.
    var isReturn = false
}

/// What the cluster itself remembers of an application.
struct InventoryRecord: Sendable, Hashable {
    var application: ApplicationName
    var generation: Int64
    var epoch: Int64
    var release: ReleaseReference?
    /// What was begun last, whether or not it is applied whole; nil in records of earlier versions.
    var begun: ContentDigest?
    /// Whether it was removed, and nothing was begun since.
    var isRemoved = false
    /// What was not healthy before the release that is under way or was last.
    var before: FormerTroubles?
    /// What else is known of the release that is under way or was last; nil where it has no object that judges others' revisions.
    var kept: KeptEvidence?
    /// The Jobs that the order for this generation runs again, by their uids before that; empty but where it came once more after a failure.
    var repeatedJobs: Set<String> = []
    /// What a removal has left in the cluster; nil for nothing. Written before the inventory is emptied.
    var left: String?
    /// What the release that was begun last has taken over from other applications, or left to them; nil for nothing.
    var dealings: String?
}

/// What a cluster did not do.
struct ClusterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whether trying again may help.
    var isTransient: Bool
    /// Whether the API server could not be reached at all.
    var isAway: Bool = false
    /// A short code, such as `Forbidden`.
    var reason: String
    /// The culprit named.
    var message: String

    var description: String { "\(reason): \(message)" }
}

/// Told of a request that the API server puts off, such as by a 429, with why; and, with nil, that it does no more.
typealias HoldUpObserver = @Sendable (_ request: String, _ why: ObservedHealth?) async -> Void

/// The agent's own cluster.
protocol ClusterPort: Sendable {
    /// Something that tells this cluster from one rebuilt under its name: the uid of `kube-system`, or of the agent's own
    /// namespace where it keeps to namespaces.
    func uid() async throws -> String
    /// The uid of a namespace; nil where there is none.
    ///
    /// - Throws: ``ClusterError``; `CancellationError`.
    func uid(of namespace: String) async throws -> String?
    /// What the cluster remembers of every application.
    func inventories() async throws -> [InventoryRecord]
    /// Applies all objects and prunes what former releases brought beyond them.
    ///
    /// - Returns: What a way back has left in the cluster of what it takes back, and why, for people; nil for nothing.
    /// - Throws: ``ClusterError``; `CancellationError`.
    @discardableResult
    func apply(_ release: ClusterRelease, onHoldUp: @escaping HoldUpObserver) async throws -> String?
    /// Runs what a release has for its failure, once applying it was given up.
    ///
    /// - Throws: ``ClusterError``; `CancellationError`.
    func runFailureHooks(of release: ClusterRelease) async throws
    /// Removes everything that releases of the application brought, and waits until it is gone.
    ///
    /// - Returns: What was left in the cluster, and why, for people; nil for nothing.
    /// - Throws: ``ClusterError``, also where something is still there; `CancellationError`.
    func remove(
        _ application: ApplicationName, generation: Int64, epoch: Int64, onHoldUp: @escaping HoldUpObserver
    ) async throws -> String?
    /// Tells the health of the objects at every change of it, until cancelled or there is more to watch. Being
    /// unable to look is `unknown`.
    ///
    /// - Parameters:
    ///   - isApplying: Whether the release is being applied: hooks that run meanwhile are told of too.
    ///   - onChange: Told when somebody wrote what an object should be.
    func watch(
        _ release: ClusterRelease, isApplying: Bool, onHealth: @Sendable (ObservedHealth) async -> Void,
        onChange: @escaping @Sendable () -> Void
    ) async throws
    /// Tells when the API server is out of reach, as health that is unknown, and (nil) when it is back; until cancelled.
    func watchReach(onChange: @Sendable (ObservedHealth?) async -> Void) async
    /// In what objects differ from what the release says, from the release to what was found; sets them right where
    /// `isCorrecting`. Values of Secrets are hidden.
    ///
    /// - Throws: ``UncorrectedDrift`` where some of it cannot be put right, or looked at; ``ClusterError`` where nothing can be said;
    ///   `CancellationError`.
    func drift(of release: ClusterRelease, isCorrecting: Bool, leaving: [ContestedField]) async throws -> [ObjectChange]
    /// What applying a release would change, by the API server's own dry run, within ``ChangeLimits/preview``. Changes
    /// nothing. Values of Secrets are hidden.
    ///
    /// - Throws: ``ClusterError`` where nothing can be said at all; `CancellationError`.
    func preview(_ release: ClusterRelease) async throws -> PreviewAnswer
    /// The same cluster, which tells once an object is given back that was taken from another application.
    ///
    /// - Parameter body: Takes that application; says whether it runs here, so that it brings the object to what it wants.
    func givingBack(to body: @escaping @Sendable (ApplicationName) async -> Bool) -> any ClusterPort
}

extension ClusterPort {
    func givingBack(to body: @escaping @Sendable (ApplicationName) async -> Bool) -> any ClusterPort { self }
}
