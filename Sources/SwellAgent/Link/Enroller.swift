internal import AsyncSupport
internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Logging
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwiftProtobuf
internal import Synchronization
internal import X509

/// Gets the agent its first certificate: spends the join token with a key that never leaves the state directory.
final class Enroller: Sendable {
    let settings: LinkSettings
    let directory: any CredentialKeeping
    let now: @Sendable () -> Timestamp
    let chance: @Sendable () -> Double
    /// What tells the cluster from others; nil where that cannot be told now.
    let clusterUID: @Sendable () async -> String?
    let logger: Logger
    /// The tokens that the coordinator has judged: none is shown twice on account of a refusal, since nothing would come of it. What failed
    /// on the way to a judgement leaves a token as good as it was.
    let shown = Mutex<Set<String>>([])

    init(
        settings: LinkSettings, directory: any CredentialKeeping, now: @escaping @Sendable () -> Timestamp,
        chance: @escaping @Sendable () -> Double, clusterUID: @escaping @Sendable () async -> String? = { nil },
        logger: Logger
    ) {
        self.clusterUID = clusterUID
        self.settings = settings
        self.directory = directory
        self.now = now
        self.chance = chance
        self.logger = logger
    }

    /// The stored credential, or a new one; tries until it has one or is cancelled.
    ///
    /// - Throws: `CancellationError`, or the coordinator's refusal where the agent stands before another cluster than it says.
    func credential() async throws -> (credential: Credential, authorities: TrustedAuthorities) {
        var stateLog = StateLog()
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            do {
                if let stored = try directory.load() {
                    if stored.credential.notValidAfter > now() {
                        guard stored.credential.identity.clusterName == settings.cluster else {
                            throw IdentityError(
                                .wrongCluster,
                                "the stored certificate is of \(stored.credential.identity), not of cluster '\(settings.cluster)'; use another state directory"
                            )
                        }
                        let authorities = try trust(stored.authorities)
                        // What was issued under an authority that does not lead to the pinned one is refused there: no use in trying first.
                        if authorities.isPinned, let pin = settings.authorityPin,
                            !TrustedAuthorities(stored.authorities).holds(pin), let again = await enrolAgain()
                        {
                            return again
                        }
                        return (stored.credential, authorities)
                    }
                    if stateLog.isNews("expired") {
                        logger.warning("certificate has expired, enrolling again")
                    }
                }
                let (credential, authorities) = try await enrol()
                logger.info(
                    "enrolled", metadata: ["identity": "\(credential.identity)", "serial": "\(credential.serial)"])
                return (credential, TrustedAuthorities(authorities))
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as RPCError where WireRefusal.isOtherCluster(error) {
                throw error
            } catch {
                let what = Self.describe(error)
                if stateLog.isNews(what) {
                    let advice = await Self.advice(error, at: settings.enrolment, wanting: .enrolment)
                    logger.warning("enrolment failed, trying again", metadata: ["reason": "\(what)\(advice)"])
                }
                try await Task.sleep(for: backoff.next(chance: chance()))
            }
        }
    }

    /// What to trust: what was stored, unless an operator has given another `--ca-hash` since the last enrolment. Then it is that alone.
    private func trust(_ stored: [Certificate]) throws -> TrustedAuthorities {
        guard let pin = settings.authorityPin else { return TrustedAuthorities(stored) }
        let former = try directory.pin()
        if former == pin { return TrustedAuthorities(stored) }
        if former == nil, TrustedAuthorities(stored).holds(pin) {
            // State from before pins were stored, and the one given is of what is there.
            try directory.store(pin: pin)
            return TrustedAuthorities(stored)
        }
        logger.warning(
            "--ca-hash is not the one that the stored trust began with: only the authority with this key is trusted from now on",
            metadata: ["caHash": "\(pin)", "former": "\(former.map { "\($0)" } ?? "not noted")"])
        return TrustedAuthorities(pinned: pin)
    }

    /// After the coordinator has refused the stored certificate: a new one, where there is a token that was not judged before; else nil. To be
    /// asked again after a pause where it failed on the way.
    func enrolAgain() async -> (credential: Credential, authorities: TrustedAuthorities)? {
        guard let text = try? joinToken(), !shown.withLock({ $0.contains(text) }) else { return nil }
        do {
            let (credential, authorities) = try await enrol()
            logger.info(
                "enrolled again", metadata: ["identity": "\(credential.identity)", "serial": "\(credential.serial)"])
            return (credential, TrustedAuthorities(authorities))
        } catch {
            logger.warning(
                "the certificate does not count, and the join token did not help",
                metadata: ["reason": "\(Self.describe(error))"])
            return nil
        }
    }

    /// Whether there is a token that nobody has judged yet.
    var hasUnshownToken: Bool {
        guard let text = try? joinToken() else { return false }
        return !shown.withLock { $0.contains(text) }
    }

