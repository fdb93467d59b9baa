internal import GRPCCore
internal import Logging
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore

/// What agents with a certificate may do. Whose agent it is says the certificate, and nothing in a message.
struct FleetService: Swell_V1_Fleet.SimpleServiceProtocol {
    let authenticator: CallerAuthenticator
    let sessions: SessionContext
    let documents: DocumentDelivery
    let issuer: CertificateIssuer
    let renewals: RenewalLimit
    let refused = RefusedPeers()
    let refusals: RefusalMemory
    /// Names for sessions, each a new one.
    let makeID: @Sendable () -> String

    func session(
        request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        response: RPCWriter<Swell_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        try await answering("session", context) { caller in
            try await sessions.admission.run(of: caller.cluster) {
                try await AgentSession(id: makeID(), caller: caller, context: sessions).run(request, response)
            }
        }
    }

    func fetchDocuments(
        request: Swell_V1_FetchDocumentsRequest, response: RPCWriter<Swell_V1_DocumentChunk>, context: ServerContext
    ) async throws {
        try await answering("documents", context) { caller in
            let digests = try checkedDigests(request.digests, at: "digests")
            try await documents.deliver(digests, to: caller.cluster) { try await response.write($0) }
        }
    }

    func renewCertificate(
        request: Swell_V1_RenewCertificateRequest, context: ServerContext
    ) async throws -> Swell_V1_RenewCertificateResponse {
        try await answering("renewal", context) { caller in
            guard await renewals.admits(caller.cluster, at: sessions.now()) else {
                throw RPCError(code: .resourceExhausted, message: "Too many renewals. Come back later.")
            }
            let signing = try SigningRequest(derBytes: Array(request.signingRequest))
            let (grant, certificate) = try await issuer.renew(caller, for: signing)
            sessions.log.note(
                .renewed, of: caller.cluster, level: .info,
                [
                    "serial": "\(certificate.serial)", "former": "\(caller.serial)",
                    "expires": "\(certificate.notValidAfter)",
                ])
            var response = Swell_V1_RenewCertificateResponse()
            response.grant = grant
            return response
        }
    }

    /// Finds out who calls, and tells every error in gRPC's words.
    private func answering<Value: Sendable>(
        _ call: String, _ context: ServerContext, _ body: (AgentCaller) async throws -> Value
    ) async throws -> Value {
        var cluster = "unknown"
        var known: ClusterName?
        do {
            let caller = try await authenticator.admit(context)
            cluster = caller.cluster.rawValue
            known = caller.cluster
            return try await body(caller)
        } catch {
            let answer = RPCError(reporting: error)
            if let refusal = error as? CallerRefusal {
                refused.increment(of: refusal.reason.word)
                cluster = refusal.cluster.rawValue
                known = refusal.cluster
            }
            if let known, !error.isLostPeer, !Task.isCancelled, answer.code != .cancelled {
                refusals.note(answer.message, of: known, at: sessions.now())
            }
            if !Task.isCancelled, answer.code != .cancelled {
                sessions.log.note(
                    error.isLostPeer ? .callBrokeOff : .callRefused, of: cluster, level: Logger.Level(ofEnd: error),
                    [
                        "call": "\(call)", "cluster": "\(cluster)", "peer": "\(context.remotePeer)",
                        "reason": "\(error)",
                    ])
            }
            throw answer
        }
    }
}

/// Keeps one agent from filling the list of certificates.
actor RenewalLimit {
    private var clusters = RateLimit<ClusterName>(burst: 5, interval: .minutes(1), keyLimit: 100_000)

    /// Whether the agent of `cluster` may renew now.
    func admits(_ cluster: ClusterName, at now: Timestamp) -> Bool { clusters.admits(cluster, at: now) }
}
