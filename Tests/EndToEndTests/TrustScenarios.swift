internal import Foundation
internal import KubernetesObjects
internal import PostgresClient
internal import SwellModel
internal import Testing

/// Keys that are lost, authorities that are replaced, and connections that nobody has looked at: with real processes.
@Suite(.serialized) struct TrustScenarios {
    @Test func aRevokedAgentIsCutOffAtEveryReplicaAndComesBackWithANewToken() async throws {
        var shape = Fleet.Shape()
        shape.replicas = ["a", "b"]
        try await withFleet(shape) { fleet in
            let before = try await Self.connections(fleet)
            let clock = ContinuousClock()
            let start = clock.now
            // Told to the one replica; the agents are at both.
            let revoked = try await fleet.swell("cluster", "revoke", "use1-a", "--reason", "lost laptop", replica: "b")
            let answered = clock.now - start
            #expect(revoked.code == 0 && revoked.output.contains("revoked"), "\(revoked.output)\(revoked.errors)")
            try await eventually("its connection to be closed", within: .seconds(5)) { () -> Bool? in
                try await Self.connections(fleet) < before ? true : nil
            }
            let took = clock.now - start
            print("revocation: answered after \(answered), seen cut after \(took)")
            #expect(took - answered < .seconds(1), "\(took - answered) after the answer")
            try await eventually("the agent to say why") { () -> Bool? in
                let log = fleet.printed("agent-use1-a")
                return log.contains("was revoked at") && log.contains("swell cluster token use1-a") ? true : nil
            }
            let listed = try await fleet.swell("cluster", "certificates", "use1-a")
            #expect(listed.output.contains("revoked") && !listed.output.contains(" valid "), "\(listed.output)")
            let events = try await fleet.swell("events", "--cluster", "use1-a")
            #expect(events.output.contains("lost laptop"), "\(events.output)")

            // A token that is taken back is worth nothing; one that stands is found by the agent itself.
            try await fleet.writeToken(for: "use1-a")
            try await eventually("the agent to join again", within: .seconds(60)) { () -> Bool? in
                fleet.printed("agent-use1-a").contains("enrolled again") ? true : nil
            }
            try await fleet.awaitAgents(within: .seconds(60))
            let tokens = try await fleet.swell("token", "list")
            #expect(tokens.code == 0 && tokens.output.contains("spent"), "\(tokens.output)\(tokens.errors)")
        }
    }

    @Test func aResumedSessionWithoutACertificateMakesNoCall() async throws {
        try await withFleet { fleet in
            let credential = fleet.agentFolder("use1-a").appending(path: "identity/credential.pem").path
            let ticket = fleet.agentFolder("use1-a").appending(path: "ticket.pem").path
            // The connection's preface, empty settings, and a call, as an agent would send them.
            let call = fleet.agentFolder("use1-a").appending(path: "call.bin")
            try Data(Self.renewalCall).write(to: call)
            let port = await fleet.fleetPort()
            func dial(_ extra: String) async throws -> CallResult {
                try await Programs.call(
                    "sh",
                    [
                        "-c",
                        "(cat \(call.path); sleep 2) | openssl s_client -connect 127.0.0.1:\(port) -alpn h2 \(extra) "
                            // What the server says is no text.
                            + "| tr -cd '[:print:]\\n'",
                    ], within: .seconds(30))
            }
            _ = try await dial("-tls1_3 -cert \(credential) -key \(credential) -sess_out \(ticket)")
            try #require(FileManager.default.fileExists(atPath: ticket), "no ticket was issued")
            let refusal = "No client certificate was verified on this connection"
            #expect(!fleet.printed("coordinator-a").contains(refusal))
            let resumed = try await dial("-tls1_3 -sess_in \(ticket)")
            #expect(resumed.output.contains("Reused"), "it was not resumed: \(resumed.output.prefix(400))")
            try await eventually("the coordinator to refuse it") { () -> Bool? in
                fleet.printed("coordinator-a").contains(refusal) ? true : nil
            }
        }
    }

