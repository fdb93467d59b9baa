internal import AsyncSupport
internal import GRPCCore
internal import SwellIdentity
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// Lets in who shows a certificate that names an agent and counts. Every call passes here, also on a connection whose handshake was
/// before its certificate expired or was revoked.
struct CallerAuthenticator: Sendable {
    let trustDomain: TrustDomain
    let certificates: any AgentCertificateStore
    /// What was ended before the database was restored.
    let ended: RememberedEnds
    let connections: CallerConnections
    let calls = CallLimit()
    /// Who comes is asked about a few at a time, and the rest wait here: ten thousand who come at once would fill the line for the database,
    /// and nobody's greeting, report or decision would find a place in it.
    let questions = ConcurrencyLimiter(running: 8, waiting: 16_384)
    let now: @Sendable () -> Timestamp

    /// Who makes the call.
    func admit(_ context: ServerContext) async throws -> AgentCaller {
        let peer = context.remotePeer
        let caller: AgentCaller
        do {
            caller = try AgentCaller(context, trustDomain: trustDomain)
        } catch {
            // Nothing more comes over a connection like this one.
            connections.close(peer: peer)
            throw error
        }
        // Each question is one to the database.
        guard calls.admits(caller.use, at: now()) else {
            throw RPCError(code: .resourceExhausted, message: "Too many calls. Come back later.")
        }
        // Before it is asked whether it counts: a revocation after the answer finds the connection.
        connections.note(caller.use, of: peer)
        do {
            try await questions.run { try await check(caller) }
        } catch let refusal as CallerRefusal {
            connections.close(peer: peer)
            throw refusal
        }
        connections.admit(peer, as: caller.cluster)
        return caller
    }

    /// Whether the caller's certificate counts now; throws ``CallerRefusal`` where it does not.
    func check(_ caller: AgentCaller) async throws {
        guard caller.notValidAfter > now() else { throw CallerRefusal(.expired, caller) }
        guard let standing = try await certificates.standing(of: caller.use, key: "\(caller.keyFingerprint)") else {
            let refusal = CallerRefusal(.anotherKey, caller)
            try await certificates.reportCopy(of: caller.use, reason: refusal.reason.explanation)
            throw refusal
        }
        switch standing {
        case .counts(let isUsed):
            // Until what was ended has been ended again.
            guard try await !isEnded(caller) else { throw CallerRefusal(.endedBeforeRestore, caller) }
            if isUsed { return }
        // The door of a restored database is for nobody whom it has forgotten to have been shut out.
        case .awaited where ended.contains(caller.use, issuedAt: caller.issuedAt),
            .unknown where ended.contains(caller.use, issuedAt: caller.issuedAt):
            throw CallerRefusal(.endedBeforeRestore, caller)
        case .awaited:
            let note = CertificateNote(
                serial: caller.serial, keyFingerprint: "\(caller.keyFingerprint)", expiresAt: caller.notValidAfter,
                issuedAt: caller.issuedAt)
            guard try await certificates.readmit(note, of: caller.cluster) else {
                // The door that is open still is not for this one: another replica has told the store so.
                let isOpen = try await certificates.standing(of: caller.use) == .awaited
                throw CallerRefusal(isOpen ? .endedBeforeRestore : .unknown, caller)
            }
        case .unknown: throw CallerRefusal(.unknown, caller)
        case .revoked(let moment): throw CallerRefusal(.revoked(moment), caller)
        case .superseded:
            let refusal = CallerRefusal(.superseded, caller)
            try await certificates.reportCopy(of: caller.use, reason: refusal.reason.explanation)
            throw refusal
        case .notInFleet: throw CallerRefusal(.notInFleet, caller)
        }
        try await certificates.noteUse(of: caller.use)
    }

    /// Whether a certificate that the store lists was ended all the same, before the store was restored.
    private func isEnded(_ caller: AgentCaller) async throws -> Bool {
        if ended.isNamed(caller.use) { return true }
        guard let floor = ended.floor(ending: caller.use, issuedAt: caller.issuedAt) else { return false }
        return try await !certificates.isSpared(caller.use, by: floor)
    }

    /// Whether the cluster behind the name is the one that enrolled; throws ``CallerRefusal`` where it is another. An agent that cannot
    /// tell says `unknown`.
    func check(_ caller: AgentCaller, clusterUID uid: String) async throws {
        guard !uid.isEmpty, uid != "unknown" else { return }
        let refusal: CallerRefusal
        switch try await certificates.noteClusterUID(uid, of: caller.cluster) {
        case .isNoted: return
        case .isAnother(let enrolled):
            // `uid` is of kube-system, `namespace/uid` of the one that an agent keeps to: the one says nothing of the other.
            guard uid.contains("/") == enrolled.contains("/") else { return }
            refusal = CallerRefusal(.otherCluster(uid: uid, enrolled: enrolled), caller)
        case .isOf(let other): refusal = CallerRefusal(.secondName(uid: uid, of: other), caller)
        }
        try await certificates.reportCopy(of: caller.use, reason: refusal.reason.explanation)
        throw refusal
    }
}

/// Keeps one certificate's holder from asking the database as often as it can call.
///
/// By certificate and not by cluster: who holds one that does not count any more must not use up what the cluster's agent may.
final class CallLimit: Sendable {
    /// Calls at once after a rest, and how long one takes to be earned back: a start with many applications, whose documents come in
    /// batches and four at a time, stays far below.
    static let burst = 200
    static let interval = Interval.milliseconds(50)

    private let limit = Mutex(RateLimit<CertificateUse>(burst: burst, interval: interval, keyLimit: 100_000))

    /// Whether a call may be made with this certificate now.
    func admits(_ use: CertificateUse, at now: Timestamp) -> Bool { limit.withLock { $0.admits(use, at: now) } }
}

extension AgentCaller {
    /// The certificate in its hands.
    var use: CertificateUse { CertificateUse(cluster, serial: serial) }
}
