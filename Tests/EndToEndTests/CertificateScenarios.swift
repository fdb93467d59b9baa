internal import Foundation
internal import KubernetesObjects
internal import SwellIdentity
internal import SwellModel
internal import Testing

/// Certificates that are too old, and clocks that are wrong.
@Suite(.serialized) struct CertificateScenarios {
    @Test func anAgentWhoseCertificateExpiredSaysWhatToDoAndComesBackWithANewToken() async throws {
        try await withFleet { fleet in
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"]))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.killAgent("use1-a")
            try await Self.letExpire(fleet, "use1-a")
            try await fleet.startAgent("use1-a")
            try await eventually("the agent to say what is wrong, and what to do") { () -> Bool? in
                let log = fleet.printed("agent-use1-a")
                return log.contains("certificate has expired") && log.contains("swell cluster token use1-a")
                    ? true : nil
            }
            try await fleet.start("1.0.0", name: "first")
            // The advice is followed, and the agent finds the token by itself.
            try await fleet.writeToken(for: "use1-a")
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            print("judgement: \(try await judge(fleet))")
        }
    }

    @Test func theCoordinatorRefusesAnExpiredCertificateAndSaysWhose() async throws {
        try await withFleet { fleet in
            try await fleet.killAgent("use1-a")
            try await Self.letExpire(fleet, "use1-a")
            let credential = fleet.agentFolder("use1-a").appending(path: "identity/credential.pem").path
            // Dials with it as an agent would that does not know the time.
            let dialled = try await Programs.call(
                "openssl",
                [
                    "s_client", "-connect", "127.0.0.1:\(await fleet.fleetPort())", "-cert", credential, "-key",
                    credential, "-alpn", "h2", "-ign_eof",
                ], within: .seconds(20))
            #expect(dialled.code != 0, "\(dialled.output)")
            let log = fleet.printed("coordinator-a")
            #expect(log.contains("peer refused at the handshake"))
            let saysWhose = log.contains(/the certificate of \S+cluster\/use1-a with serial \S+ expired at/)
            #expect(saysWhose, "\(log.suffix(600))")
            // Nobody else suffers.
            try await fleet.startAgent("usw1-a")
        }
    }

    @Test(.enabled(if: ClockShift.library != nil, "no C compiler is there to build the clock's shim"))
    func wrongClocksBreakNeitherLeasesNorSoaks() async throws {
        var shape = Fleet.Shape()
        shape.isLinked = true
        try await withFleet(shape) { fleet in
            // Both replicas and two agents disagree on the time, by minutes.
            try await fleet.startCoordinator("b", clock: .minutes(2))
            try await fleet.killAgent("use1-a")
            try await fleet.startAgent("use1-a", clock: .minutes(-2))
            try await fleet.killAgent("usw1-a")
            try await fleet.startAgent("usw1-a", clock: .minutes(4))
            try await fleet.awaitAgents(within: .seconds(30))
            #expect(fleet.printed("agent-use1-a").contains("agent started"))
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"], soak: "5s"))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.start("1.0.0", name: "first", replica: "b")
            // Whoever decides, the other takes over and goes on from the same moments.
            try await fleet.rollout("first", "soaking", replica: "b") { status in
                status["stages"]?.arrayValue?.first?["phase"]?.stringValue == "soaking"
            }
            try await fleet.killCoordinator("a")
            let ended = try await fleet.rollout("first", "succeeded", replica: "b") {
                $0["phase"]?.stringValue == "succeeded"
            }
            let soak = try #require(Self.soak(of: ended))
            #expect(soak >= 5, "the soak of 5 s took \(soak) s")
            #expect(soak < 60, "the soak of 5 s took \(soak) s")
            print("judgement: \(try await judge(fleet))")
        }
    }

    @Test(.enabled(if: ClockShift.library != nil, "no C compiler is there to build the clock's shim"))
    func aCoordinatorFarAheadIsNotBelievedAndItsAgentsSayWhy() async throws {
        var shape = Fleet.Shape()
        shape.isLinked = true
        try await withFleet(shape) { fleet in
            // Beyond what certificates allow for, its own is of the future.
            try await fleet.killCoordinator("a")
            try await fleet.startCoordinator("a", clock: .minutes(30))
            try await eventually("an agent to say whose clock is wrong") { () -> Bool? in
                fleet.printed("agent-use1-a").contains(
                    /the certificate of \S+coordinator is valid from \S+ on, but it is \S+ by the clock here/)
                    ? true : nil
            }
            // The replica whose clock is right is found and believed.
            try await fleet.startCoordinator("b")
            try await fleet.awaitAgents(within: .seconds(60), replica: "b")
        }
    }

    /// Puts a certificate of the fleet's authority in the place of an agent's, one that has just expired.
    private static func letExpire(_ fleet: Fleet, _ cluster: String) async throws {
        let domain = try TrustDomain("swell.local")
        let authority = try AuthorityDirectory(path: fleet.stateFolder.appending(path: "authority").path)
            .loadOrCreate(trustDomain: domain, now: Timestamp(milliseconds: Self.now))
        let directory = AgentCredentialDirectory(path: fleet.agentFolder(cluster).appending(path: "identity").path)
        let stored = try #require(try directory.load())
        // No authority signs before its own time, so the certificate lives for a moment instead.
        let issued = try authority.issueAgentCertificate(
            cluster: ClusterName(cluster), for: SigningRequest(key: stored.credential.key),
            now: Timestamp(milliseconds: Self.now), lifetime: .milliseconds(1))
        try directory.store(
            Credential(chain: issued.chain, key: stored.credential.key), authorities: stored.authorities)
        try await eventually("the certificate to expire") { issued.notValidAfter.milliseconds < now ? true : nil }
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    /// How many seconds passed between the canary's last healthy target and its passing.
    private static func soak(of status: JSONValue) -> TimeInterval? {
        let canary = status["stages"]?.arrayValue?.first
        guard let healthy = canary?["healthyAt"]?.stringValue.flatMap({ Timestamp($0) }),
            let passed = canary?["passedAt"]?.stringValue.flatMap({ Timestamp($0) })
        else { return nil }
        return Double((passed - healthy).milliseconds) / 1_000
    }
}