    @Test func theAuthorityIsReplacedByCommandsWhileARolloutGoesOn() async throws {
        var shape = Fleet.Shape()
        shape.replicas = ["a", "b"]
        try await withFleet(shape) { fleet in
            try await fleet.apply(
                Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1", "eu-central-1"], soak: "4s"))
            try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "registry.example/web:1.0.0"))
            try await fleet.start("1.0.0", name: "first")
            for step in ["prepare", "activate"] {
                let result = try await Programs.call(
                    "swell-coordinator", ["authority", step, "--state-dir", fleet.stateFolder.path])
                #expect(result.code == 0, "\(result.errors)")
                try await eventually("both replicas to follow", within: .seconds(30)) { () -> Bool? in
                    ["a", "b"].allSatisfy {
                        fleet.printed("coordinator-\($0)").split(separator: "the authority has changed").count
                            > (step == "prepare" ? 1 : 2)
                    } ? true : nil
                }
                // By the replica that found it, once, and in the name of who ran it.
                try await eventually("it to be audited", within: .seconds(60)) { () -> Bool? in
                    let events = try await fleet.swell("events", "--since", "10m").output.split(separator: "\n")
                        .filter { $0.contains(" authority.\(step)d ") }
                    #expect(events.count <= 1, "\(events)")
                    return events.first?.contains(NSUserName() + "@") == true ? true : nil
                }
            }
            let early = try await Programs.call(
                "swell-coordinator", ["authority", "retire", "--state-dir", fleet.stateFolder.path])
            #expect(early.code != 0 && early.errors.contains("--force"), "\(early.errors)")
            // One that knows the former authority alone comes over a new connection.
            try await fleet.killAgent("usw1-a")
            try await fleet.startAgent("usw1-a")
            let ended = try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
            #expect(ended["phase"]?.stringValue == "succeeded")
            try await fleet.awaitAgents(within: .seconds(60))
            for agent in await fleet.clusters {
                let log = fleet.printed("agent-\(agent)")
                #expect(!log.contains("no trusted authority"), "\(agent): \(log.suffix(400))")
            }
        }
    }

    /// A Secret of the second step is applied again, or a machine comes back that was off during the third.
    @Test func aRetiredAuthorityIsTrustedByNobodyWhoseFolderHasItStill() async throws {
        var shape = Fleet.Shape()
        shape.regions = ["us-east-1": ["use1-a"]]
        try await withFleet(shape) { fleet in
            let authority = fleet.stateFolder.appending(path: "authority")
            let aside = fleet.folder.appending(path: "second-step")
            try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: false)
            var formerPin = ""
            for step in ["prepare", "activate", "retire"] {
                if step == "activate" {
                    formerPin = try String(
                        contentsOf: fleet.stateFolder.appending(path: "ca-hash"), encoding: .utf8
                    ).trimmingCharacters(in: .whitespacesAndNewlines)
                }
                if step == "retire" {
                    for name in ["former.pem", "bridges.pem"] {
                        try FileManager.default.copyItem(
                            at: authority.appending(path: name), to: aside.appending(path: name))
                    }
                }
                let result = try await Programs.call(
                    "swell-coordinator",
                    ["authority", step, "--state-dir", fleet.stateFolder.path] + (step == "retire" ? ["--force"] : []))
                #expect(result.code == 0, "\(result.errors)")
                let word = step == "retire" ? "retired" : "\(step)d"
                try await eventually("it to be noted", within: .seconds(60)) { () -> Bool? in
                    let events = try await fleet.swell("events", "--since", "10m").output
                    return events.contains(" authority.\(word) ") ? true : nil
                }
            }
            func trusted() throws -> Int {
                try String(contentsOf: fleet.stateFolder.appending(path: "ca.pem"), encoding: .utf8)
                    .components(separatedBy: "BEGIN CERTIFICATE").count - 1
            }
            #expect(try trusted() == 1)
            for name in ["bridges.pem", "former.pem"] {
                try FileManager.default.copyItem(
                    at: aside.appending(path: name), to: authority.appending(path: name))
            }
            // One that runs, and one that is started with it.
            try await fleet.startCoordinator("b")
            #expect(try trusted() == 1, "started with it")
            for replica in ["a", "b"] {
                try await eventually("replica \(replica) to say so", within: .seconds(30)) { () -> Bool? in
                    let log = fleet.printed("coordinator-\(replica)")
                    return log.contains("was retired, and is not trusted") && log.contains(formerPin) ? true : nil
                }
            }
            #expect(try trusted() == 1)
            let doctor = try await fleet.swell("doctor")
            #expect(
                doctor.output.contains("retired authority") && doctor.output.contains(formerPin), "\(doctor.output)")
            try await fleet.awaitAgents(within: .seconds(60))
        }
    }

    /// Who changed keys is who the machine says runs the command; whom he names is what he says.
    @Test func whoIsNamedBySudoIsOnlySaidToBeThat() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-keys-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await Programs.call(
            "swell-coordinator", ["init", "--state-dir", folder.path, "--server-name", "localhost"])
        #expect(made.code == 0, "\(made.errors)")
        let prepared = try await Programs.call(
            "swell-coordinator", ["authority", "prepare", "--state-dir", folder.path],
            environment: ["SUDO_USER": "ann", "USER": "eve", "LOGNAME": "eve"])
        #expect(prepared.code == 0, "\(prepared.errors)")
        let note = try String(contentsOf: folder.appending(path: "authority/changed-by"), encoding: .utf8)
        let by = try #require(note.split(separator: "\n").first)
        #expect(by.hasPrefix(NSUserName() + "@") && by.hasSuffix(" (sudo by ann)"), "\(by)")
        let inPod = try await Programs.call(
            "swell-coordinator", ["secrets", "prepare", "--state-dir", folder.path],
            environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1"])
        #expect(inPod.code == 0, "\(inPod.errors)")
        let key = try String(contentsOf: folder.appending(path: "secrets-key.changed-by"), encoding: .utf8)
        let who = try #require(key.split(separator: "\n").first)
        #expect(who.hasPrefix(NSUserName() + "@") && who.contains(" (in a Pod"), "\(who)")
    }

    /// What cannot be noted of the one hides nothing of the other.
    @Test func anAuthorityIsNotedThoughTheKeysForSecretsCannotBe() async throws {
        var shape = Fleet.Shape()
        shape.regions = ["us-east-1": ["use1-a"]]
        try await withFleet(shape) { fleet in
            let connection = try await PostgresConnection.connect(to: PostgresConfiguration(fleet.databaseURL))
            _ = try await connection.query("DROP TABLE secret_keys")
            await connection.close()
            try await fleet.killCoordinator("a")
            try await fleet.startCoordinator("a")
            let result = try await Programs.call(
                "swell-coordinator", ["authority", "prepare", "--state-dir", fleet.stateFolder.path])
            #expect(result.code == 0, "\(result.errors)")
            try await eventually("it to be audited", within: .seconds(45)) { () -> Bool? in
                try await fleet.swell("events", "--since", "10m").output.contains(" authority.prepared ") ? true : nil
            }
            #expect(fleet.printed("coordinator-a").contains("keys for Secrets cannot be noted"))
        }
    }

    /// The agents' sessions at both replicas.
    private static func connections(_ fleet: Fleet) async throws -> Int {
        var count = 0
        for replica in ["a", "b"] { count += try await fleet.metric("swell_agent_sessions", replica: replica) }
        return count
    }

    /// HTTP/2: the preface, empty settings, and the headers of a call that are all literals.
    private static var renewalCall: [UInt8] {
        func literal(_ name: String, _ value: String) -> [UInt8] {
            [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
        }
        let headers =
            literal(":method", "POST") + literal(":scheme", "https")
            + literal(":path", "/swell.v1.Fleet/RenewCertificate") + literal(":authority", "localhost")
            + literal("te", "trailers") + literal("content-type", "application/grpc")
        func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
            [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
        }
        return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, []) + frame(1, 4, 1, headers)
            + frame(0, 1, 1, [0, 0, 0, 0, 0])
    }
}