    /// The text of the token's file.
    private func joinToken() throws -> String {
        guard let file = settings.joinTokenFile, settings.authorityPin != nil else {
            throw AgentError(
                .invalidSetting, "not enrolled yet: --join-token-file and --ca-hash are needed for the first start")
        }
        // An empty file is what a service manager puts there once the token is spent and deleted.
        guard SecretFile.exists(file),
            let text = try SecretFile.read(file, access: .notEverybody).split(whereSeparator: \.isWhitespace).first
        else {
            throw AgentError(
                .file,
                "\(file): there is no join token; put what 'swell cluster token \(settings.cluster)' prints there")
        }
        return String(text)
    }

    private func enrol() async throws -> (credential: Credential, authorities: [Certificate]) {
        let text = try joinToken()
        guard let file = settings.joinTokenFile, let pin = settings.authorityPin else {
            throw AgentError(.invalidSetting, "--join-token-file and --ca-hash are needed to enrol")
        }
        let token = try JoinToken(parsing: text)
        guard token.cluster == settings.cluster else {
            throw IdentityError(
                .wrongCluster, "\(file): the token is for cluster '\(token.cluster)', not '\(settings.cluster)'")
        }
        let key = try directory.pendingKey()
        let request = try SigningRequest(key: key)
        let verifier = PeerVerifier(pinned: pin, now: now)
        let refusals = LatestValue<IdentityError>()
        let transport = try HTTP2ClientTransport.Posix(
            target: settings.enrolment.target,
            transportSecurity: .enrolment(verifier: verifier, onRefusal: { refusals.send($0) }),
            config: LinkSettings.transport)
        let cluster = settings.cluster
        let version = settings.version
        let uid = await clusterUID() ?? ""
        let answer: Swell_V1_EnrollResponse
        do {
            answer = try await ClientRun.withClient(transport) { client in
                try await Swell_V1_Enrollment.Client(wrapping: client).enroll(
                    .with {
                        $0.joinToken = token.text
                        $0.signingRequest = Data(request.derBytes)
                        $0.cluster = cluster.rawValue
                        $0.agentVersion = version
                        $0.clusterUid = uid
                    }, options: LinkSettings.call(timeout: settings.helloTimeout))
            }
            shown.withLock { _ = $0.insert(text) }
        } catch {
            // The handshake's own reason says more than that the connection failed.
            if let refusal = refusals.take() { throw refusal }
            guard let error = error as? RPCError, Self.judgements.contains(error.code),
                !WireRefusal.isOtherCluster(error)
            else { throw error }
            shown.withLock { _ = $0.insert(text) }
            guard error.code == .unauthenticated else { throw error }
            // The file is read at each attempt: whoever follows the advice need not start the agent again.
            throw IdentityError(
                .invalidToken, "\(error.message); put what 'swell cluster token \(cluster)' prints into \(file)")
        }
        let accepted = try await GrantReader.accept(
            answer.grant, key: key, cluster: cluster, trustDomain: nil, under: TrustedAuthorities(pinned: pin),
            now: now())
        try directory.store(accepted.credential, authorities: accepted.authorities)
        try directory.store(pin: pin)
        return accepted
    }

    /// The answers that judge a token; all others say that it was not looked at, or not to the end.
    private static let judgements: Set<RPCError.Code> = [.unauthenticated, .permissionDenied, .invalidArgument]

    /// What to do about an address where nobody speaks as was hoped: `; ` and which port is there, or nothing.
    ///
    /// - Parameter looks: Whether it may be looked at which port is there, over a connection of its own.
    static func advice(
        _ error: any Error, at endpoint: Endpoint, wanting wanted: MetPort.Wanted, looks: Bool = true
    ) async -> String {
        if let error = error as? IdentityError, error.code == .untrusted, wanted == .sessions {
            return
                "; if the coordinator's authority was replaced, start the agent with the new --ca-hash and a new token in --join-token-file"
        }
        guard looks, let code = (error as? RPCError)?.code, code == .unavailable || code == .unimplemented else {
            return ""
        }
        return await MetPort.look(at: endpoint)?.advice(wanting: wanted).map { "; \($0)" } ?? ""
    }

    /// One line for an error, without its inner workings.
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as RPCError: error.message.isEmpty ? "\(error.code)" : "\(error.code): \(error.message)"
        case let error as IdentityError: error.message
        default: "\(error)"
        }
    }
}

/// Reads a certificate that the coordinator has issued.
enum GrantReader {
    static func accept(
        _ grant: Swell_V1_CertificateGrant, key: P256.Signing.PrivateKey, cluster: ClusterName,
        trustDomain: TrustDomain?, under trusted: TrustedAuthorities, now: Timestamp
    ) async throws -> (credential: Credential, authorities: [Certificate]) {
        let domain = try trustDomain ?? TrustDomain(grant.trustDomain)
        return try await Credential.accepting(
            chainDER: grant.chain.map { Array($0) }, authoritiesDER: grant.authorities.map { Array($0) }, key: key,
            expected: .cluster(cluster, in: domain), under: trusted, now: now)
    }
}
