internal import AsyncSupport
internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import Logging
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwiftProtobuf

/// The agent's connection to its coordinator: enrols, dials, comes back with full jitter, renews its certificate.
struct Link: Sendable {
    let settings: LinkSettings
    let ports: SessionPorts
    let directory: any CredentialKeeping
    let documents: SessionDocuments
    let logger: Logger

    /// Runs until cancelled.
    func run() async throws {
        let enroller = Enroller(
            settings: settings, directory: directory, now: ports.now, chance: ports.chance,
            clusterUID: ports.clusterUID, logger: logger)
        var (credential, authorities) = try await self.credential(enroller)
        var stateLog = StateLog()
        var backoff = Backoff()
        /// How often in a row the coordinator was proven and then closed the connection without a word, as it does on a certificate of an
        /// authority that it trusts no more.
        var hangUps = 0
        /// Whether the coordinator welcomed this agent at its address before: nobody has to be told that it is another port.
        var wasWelcomed = false
        while !Task.isCancelled {
            if credential.notValidAfter <= ports.now() {
                (credential, authorities) = try await self.credential(enroller)
            }
            let rotating = try RotatingCredential(credential)
            let welcomedAt = LatestValue<ContinuousClock.Instant>()
            let met = authorities.meetings
            var delay: Duration
            let outcome: Result<SessionEnd, any Error>
            do {
                outcome = .success(
                    try await dial(rotating, authorities) { welcome in
                        welcomedAt.send(ContinuousClock.now)
                        await ports.welcomed()
                        logger.info(
                            "connected to the coordinator",
                            metadata: ["coordinator": "\(settings.coordinator)", "session": "\(welcome.sessionID)"])
                    })
            } catch {
                if Task.isCancelled { break }
                outcome = .failure(error)
            }
            // Before anything is looked into: from now on the agent is on its own.
            await documents.close()
            await ports.inbox.send(.disconnected)
            do {
                let end = try outcome.get()
                hangUps = 0
                let welcomed = welcomedAt.take()
                wasWelcomed = wasWelcomed || welcomed != nil
                if Self.lasted(welcomed) { backoff.reset() }
                switch end {
                case .retryLater(let after, let reason):
                    logger.info(
                        "the coordinator asks to come back later",
                        metadata: ["after": "\(after)", "reason": "\(reason)"])
                    // Its word, and jitter of our own on top, so that those it sent away do not come back together.
                    delay = after.duration * (1 + ports.chance() / 2)
                case .renewed:
                    credential = rotating.current
                    // A fleet enrolled together does not come back together.
                    delay = .seconds(1) * ports.chance()
                case .closed:
                    _ = stateLog.isNews("closed")
                    logger.info("the session with the coordinator ended, coming back")
                    delay = backoff.next(chance: ports.chance())
                }
            } catch {
                let welcomed = welcomedAt.take()
                wasWelcomed = wasWelcomed || welcomed != nil
                let isHangUp = welcomed == nil && authorities.meetings > met && Self.isHangUp(error)
                hangUps = isHangUp ? hangUps + 1 : 0
                if Self.lasted(welcomed) {
                    backoff.reset()
                    _ = stateLog.isNews("connected")
                }
                let what = Enroller.describe(error)
                // Said again once it is more than a restart.
                if stateLog.isNews(hangUps >= Self.hangUpsBorne ? "\(what), again and again" : what) {
                    let advice =
                        hangUps >= Self.hangUpsBorne
                        ? Self.hangUpAdvice(settings.cluster)
                        // Ten thousand agents whose coordinator went away do not come twice each.
                        : await Enroller.advice(
                            error, at: settings.coordinator, wanting: .sessions, looks: !wasWelcomed)
                    logger.warning(
                        "the coordinator is out of reach, trying again",
                        metadata: ["coordinator": "\(settings.coordinator)", "reason": "\(what)\(advice)"])
                }
                delay = backoff.next(chance: ports.chance())
                if Self.isRefusal(error) || hangUps >= Self.hangUpsBorne, let again = await enroller.enrolAgain() {
                    (credential, authorities) = again
                    hangUps = 0
                    delay = .zero
                } else if let error = error as? RPCError, WireRefusal.isOtherCluster(error), !enroller.hasUnshownToken {
                    await ports.refusedAsAnother(error.message)
                }
            }
            try? await Task.sleep(for: delay)
        }
    }

    /// The stored credential, or a new one. Where the coordinator knows the cluster by another name, the agent is told to end, and gets none.
    private func credential(_ enroller: Enroller) async throws -> (Credential, TrustedAuthorities) {
        while true {
            do {
                return try await enroller.credential()
            } catch let error as RPCError where WireRefusal.isOtherCluster(error) {
                await ports.refusedAsAnother(error.message)
                try await Task.sleep(for: .seconds(60))
            }
        }
    }

    /// Whether the coordinator said that the certificate does not count.
    private static func isRefusal(_ error: any Error) -> Bool {
        (error as? RPCError)?.code == .permissionDenied
    }

    /// How often a connection may be closed without a word before a token is shown, where there is one: a restart closes some as well.
    private static let hangUpsBorne = 3

    /// What to do where the coordinator proves who it is, and then closes the connection without a word.
    static func hangUpAdvice(_ cluster: ClusterName) -> String {
        "; the coordinator is there and hangs up, as it does where it does not trust the certificate of this agent: "
            + "'swell doctor' and its log say so. What 'swell cluster token \(cluster)' prints, in --join-token-file, lets the agent "
            + "in again, with the --ca-hash of today where the authority was replaced"
    }

