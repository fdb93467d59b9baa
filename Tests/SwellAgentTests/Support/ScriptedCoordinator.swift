internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwiftProtobuf

/// A coordinator that says what the test wants, over real TLS: it can go away and come back on the same ports.
actor ScriptedCoordinator {
    nonisolated let authority: CertificateAuthority
    nonisolated let place: Cluster
    private(set) var fleetPort = 0
    private(set) var enrolmentPort = 0
    /// What should run now.
    private var assignments: [Assignment] = []
    private var documents: [ContentDigest: ContentDocument] = [:]
    private(set) var tokens: Set<String> = []
    private(set) var reports: [ApplicationReport] = []
    private(set) var hellos: [AgentHello] = []
    /// Where sessions were dialled from, as gRPC writes addresses.
    private(set) var peers: [String] = []
    private(set) var acknowledged: [AcknowledgedAssignment] = []
    private(set) var fetches: [ContentDigest] = []
    /// The answers to previews, by question.
    private(set) var previews: [Int64: [PreviewAnswer]] = [:]
    private var assembler = PreviewAssembler()
    private(set) var renewals = 0
    private(set) var refusedTokens = 0
    /// What the next calls for certificates get instead of an answer, in turn.
    private var enrolmentFailures: [RPCError.Code] = []
    private var renewalFailures = 0
    private var sessions: [Int: RPCWriter<Swell_V1_CoordinatorMessage>] = [:]
    private var nextSession = 0
    private var retryLater: Interval?
    /// How long certificates live.
    private var leafLifetime: Interval = .hours(24)
    private var acknowledgesReports = true
    private var isOtherCluster = false
    private var otherUID: String?

    init(place: Cluster) throws {
        self.place = place
        self.authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
    }

    // MARK: - The script

    func addToken(_ token: JoinToken) { tokens.insert(token.text) }
    func setLeafLifetime(_ lifetime: Interval) { leafLifetime = lifetime }
    func setRetryLater(_ interval: Interval?) { retryLater = interval }
    func failEnrolments(with codes: [RPCError.Code]) { enrolmentFailures = codes }
    func failRenewals(_ count: Int) { renewalFailures = count }
    /// Whether agents are told that they speak for another cluster than the one that enrolled.
    func setOtherCluster(_ value: Bool) { isOtherCluster = value }
    /// The uid of a cluster that the fleet knows by another name.
    func setOtherUID(_ uid: String?) { otherUID = uid }
    func setAcknowledgesReports(_ value: Bool) { acknowledgesReports = value }
    func store(_ release: AssembledRelease) {
        for document in release.documents { documents[document.digest] = document }
    }

    /// Changes the assignment and tells it to whoever is connected.
    func assign(_ assignment: Assignment) async throws {
        assignments.removeAll { $0.application == assignment.application }
        assignments.append(assignment)
        for (session, writer) in sessions {
            do {
                try await writer.write(.init(.assignments([assignment], resyncComplete: false)))
            } catch {
                // The agent was killed; it asks when it is back.
                sessions[session] = nil
            }
        }
    }

    /// Asks whoever is connected what a release would change.
    func ask(_ question: PreviewQuestion) async throws {
        for writer in sessions.values { try await writer.write(.init(.previewRequested(question))) }
    }

    /// Tells the same again.
    func repeatAssignments() async throws {
        for writer in sessions.values {
            try await writer.write(.init(.assignments(assignments, resyncComplete: true)))
        }
    }

    /// Sends everybody away for a moment.
    func endSessions() async throws {
        for writer in sessions.values {
            try await writer.write(.init(.retryLater(after: .milliseconds(20), reason: "the script says so")))
        }
    }

    var isConnected: Bool { !sessions.isEmpty }

    func last(_ application: ApplicationName) -> ApplicationReport? {
        reports.last { $0.application == application }
    }

    // MARK: - Serving

    /// Serves while `body` runs. Where it was served before, on the ports of then, as soon as nobody else has them: between two a port is
    /// free, and any other connection of the machine may be given it for a while.
    nonisolated func serve<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(20)
        while true {
            let (fleet, enrolment) = try await servers()
            let outcome = await withThrowingTaskGroup(of: Void.self) { group -> Served<Result> in
                group.addTask { try await fleet.serve() }
                group.addTask { try await enrolment.serve() }
                let served: Served<Result>
                do {
                    // Both listen once both have told their address, and not before.
                    guard let fleetPort = try await fleet.listeningAddress?.ipv4?.port,
                        let enrolmentPort = try await enrolment.listeningAddress?.ipv4?.port
                    else { throw RPCError(code: .internalError, message: "it listens on no port of IPv4") }
                    await self.bound(fleet: fleetPort, enrolment: enrolmentPort)
                    do { served = .done(.success(try await body())) } catch { served = .done(.failure(error)) }
                } catch {
                    served = .notBound(error)
                }
                fleet.beginGracefulShutdown()
                enrolment.beginGracefulShutdown()
                group.cancelAll()
                while let end = await group.nextResult() {
                    // Why a server does not listen, it says itself.
                    if case .notBound = served, case .failure(let error) = end, !(error is CancellationError) {
                        return .notBound(error)
                    }
                }
                return served
            }
            await self.forgetSessions()
            switch outcome {
            case .done(let result): return try result.get()
            case .notBound(let error):
                guard clock.now < deadline else { throw error }
                try await clock.sleep(for: .milliseconds(50))
            }
        }
    }

    private enum Served<Result: Sendable>: Sendable {
        case done(Swift.Result<Result, any Error>)
        case notBound(any Error)
    }

    /// Servers for the ports that it had before, or for any.
    private func servers() throws -> (GRPCServer<HTTP2ServerTransport.Posix>, GRPCServer<HTTP2ServerTransport.Posix>) {
        let credential = try RotatingCredential(
            authority.issueServerCredential(names: ServerNames(["localhost"]), now: .wall))
        let verifier = PeerVerifier(
            authorities: TrustedAuthorities([authority.certificate]),
            expecting: .cluster(in: authority.trustDomain), now: { .wall })
        let fleet = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: "127.0.0.1", port: fleetPort),
                transportSecurity: try .fleet(credential: credential, verifier: verifier),
                config: .defaults { $0.connection.maxGraceTime = .milliseconds(100) }),
            services: [FleetScript(coordinator: self)])
        let enrolment = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: "127.0.0.1", port: enrolmentPort),
                transportSecurity: try .enrolment(credential: credential),
                config: .defaults { $0.connection.maxGraceTime = .milliseconds(100) }),
            services: [EnrolmentScript(coordinator: self)])
        return (fleet, enrolment)
    }

    private func bound(fleet: Int, enrolment: Int) {
        fleetPort = fleet
        enrolmentPort = enrolment
    }

    private func forgetSessions() { sessions = [:] }

    // MARK: - What the services ask

    fileprivate func open(
        _ writer: RPCWriter<Swell_V1_CoordinatorMessage>, _ hello: AgentHello, from peer: String
    ) async throws -> Int? {
        hellos.append(hello)
        peers.append(peer)
        if isOtherCluster {
            throw RPCError(
                code: .permissionDenied, message: "the agent speaks for another cluster",
                metadata: ["swell-refusal": "other_cluster"])
        }
        if let retryLater {
            try await writer.write(.init(.retryLater(after: retryLater, reason: "the script says so")))
            return nil
        }
        nextSession += 1
        let welcome = SessionWelcome(
            sessionID: "s\(nextSession)", heartbeatInterval: .milliseconds(500), reportInterval: .milliseconds(20),
            placement: place)
        try await writer.write(.init(.welcome(welcome)))
        try await writer.write(.init(.assignments(assignments, resyncComplete: true)))
        sessions[nextSession] = writer
        return nextSession
    }

    fileprivate func close(_ session: Int) { sessions[session] = nil }

    fileprivate func take(_ event: SwellProtocol.AgentEvent, _ session: Int) async throws {
        switch event {
        case .report(let id, let list):
            reports += list
            if acknowledgesReports { try await sessions[session]?.write(.init(.reportsAcknowledged([id]))) }
        case .acknowledged(let list): acknowledged += list
        case .previewPart(let part):
            if let answer = try assembler.add(part) { previews[part.id, default: []].append(answer) }
        case .hello, .heartbeat, .contentLacking: break
        }
    }

    fileprivate func give(_ digests: [ContentDigest]) throws -> [ContentDocument] {
        fetches += digests
        return try digests.map { digest in
            guard let document = documents[digest] else {
                throw RPCError(code: .notFound, message: "\(digest.short) is not known")
            }
            return document
        }
    }

    fileprivate func enrol(_ request: Swell_V1_EnrollRequest) throws -> Swell_V1_EnrollResponse {
        if !enrolmentFailures.isEmpty {
            throw RPCError(code: enrolmentFailures.removeFirst(), message: "the script says so")
        }
        guard otherUID == nil || otherUID != request.clusterUid else {
            throw RPCError(
                code: .permissionDenied, message: "cluster 'east-1' is the cluster 'west-1'. The token is not spent.",
                metadata: WireRefusal.otherClusterMetadata)
        }
        guard tokens.contains(request.joinToken) else {
            refusedTokens += 1
            throw RPCError(code: .permissionDenied, message: "the join token is spent")
        }
        return try .with { $0.grant = try grant(Array(request.signingRequest)) }
    }

    fileprivate func renew(_ request: Swell_V1_RenewCertificateRequest) throws -> Swell_V1_RenewCertificateResponse {
        renewals += 1
        if renewalFailures > 0 {
            renewalFailures -= 1
            throw RPCError(code: .unavailable, message: "the script says so")
        }
        return try .with { $0.grant = try grant(Array(request.signingRequest)) }
    }

    private func grant(_ request: [UInt8]) throws -> Swell_V1_CertificateGrant {
        // Begun in the past, as the authority's allowance for clocks has it.
        let issued = try authority.issueAgentCertificate(
            cluster: place.name, for: SigningRequest(derBytes: request), now: .wall, lifetime: leafLifetime)
        let domain = authority.trustDomain.name
        let chain = try issued.chainDER().map { Data($0) }
        guard let root = chain.last else { preconditionFailure("a chain ends with its authority") }
        return .with {
            $0.chain = chain
            $0.authorities = [root]
            $0.trustDomain = domain
        }
    }
}

