internal import Crypto
internal import Foundation
internal import GRPCCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// An agent whose certificate no longer leads anywhere joins again, over real TLS, with a token that was not judged yet.
@Suite(.timeLimit(.minutes(1))) struct JoiningAgainTests {
    private func withWorld(
        _ body: @escaping @Sendable (AgentWorld, AgentCredentialDirectory) async throws -> Void
    ) async throws {
        try await withDirectory { path in
            let world = try await AgentWorld(directory: path, cluster: FakeCluster())
            let directory = AgentCredentialDirectory(path: path + "/state/identity")
            try await world.coordinator.serve { try await body(world, directory) }
        }
    }

    /// Stores a certificate of another authority, which the coordinator does not trust.
    private func storeForeign(
        in directory: AgentCredentialDirectory, trusting more: [CertificateAuthority] = [], pin: KeyFingerprint? = nil
    ) throws {
        let former = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
        let key = P256.Signing.PrivateKey()
        let issued = try former.issueAgentCertificate(cluster: "east-1", for: SigningRequest(key: key), now: .wall)
        try directory.store(
            Credential(chain: issued.chain, key: key), authorities: ([former] + more).map(\.certificate))
        try directory.store(pin: pin ?? former.fingerprint)
    }

    private func enroller(_ world: AgentWorld, _ directory: AgentCredentialDirectory) async throws -> Enroller {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Enroller(
            settings: try await world.settings().link, directory: directory, now: { .wall }, chance: { 0 },
            logger: logger)
    }

    @Test(arguments: [RPCError.Code.unavailable, .resourceExhausted, .deadlineExceeded, .internalError])
    func aFailureThatDoesNotJudgeTheTokenDoesNotBurnIt(code: RPCError.Code) async throws {
        try await withWorld { world, directory in
            let enroller = try await enroller(world, directory)
            await world.coordinator.failEnrolments(with: [code])
            #expect(await enroller.helps() == false)
            #expect(await enroller.helps())
            // It was taken: nothing would come of showing it again.
            #expect(await enroller.helps() == false)
        }
    }

    @Test(arguments: [RPCError.Code.unauthenticated, .permissionDenied, .invalidArgument])
    func aTokenThatWasJudgedIsNotShownAgain(code: RPCError.Code) async throws {
        try await withWorld { world, directory in
            let enroller = try await enroller(world, directory)
            await world.coordinator.failEnrolments(with: [code])
            #expect(await enroller.helps() == false)
            #expect(await enroller.helps() == false)
        }
    }

    @Test func aPortThatIsAwayDoesNotBurnTheToken() async throws {
        try await withDirectory { path in
            let world = try await AgentWorld(directory: path, cluster: FakeCluster())
            let directory = AgentCredentialDirectory(path: path + "/state/identity")
            // Served once, so that the ports are known, and then away.
            try await world.coordinator.serve {}
            let enroller = try await enroller(world, directory)
            #expect(await enroller.helps() == false)
            try await world.coordinator.serve {
                #expect(await enroller.helps())
            }
        }
    }

    /// What stands for the machine's other connections, any of which may be given a port that is free.
    @Test func aCoordinatorThatWasAwayWaitsForItsPort() async throws {
        try await withDirectory { path in
            let world = try await AgentWorld(directory: path, cluster: FakeCluster())
            try await world.coordinator.serve {}
            let port = await world.coordinator.fleetPort
            let other = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1).bind(host: "127.0.0.1", port: port).get()
            async let freed: Void = {
                try await Task.sleep(for: .milliseconds(300))
                try await other.close()
            }()
            try await world.coordinator.serve { #expect(await world.coordinator.fleetPort == port) }
            try await freed
        }
    }

    @Test func anotherPinAndATokenLeadOutOfAStolenAuthority() async throws {
        try await withWorld { world, directory in
            try storeForeign(in: directory)
            try await world.withAgent {
                try await eventually("the agent joins the new authority") { await world.coordinator.isConnected }
            }
            #expect(try directory.pin() == world.coordinator.authority.fingerprint)
        }
    }

    @Test func aCertificateThatTheCoordinatorHangsUpOnIsReplacedWithAToken() async throws {
        try await withWorld { world, directory in
            // The former authority was retired by force: the agent trusts the new one, and has a certificate of the former.
            let authority = world.coordinator.authority
            try storeForeign(in: directory, trusting: [authority], pin: authority.fingerprint)
            try await world.withAgent {
                try await eventually("the agent joins again") { await world.coordinator.isConnected }
            }
        }
    }

    /// The transport says of it no more than that the connection was closed.
    @Test func whoIsHungUpOnSaysWhatToDo() async throws {
        try await withWorld { world, directory in
            let authority = world.coordinator.authority
            try storeForeign(in: directory, trusting: [authority], pin: authority.fingerprint)
            try FileManager.default.removeItem(atPath: world.directory + "/token")
            let lines = LogLines()
            try await world.withAgent(logger: lines.logger) {
                try await eventually("it says so") {
                    lines.all.contains {
                        $0.contains("the coordinator is there and hangs up")
                            && $0.contains("swell cluster token east-1")
                    }
                }
            }
            #expect(lines.all.filter { $0.contains("hangs up") }.count == 1)
        }
    }

    @Test func aPinnedAgentTriesItsFirstRenewalAgainSoon() async throws {
        try await withWorld { world, directory in
            let key = P256.Signing.PrivateKey()
            let authority = world.coordinator.authority
            let issued = try authority.issueAgentCertificate(
                cluster: "east-1", for: SigningRequest(key: key), now: .wall)
            let other = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: .wall)
            try directory.store(Credential(chain: issued.chain, key: key), authorities: [authority.certificate])
            try directory.store(pin: other.fingerprint)
            await world.coordinator.failRenewals(2)
            try await world.withAgent {
                try await eventually("renewed") {
                    guard try directory.pin() == authority.fingerprint else { return false }
                    return await world.coordinator.renewals == 3
                }
            }
        }
    }
}

extension Enroller {
    /// Whether joining again brings a certificate.
    fileprivate func helps() async -> Bool { await enrolAgain() != nil }
}
