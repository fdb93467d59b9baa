internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel

/// Whether the cluster is the one that the agent's state belongs to: learnt at the first start, asked once at each later one.
actor OwnerCheck {
    private let stateDirectory: String
    private let cluster: any ClusterPort
    private let logger: Logger
    private var owner: StateOwner
    private var isConfirmed = false
    /// Whether the uid was told to the coordinator in the hello that was sent last.
    private var isTold = false
    /// Sent once the agent has to end: it must not go on beside another cluster.
    nonisolated let foreign = LatestValue<AgentError>()

    /// - Throws: ``AgentError`` with code `otherCluster` where the state directory is another cluster's.
    init(stateDirectory: String, name: ClusterName, cluster: any ClusterPort, logger: Logger) throws(AgentError) {
        self.stateDirectory = stateDirectory
        self.cluster = cluster
        self.logger = logger
        self.owner = try StateOwner.load(stateDirectory: stateDirectory, cluster: name)
        if let refusal = owner.refusal {
            logger.warning(
                "the coordinator took this for another cluster: nothing is touched until it welcomes the agent",
                metadata: ["reason": "\(refusal)"])
        }
    }

    /// Lets pass what may be done to the cluster.
    ///
    /// - Parameter isReading: Whether nothing comes of it yet, and the coordinator's word is not needed.
    /// - Throws: ``AgentError`` with code `otherCluster`; ``ClusterError`` where it cannot be told now; `CancellationError`.
    func confirm(isReading: Bool = false) async throws {
        if !isConfirmed { try await compare() }
        if !isReading, let refusal = owner.refusal {
            throw ClusterError(isTransient: true, reason: "OtherCluster", message: refusal)
        }
    }

    private func compare() async throws {
        let told: String
        do {
            told = try await cluster.uid()
        } catch let error as ClusterError where !error.isTransient && owner.uids.isEmpty {
            // It never could: as agents were before there was this question.
            logger.warning(
                "the cluster's uid cannot be read, so that nobody can tell it from another one",
                metadata: ["error": "\(error)"])
            isConfirmed = true
            return
        }
        let (namespace, uid) = StateOwner.parts(of: told)
        do {
            try await compare(namespace, uid)
        } catch let error as AgentError where error.code == .otherCluster {
            foreign.send(error)
            throw error
        }
    }

    private func compare(_ namespace: String, _ uid: String) async throws {
        if owner.uids[namespace] == nil {
            // The agent's scope has changed: what it was told by before has to be the same still.
            for (former, known) in owner.uids.sorted(by: { $0.key < $1.key }) {
                guard let found = try await formerUID(former, insteadOf: namespace) else { continue }
                try agree(former, known, found)
            }
            // Another call may have been here meanwhile.
            if owner.uids[namespace] == nil {
                var next = owner
                next.uids[namespace] = uid
                try next.write(in: stateDirectory)
                owner = next
            }
        }
        if let known = owner.uids[namespace] { try agree(namespace, known, uid) }
        isConfirmed = true
    }

    private func agree(_ namespace: String, _ known: String, _ found: String) throws(AgentError) {
        guard known != found else { return }
        let name = owner.cluster
        throw AgentError(
            .otherCluster,
            "\(stateDirectory) belongs to the cluster whose namespace \(namespace) has uid \(known), and this API server's has \(found): nothing was touched; give the kubeconfig of cluster '\(name)', or where it was built again an empty --state-dir and what 'swell cluster token \(name)' prints"
        )
    }

    /// Nil where the agent's new account may not see the namespace, as one that keeps to others may not.
    private func formerUID(_ former: String, insteadOf namespace: String) async throws -> String? {
        do {
            if let uid = try await cluster.uid(of: former) { return uid }
        } catch let error as ClusterError where error.isTransient {
            throw error
        } catch is ClusterError {
            logger.warning(
                "the agent told its cluster by another namespace before, which it may not see now: it is taken for the same cluster",
                metadata: ["former": "\(former)", "namespace": "\(namespace)"])
            return nil
        }
        throw AgentError(
            .otherCluster,
            "the agent told its cluster by namespace \(former) and does by \(namespace) now, and this cluster has no namespace \(former): nothing was touched; give the kubeconfig of cluster '\(owner.cluster)', or where this is the one, remove \(StateOwner.path(in: stateDirectory)) and start the agent again"
        )
    }

    // MARK: What the coordinator says

    /// Notes whether the hello that goes out tells the uid: a welcome says something of the cluster only then.
    func tells(uid: String?) { isTold = uid != nil }

    /// Whether the coordinator refused it, and has not welcomed it since.
    var isRefused: Bool { owner.refusal != nil }

    /// The coordinator takes this for another cluster than the one that enrolled. It holds over restarts.
    func refused(_ reason: String) {
        owner.refusal = reason
        // What was learnt of a cluster that nobody has ever welcomed was learnt of the wrong one.
        if !owner.isWelcomed { owner.uids = [:] }
        do {
            try owner.write(in: stateDirectory)
        } catch {
            logger.error("what the coordinator said cannot be written down", metadata: ["error": "\(error)"])
        }
        foreign.send(
            AgentError(
                .otherCluster,
                "\(reason) Nothing more is touched: do as that says, and start the agent again"
            ))
    }

    /// The coordinator has welcomed the agent.
    func welcomed() {
        guard isTold, owner.refusal != nil || !owner.isWelcomed else { return }
        var next = owner
        next.refusal = nil
        next.isWelcomed = true
        do {
            try next.write(in: stateDirectory)
            owner = next
        } catch {
            logger.error(
                "that the coordinator takes the cluster in cannot be written down", metadata: ["error": "\(error)"])
        }
    }
}

