internal import GRPCCore
internal import SwellIdentity
internal import SwellModel
internal import SwellStore

/// Lets in who shows a certificate that names an agent and counts. Every call passes here, also on a connection whose handshake was
/// before its certificate expired or was revoked.
struct CallerAuthenticator: Sendable {
    let trustDomain: TrustDomain
    let certificates: any AgentCertificateStore
    let connections: CallerConnections
    let now: @Sendable () -> Timestamp

    /// Who makes the call.
    func admit(_ context: ServerContext) async throws -> AgentCaller {
        let caller = try AgentCaller(context, trustDomain: trustDomain)
        do {
            try await check(caller)
        } catch let refusal as CallerRefusal {
            // Nothing more comes over a connection like this one.
            connections.close(peer: context.remotePeer)
            throw refusal
        }
        connections.note(caller.use, of: context.remotePeer)
        return caller
    }

    /// Whether the caller's certificate counts now; throws ``CallerRefusal`` where it does not.
    func check(_ caller: AgentCaller) async throws {
        guard caller.notValidAfter > now() else { throw CallerRefusal(.expired, caller) }
        switch try await certificates.standing(of: caller.use) {
        case .counts(isUsed: true): return
        case .counts(isUsed: false): break
        case .awaited:
            let note = CertificateNote(
                serial: caller.serial, keyFingerprint: "\(caller.keyFingerprint)", expiresAt: caller.notValidAfter)
            guard try await certificates.readmit(note, of: caller.cluster) else {
                throw CallerRefusal(.unknown, caller)
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

extension AgentCaller {
    /// The certificate in its hands.
    var use: CertificateUse { CertificateUse(cluster, serial: serial) }
}
