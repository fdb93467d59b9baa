internal import AsyncSupport
internal import Crypto
internal import Foundation
internal import GRPCCore
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Certificates that do not count any more, over real sockets and at two replicas.
@Suite(.timeLimit(.minutes(3))) struct RevocationTests {
    private func events(_ what: String, _ fixture: PortFixture) async throws -> [AuditEvent] {
        try await fixture.store.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what == "cluster.\(what)" }
    }

    @Test func aRevocationClosesTheConnectionAtEveryReplicaWithinASecond() async throws {
        // Without a signal nobody looks for a minute: what is measured is the signal's way.
        let pace: (inout AgentPort.Settings) -> Void = {
            $0.paces.checks = .minutes(1)
            $0.paces.cut = AgentPort.Paces().cut
        }
        let first = try await PortFixture(pace)
        let second = try await PortFixture(beside: first, pace)
        try await first.serving { _ in
            try await second.serving { _ in
                let credential = try await first.agent("east-1")
                let honest = try await first.agent("west-1")
                try await first.session(honest) { other in
                    try await other.isWelcomed()
                    try await first.session(credential) { here in
                        try await here.isWelcomed()
                        try await second.session(credential) { there in
                            try await there.isWelcomed()
                            #expect(first.port.fleetConnections == 2)
                            let clock = ContinuousClock()
                            let start = clock.now
                            try await first.revoke("east-1")
                            // As a NOTIFY does at every replica.
                            first.trustChanged.send()
                            second.trustChanged.send()
                            try await soon("both connections are closed") {
                                first.port.fleetConnections == 1 && second.port.fleetConnections == 0
                            }
                            let took = clock.now - start
                            // A second where the machine does nothing else.
                            #expect(took < .seconds(5), "\(took)")
                            print("revocation: connections closed at two replicas after \(took)")
                            try await soon("both agents see it") {
                                !here.ended.entries.isEmpty && !there.ended.entries.isEmpty
                            }
                        }
                    }
                    #expect(other.ended.entries.isEmpty)
                }
                try await first.session(credential) { session in
                    try await session.ends("permissionDenied")
                    let said = try #require(session.refusal.entries.first)
                    #expect(said.contains("was revoked at") && said.contains("swell cluster token east-1"), "\(said)")
                }
            }
        }
    }

    @Test func whoDoesNotReadIsCutOffAllTheSame() async throws {
        let fixture = try await PortFixture { $0.paces.checks = .minutes(1) }
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            // A connection without a session: a call was made, and it stays open.
            try await fixture.dial(credential) { fleet in
                _ = try await fixture.renew(credential, over: fleet)
                try await soon("it is there") { fixture.port.fleetConnections == 1 }
                try await fixture.revoke("east-1")
                fixture.trustChanged.send()
                try await soon("it is closed") { fixture.port.fleetConnections == 0 }
            }
        }
    }

    @Test func aStolenKeyWithAnOldNumberShowsAndIsRefused() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("east-1")
            try await fixture.session(stolen) { try await $0.isWelcomed() }
            let renewed = try await fixture.dial(stolen) { try await fixture.renew(stolen, over: $0) }
            // The answer may have been lost: until it is used, the former one counts.
            try await fixture.session(stolen) { try await $0.isWelcomed() }
            try await fixture.session(renewed) { session in
                try await session.isWelcomed()
                // Later than any call of the former could still be under way.
                fixture.clock.skip(.seconds(31))
                try await fixture.session(stolen) { thief in
                    try await thief.ends("permissionDenied")
                    let said = try #require(thief.refusal.entries.first)
                    #expect(said.contains("a copy of an agent's state, or a stolen key"), "\(said)")
                }
                let error = await #expect(throws: RPCError.self) {
                    try await fixture.dial(stolen) { try await fixture.renew(stolen, over: $0) }
                }
                #expect(error?.code == .permissionDenied)
                #expect(session.ended.entries.isEmpty, "the honest one suffers")
            }
            // Told once, however often it comes.
            let suspected = try await events("clone-suspected", fixture)
            #expect(suspected.map(\.to) == [stolen.serial] && suspected.map(\.cluster) == ["east-1"])
            #expect(try await events("renewed", fixture).map(\.to) == [renewed.serial])
        }
    }

    @Test func whatWasReplacedAMomentAgoIsNoCopyYet() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            // Renewed, and a call of the former comes late; enrolled again, and the former agent still runs.
            let first = try await fixture.agent("east-1")
            try await fixture.session(first) { try await $0.isWelcomed() }
            let second = try await fixture.dial(first) { try await fixture.renew(first, over: $0) }
            try await fixture.session(second) { try await $0.isWelcomed() }
            try await fixture.session(first) { try await $0.ends("permissionDenied") }
            #expect(try await events("clone-suspected", fixture).isEmpty)
            let third = try await fixture.agent("east-1")
            try await fixture.session(second) { try await $0.ends("permissionDenied") }
            #expect(try await events("clone-suspected", fixture).isEmpty)
            // One that was replaced before is what only a copy shows, at any time.
            try await fixture.session(first) { try await $0.ends("permissionDenied") }
            #expect(try await events("clone-suspected", fixture).map(\.to) == [first.serial])
            // And who goes on with the former shows itself later.
            fixture.clock.skip(.seconds(31))
            try await fixture.session(second) { try await $0.ends("permissionDenied") }
            #expect(try await events("clone-suspected", fixture).count == 2)
            try await fixture.session(third) { try await $0.isWelcomed() }
        }
    }

    /// Whoever has an authority's key signs what he likes, with a serial number that is listed. Who is listed has a key of his own.
    @Test func aSerialNumberThatIsListedLetsNoOtherKeyIn() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let owned = try await fixture.agent("east-1")
            let key = P256.Signing.PrivateKey()
            let issued = try fixture.authority.issueAgentCertificate(
                cluster: "east-1", for: SigningRequest(key: key), serial: owned.serial, now: fixture.now())
            let forged = try Credential(chain: issued.chain, key: key)
            #expect(forged.serial == owned.serial)
            for _ in 0..<2 {
                try await fixture.session(forged) { session in
                    try await session.ends("permissionDenied")
                    let said = try #require(session.refusal.entries.first)
                    #expect(said.contains("another key"), "\(said)")
                }
            }
            await #expect(throws: RPCError.self) {
                try await fixture.dial(forged) { try await fixture.renew(forged, over: $0) }
            }
            let told = try await events("clone-suspected", fixture)
            #expect(told.map(\.cluster) == ["east-1"] && told.first?.reason?.contains("another key") == true)
            try await fixture.session(owned) { try await $0.isWelcomed() }
        }
    }

    @Test func aThiefWhoRenewedFirstThrowsTheOwnerOutWhoSaysSo() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let owned = try await fixture.agent("east-1")
            try await fixture.session(owned) { session in
                try await session.isWelcomed()
                let thiefs = try await fixture.dial(owned) { try await fixture.renew(owned, over: $0) }
                try await fixture.session(thiefs) { thief in
                    try await thief.isWelcomed()
                    try await session.ends("ok")
                    fixture.clock.skip(.seconds(31))
                    try await fixture.session(owned) { try await $0.ends("permissionDenied") }
                }
            }
            #expect(try await events("clone-suspected", fixture).count == 1)
            // What an operator then does: the owner joins again, and the thief is out.
            let again = try await fixture.agent("east-1")
            try await fixture.session(again) { try await $0.isWelcomed() }
            let standing = try await fixture.store.certificates(of: "east-1").filter(\.counts).map(\.serial)
            #expect(standing == [again.serial])
        }
    }

    @Test func anotherClusterUnderTheSameNameTakesAnOperatorsWord() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.session(credential, first: PortFixture.hello(uid: "u1")) { try await $0.isWelcomed() }
            try await fixture.session(credential, first: PortFixture.hello(uid: "u2")) { session in
                try await session.ends("permissionDenied")
                let said = try #require(session.refusal.entries.first)
                #expect(said.contains("its kube-system has uid u2, not u1"), "\(said)")
            }
            // One that cannot tell is believed.
            try await fixture.session(credential, first: PortFixture.hello(uid: "unknown")) {
                try await $0.isWelcomed()
            }
            let rebuilt = try await fixture.agent("east-1")
            try await fixture.session(rebuilt, first: PortFixture.hello(uid: "u2")) { try await $0.isWelcomed() }
        }
    }

    @Test func anEnrolmentBeforeAnotherClusterEndsNothing() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let east = try await fixture.agent("east-1")
            let west = try await fixture.agent("west-1")
            try await fixture.session(east, first: PortFixture.hello(uid: "u1")) { try await $0.isWelcomed() }
            try await fixture.session(west, first: PortFixture.hello(uid: "u2")) { session in
                try await session.isWelcomed()
                // A second agent of west-1, with the kubeconfig of east-1 and a new token.
                let token = try await fixture.token(for: "west-1")
                let error = await #expect(throws: RPCError.self) {
                    _ = try await fixture.enrol(token.text, as: "west-1", uid: "u1")
                }
                #expect(error.map(WireRefusal.isOtherCluster) == true, "\(error as Any)")
                #expect(error?.message.contains("The token is not spent") == true)
                #expect(session.ended.entries.isEmpty)
                #expect(try await fixture.store.standing(of: CertificateUse("west-1", serial: west.serial)).counts)
                // With its own, or where that cannot be told, it joins by the same token.
                _ = try await fixture.enrol(token.text, as: "west-1", uid: "u2")
            }
        }
    }

    @Test func oneClusterDoesNotComeUnderTwoNames() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let first = try await fixture.agent("east-1")
            let second = try await fixture.agent("west-1")
            try await fixture.session(first, first: PortFixture.hello(uid: "u1")) { try await $0.isWelcomed() }
            try await fixture.session(second, first: PortFixture.hello(uid: "u1")) { session in
                try await session.ends("permissionDenied")
                let said = try #require(session.refusal.entries.first)
                #expect(
                    said.contains("cluster 'west-1' is the cluster 'east-1': both have kube-system uid u1"), "\(said)")
            }
            let told = try await events("clone-suspected", fixture)
            #expect(told.map(\.cluster) == ["west-1"])
            #expect(told.first?.reason?.contains("'east-1'") == true)
            // Agents that keep to namespaces share a cluster.
            try await fixture.session(first, first: PortFixture.hello(uid: "a/u2")) { try await $0.isWelcomed() }
            try await fixture.session(second, first: PortFixture.hello(uid: "a/u2")) { try await $0.isWelcomed() }
            // One that has left the fleet is in nobody's way.
            try await fixture.store.removeCluster("east-1", by: "ann")
            let third = try await fixture.agent("west-1")
            try await fixture.session(third, first: PortFixture.hello(uid: "u1")) { try await $0.isWelcomed() }
        }
    }

    @Test func removedAndAppliedAgainNeitherCertificateNorTokenCounts() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            let credential = try await fixture.agent("west-1")
            let token = try await fixture.token(for: "west-1")
            try await fixture.store.removeCluster("west-1", by: "ann")
            _ = try await fixture.store.apply(FleetDocuments(clusters: SmallFleet.clusters), by: "git")
            try await fixture.session(credential) { try await $0.ends("permissionDenied") }
            await #expect(throws: RPCError.self) { try await fixture.enrol(token.text, as: "west-1") }
            try await fixture.session(fixture.agent("west-1")) { try await $0.isWelcomed() }
        }
    }

    @Test func whatARestoredDatabaseDoesNotKnowStaysOutUntilTheDoorIsOpened() async throws {
        let fixture = try await PortFixture()
        try await fixture.serving { _ in
            // Signed by the authority, and not in the list: as after a restore.
            let unknown = try FleetPortFixture().agent("east-1", of: fixture.authority)
            try await fixture.session(unknown) { session in
                try await session.ends("permissionDenied")
                let said = try #require(session.refusal.entries.first)
                #expect(said.contains("restored") && said.contains("swell cluster readmit east-1"), "\(said)")
            }
            let end = try await fixture.store.now() + .hours(1)
            _ = try await fixture.store.openReadmission(of: ["east-1"], until: end, by: "ann")
            try await fixture.session(unknown) { try await $0.isWelcomed() }
            // One, and no more; and nobody else's.
            let other = try FleetPortFixture().agent("east-1", of: fixture.authority)
            try await fixture.session(other) { try await $0.ends("permissionDenied") }
            let west = try FleetPortFixture().agent("west-1", of: fixture.authority)
            try await fixture.session(west) { try await $0.ends("permissionDenied") }
            try await fixture.session(unknown) { try await $0.isWelcomed() }
        }
    }

    @Test func whatWasEndedStaysEndedInADatabaseThatWasRestoredToAMomentBefore() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/revoked.json"
        let fixture = try await PortFixture { $0.rememberedEndsFile = path }
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("east-1")
            let honest = try await fixture.agent("west-1")
            let backup = await fixture.store.snapshot
            // Longer than clocks may be apart.
            fixture.clock.skip(.minutes(2))
            let late = try await fixture.agent("east-1")
            try await fixture.revoke("east-1")
            try await soon("it is written down") {
                (try? String(contentsOfFile: path, encoding: .utf8))?.contains("\"number\":3") == true
            }

            let restored = try await PortFixture(beside: fixture, restored: backup) { $0.rememberedEndsFile = path }
            try await restored.serving { _ in
                let end = try await restored.store.now() + .hours(1)
                _ = try await restored.store.openReadmission(of: ["east-1"], until: end, by: "ann")
                // At the first look.
                try await soon("it is ended again") {
                    let all = try? await restored.store.certificates(of: "east-1")
                    return all?.contains(where: \.counts) == false
                }
                try await restored.session(stolen) { try await $0.ends("permissionDenied") }
                try await restored.session(late) { session in
                    try await session.ends("permissionDenied")
                    let said = try #require(session.refusal.entries.first)
                    #expect(said.contains("the database was restored"), "\(said)")
                }
                try await restored.session(honest) { try await $0.isWelcomed() }
            }
            // Without what the replicas remember, both would come in: the test has something to hold.
            let forgetful = try await PortFixture(beside: fixture, restored: backup)
            try await forgetful.serving { _ in
                let end = try await forgetful.store.now() + .hours(1)
                _ = try await forgetful.store.openReadmission(of: ["east-1"], until: end, by: "ann")
                try await forgetful.session(stolen) { try await $0.isWelcomed() }
                try await forgetful.session(late) { try await $0.isWelcomed() }
            }
        }
    }

    @Test func whatWasEndedIsRememberedForTwoDaysAndWithinItsBoundsAndCanBeReadBack() throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let remembered = try RememberedEnds(path: path)
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        let floors = try (0...RememberedEnds.floorLimit).map { number in
            let name = String(repeating: "c", count: 50) + "-\(number)"
            return TrustFloor(
                cluster: try ClusterName(name), number: 1, at: now + .milliseconds(Int64(number)))
        }
        let serials = (0..<RememberedEnds.certificateLimit).map {
            CertificateUse(floors[0].cluster, serial: String(repeating: "f", count: 40) + "\($0)")
        }
        try remembered.add(EndedTrust(floors: floors, certificates: serials, now: floors[floors.count - 1].at))
        let again = try RememberedEnds(path: path).all(now: now)
        #expect(again.floors.count == RememberedEnds.floorLimit && again.certificates.count == serials.count)
        #expect(!again.floors.contains { $0.cluster == floors[0].cluster }, "the oldest goes")

        let last = floors[floors.count - 1]
        let use = CertificateUse(last.cluster, serial: "any")
        #expect(remembered.contains(use, issuedAt: last.at))
        #expect(remembered.contains(use, issuedAt: last.at + .seconds(30)), "clocks differ")
        #expect(!remembered.contains(use, issuedAt: last.at + .minutes(2)))
        #expect(remembered.isNamed(serials[0]))
        #expect(!remembered.isNamed(use) && remembered.floor(ending: use, issuedAt: last.at) == nil)
        #expect(remembered.contains(serials[0], issuedAt: last.at + .hours(1)))
        try remembered.add(EndedTrust(now: last.at + RememberedEnds.lifetime))
        #expect(remembered.all(now: now).floors.isEmpty)
    }

    @Test func whatCouldNotBeWrittenDownIsWrittenTheNextTime() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let remembered = try RememberedEnds(path: folder + "/revoked.json")
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        let ended = EndedTrust(floors: [TrustFloor(cluster: "east-1", number: 3, at: now)], now: now)
        #expect(throws: IdentityError.self) { try remembered.add(ended) }
        #expect(throws: IdentityError.self) { try remembered.add(EndedTrust(now: now)) }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try remembered.add(EndedTrust(now: now))
        #expect(try RememberedEnds(path: folder + "/revoked.json").all(now: now).floors == ended.floors)
    }

    @Test func aRecordOfWhatWasEndedThatCannotBeReadIsNoEmptyOne() throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = FileManager.default.createFile(
            atPath: path, contents: Data("{\"floors\":".utf8), attributes: [.posixPermissions: 0o600])
        let error = #expect(throws: IdentityError.self) { try RememberedEnds(path: path) }
        #expect(error?.message.contains(path) == true)
    }

    @Test func aCertificateThatExpiredOnAnOpenConnectionMakesNoCall() async throws {
        let fixture = try await PortFixture {
            $0.certificateLifetime = .hours(1)
            $0.paces.checks = .minutes(1)
        }
        try await fixture.serving { _ in
            let credential = try await fixture.agent("east-1")
            try await fixture.dial(credential) { fleet in
                _ = try await fixture.renew(credential, over: fleet)
                fixture.clock.skip(.minutes(61))
                let error = await #expect(throws: RPCError.self) { try await fixture.renew(credential, over: fleet) }
                #expect(error?.code == .permissionDenied && error?.message.contains("it has expired") == true)
            }
        }
    }
}