/// A cluster of which nothing is touched before it is known to be the agent's own.
struct OwnedCluster: ClusterPort {
    let base: any ClusterPort
    let owner: OwnerCheck

    func uid() async throws -> String { try await base.uid() }
    func uid(of namespace: String) async throws -> String? { try await base.uid(of: namespace) }

    func inventories() async throws -> [InventoryRecord] {
        try await owner.confirm(isReading: true)
        return try await base.inventories()
    }

    func apply(_ release: ClusterRelease, onHoldUp: @escaping HoldUpObserver) async throws -> String? {
        try await owner.confirm()
        return try await base.apply(release, onHoldUp: onHoldUp)
    }

    func runFailureHooks(of release: ClusterRelease) async throws {
        try await owner.confirm()
        try await base.runFailureHooks(of: release)
    }

    func remove(
        _ application: ApplicationName, generation: Int64, epoch: Int64, onHoldUp: @escaping HoldUpObserver
    ) async throws -> String? {
        try await owner.confirm()
        return try await base.remove(application, generation: generation, epoch: epoch, onHoldUp: onHoldUp)
    }

    func watch(
        _ release: ClusterRelease, isApplying: Bool, onHealth: @Sendable (ObservedHealth) async -> Void,
        onChange: @escaping @Sendable () -> Void
    ) async throws {
        try await owner.confirm()
        try await base.watch(release, isApplying: isApplying, onHealth: onHealth, onChange: onChange)
    }

    func watchReach(onChange: @Sendable (ObservedHealth?) async -> Void) async {
        await base.watchReach(onChange: onChange)
    }

    func drift(of release: ClusterRelease, isCorrecting: Bool, leaving: [ContestedField]) async throws -> [ObjectChange]
    {
        try await owner.confirm()
        return try await base.drift(of: release, isCorrecting: isCorrecting, leaving: leaving)
    }

    func givingBack(to body: @escaping @Sendable (ApplicationName) async -> Bool) -> any ClusterPort {
        OwnedCluster(base: base.givingBack(to: body), owner: owner)
    }

    func preview(_ release: ClusterRelease) async throws -> PreviewAnswer {
        try await owner.confirm()
        return try await base.preview(release)
    }
}