private struct FleetScript: Swell_V1_Fleet.SimpleServiceProtocol {
    let coordinator: ScriptedCoordinator

    func session(
        request: RPCAsyncSequence<Swell_V1_AgentMessage, any Error>,
        response: RPCWriter<Swell_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        try await withRPCCancellationHandler {
            var session: Int?
            for try await message in request {
                let event = try SwellProtocol.AgentEvent(message)
                if case .hello(let hello) = event {
                    session = try await coordinator.open(response, hello, from: context.remotePeer)
                    if session == nil { return }
                } else if let session {
                    try await coordinator.take(event, session)
                }
            }
            if let session { await coordinator.close(session) }
        } onCancelRPC: {
        }
    }

    func fetchDocuments(
        request: Swell_V1_FetchDocumentsRequest, response: RPCWriter<Swell_V1_DocumentChunk>, context: ServerContext
    ) async throws {
        for document in try await coordinator.give(request.digests.map { try ContentDigest($0) }) {
            for chunk in Swell_V1_DocumentChunk.chunks(of: document) { try await response.write(chunk) }
        }
    }

    func renewCertificate(
        request: Swell_V1_RenewCertificateRequest, context: ServerContext
    ) async throws -> Swell_V1_RenewCertificateResponse {
        try await coordinator.renew(request)
    }
}

private struct EnrolmentScript: Swell_V1_Enrollment.SimpleServiceProtocol {
    let coordinator: ScriptedCoordinator

    func enroll(request: Swell_V1_EnrollRequest, context: ServerContext) async throws -> Swell_V1_EnrollResponse {
        try await coordinator.enrol(request)
    }
}