    /// Whether the connection ended without the coordinator's having said why.
    private static func isHangUp(_ error: any Error) -> Bool {
        switch error {
        case let error as RPCError: error.code == .unavailable
        case is IdentityError, is AgentError: false
        default: true
        }
    }

    /// Whether the session lasted long enough to begin again with short waits. One that is cut soon after each welcome must
    /// not be dialled without pause.
    private static func lasted(_ welcomedAt: ContinuousClock.Instant?) -> Bool {
        guard let moment = welcomedAt else { return false }
        return ContinuousClock.now - moment >= .seconds(5)
    }

    private func dial(
        _ credential: RotatingCredential, _ authorities: TrustedAuthorities,
        onWelcome: @escaping @Sendable (SessionWelcome) async -> Void
    ) async throws -> SessionEnd {
        let domain = credential.current.identity.trustDomain
        let verifier = PeerVerifier(authorities: authorities, expecting: .coordinator(in: domain), now: ports.now)
        let refusals = LatestValue<IdentityError>()
        let transport = try HTTP2ClientTransport.Posix(
            target: settings.coordinator.target,
            transportSecurity: .agent(
                credential: credential, verifier: verifier, onRefusal: { refusals.send($0) }),
            config: settings.sessionTransport)
        do {
            return try await ClientRun.withClient(transport) { client in
                let fleet = Session.FleetClient(wrapping: client)
                let session = Session(fleet: fleet, settings: settings, ports: ports, logger: logger) { welcome in
                    await documents.open(fleet)
                    await onWelcome(welcome)
                }
                return try await withThrowingTaskGroup(of: SessionEnd.self) { group in
                    group.addTask { try await session.run() }
                    group.addTask { try await renew(credential, authorities, over: fleet) }
                    defer { group.cancelAll() }
                    return try await group.next() ?? .closed
                }
            }
        } catch {
            if let refusal = refusals.take() { throw refusal }
            throw error
        }
    }

    /// Waits until the certificate is due for renewal, and renews it.
    private func renew(
        _ rotating: RotatingCredential, _ authorities: TrustedAuthorities, over fleet: Session.FleetClient
    ) async throws -> SessionEnd {
        let jitter = ports.chance()
        var failedBefore = false
        var backoff = Backoff(base: .seconds(1), ceiling: .seconds(300))
        while true {
            let credential = rotating.current
            let wait = RenewalRule.delay(
                notValidBefore: credential.notValidBefore, notValidAfter: credential.notValidAfter, jitter: jitter,
                failedBefore: failedBefore, now: ports.now())
            // Another pin of an operator's is proven once; then its list is known, and is trusted.
            let pause = authorities.isPinned ? backoff.next(chance: ports.chance()) : wait.duration
            let isFirst = authorities.isPinned && !failedBefore
            try await Task.sleep(for: isFirst ? .zero : max(pause, HeardBounds.renewal))
            do {
                let key = P256.Signing.PrivateKey()
                let request = try SigningRequest(key: key)
                let answer = try await fleet.renewCertificate(
                    .with { $0.signingRequest = Data(request.derBytes) },
                    options: LinkSettings.call(timeout: settings.helloTimeout))
                let (renewed, trusted) = try await GrantReader.accept(
                    answer.grant, key: key, cluster: settings.cluster, trustDomain: credential.identity.trustDomain,
                    under: authorities, now: ports.now())
                try directory.store(renewed, authorities: trusted)
                if authorities.isPinned, let pin = settings.authorityPin { try directory.store(pin: pin) }
                try rotating.replace(with: renewed)
                authorities.replace(with: trusted)
                logger.info("certificate renewed", metadata: ["serial": "\(renewed.serial)"])
                return .renewed
            } catch {
                try Task.checkCancellation()
                if !failedBefore {
                    logger.warning("certificate not renewed, trying again", metadata: ["error": "\(error)"])
                }
                failedBefore = true
            }
        }
    }
}

/// Documents over whatever session there is.
actor SessionDocuments: DocumentSource {
    private var fleet: Session.FleetClient?

    func open(_ fleet: Session.FleetClient) { self.fleet = fleet }
    func close() { fleet = nil }

    func fetch(
        _ digests: [ContentDigest], onDocument: @Sendable (ContentDocument) async throws -> Void
    ) async throws {
        guard let fleet else { throw AgentError(.notConnected, "there is no session with the coordinator") }
        var rest = digests[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(WireLimits.digestsPerFetch))
            rest = rest.dropFirst(batch.count)
            let documents: [ContentDocument]
            do {
                documents = try await fleet.fetchDocuments(
                    .with { $0.digests = batch.map(\.rawValue) }, options: LinkSettings.call(timeout: .seconds(120))
                ) { response in
                    var assembler = DocumentAssembler(awaiting: batch)
                    var documents: [ContentDocument] = []
                    for try await chunk in response.messages {
                        if let document = try assembler.add(chunk) { documents.append(document) }
                    }
                    guard assembler.missing.isEmpty else {
                        throw AgentError(
                            .protocolBreach, "\(assembler.missing.count) documents of \(batch.count) did not come")
                    }
                    return documents
                }
            } catch let error as RPCError where error.code == .notFound || error.code == .permissionDenied {
                throw AgentError(.contentUnavailable, error.message, cause: nil)
            }
            for document in documents { try await onDocument(document) }
        }
    }
}
