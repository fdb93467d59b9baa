internal import AsyncSupport
internal import GRPCCore
internal import Logging
internal import PortGuard
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore

/// Gives an agent its first certificate for a join token.
///
/// The token is spent before the certificate exists, in one statement, for a serial number that follows from the token
/// and the agent's key. So two agents never get in on one token, and the one that lost the answer may ask again with
/// the same key until the token expires.
struct EnrollmentService: Swell_V1_Enrollment.SimpleServiceProtocol {
    let issuer: CertificateIssuer
    let rate: EnrolmentLimit
    /// Tells all replicas that earlier certificates of a cluster do not count any more.
    let announceTrustChange: @Sendable () -> Void
    let limiter: ConcurrencyLimiter
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let log: PeerLog
    let refused = RefusedPeers()
    /// Why agents were not let in, for whoever asks why one is away.
    let refusals: RefusalMemory

    func enroll(request: Swell_V1_EnrollRequest, context: ServerContext) async throws -> Swell_V1_EnrollResponse {
        let peer = context.remotePeer
        guard await rate.admits(peer: peer, at: now()) else {
            throw RPCError(code: .resourceExhausted, message: "Too many requests. Come back later.")
        }
        do {
            let token = try token(of: request)
            guard await rate.admits(token: String(token.hash.prefix(JoinTokenRecord.idLength)), at: now()) else {
                throw RPCError(code: .resourceExhausted, message: "Too many requests. Come back later.")
            }
            return try await limiter.run { try await enroll(request, token, peer: peer) }
        } catch {
            let answer = RPCError(reporting: error)
            if let error = error as? WrongCluster {
                refused.increment(of: "second_name")
                // Its token was good: it is the agent that was made ready for this cluster.
                refusals.note("\(error)", of: error.cluster, at: now())
            }
            log.note(
                .enrolmentRefused, of: "\(AddressBlock(peer: peer))", level: Logger.Level(ofEnd: error),
                ["peer": "\(peer)", "reason": "\(error)"])
            throw answer
        }
    }

    /// The token, as far as it can be judged without the store: what is wrong with it costs nobody but who sent it.
    private func token(of request: Swell_V1_EnrollRequest) throws -> JoinToken {
        guard request.agentVersion.utf8.count <= WireLimits.wordLength else {
            throw WireError(.tooLarge, at: "agent_version", "expected at most \(WireLimits.wordLength) bytes")
        }
        guard request.clusterUid.utf8.count <= WireLimits.wordLength else {
            throw WireError(.tooLarge, at: "cluster_uid", "expected at most \(WireLimits.wordLength) bytes")
        }
        let token = try JoinToken(parsing: request.joinToken)
        guard request.cluster == token.cluster.rawValue else {
            throw IdentityError(
                .wrongCluster,
                "the token is for cluster '\(token.cluster)', not for '\(request.cluster.prefix(63))': use the token that was made for it"
            )
        }
        return token
    }

    private func enroll(
        _ request: Swell_V1_EnrollRequest, _ token: JoinToken, peer: String
    ) async throws -> Swell_V1_EnrollResponse {
        let signing: SigningRequest
        do {
            signing = try SigningRequest(derBytes: Array(request.signingRequest))
        } catch {
            // Its signature was checked for a token that nobody has looked up.
            await rate.noteFailure(at: now())
            throw error
        }
        let uid = ["", "unknown"].contains(request.clusterUid) ? nil : request.clusterUid
        guard let (grant, certificate, cluster) = try await issuer.enrol(token, for: signing, clusterUID: uid) else {
            refused.increment(of: "token")
            await rate.noteFailure(at: now())
            throw IdentityError(
                .invalidToken,
                "the join token for cluster '\(token.cluster)' is unknown, expired or spent by another key: ask for a new one"
            )
        }
        announceTrustChange()
        logger.info(
            "agent enrolled",
            metadata: [
                "cluster": "\(cluster)", "serial": "\(certificate.serial)", "expires": "\(certificate.notValidAfter)",
                "key": "\(certificate.keyFingerprint)", "peer": "\(peer)",
            ])
        var response = Swell_V1_EnrollResponse()
        response.grant = grant
        return response
    }
}
