internal import Foundation
internal import SwellIdentity
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellCoordinator

/// Databases that were restored to a moment before a revocation or an enrolment, where replicas remember more and less of it.
@Suite(.timeLimit(.minutes(3))) struct RestoreTests {
    /// One replica has lost what it remembered, the other one has not.
    @Test func aReplicaThatRemembersMoreIsHeardByAllAndEndsNobodyWhoIsInOrder() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fixture = try await PortFixture { $0.rememberedEndsFile = folder + "/a" }
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("west-1")
            _ = try await fixture.agent("east-1")
            fixture.clock.skip(.hours(1))
            let backup = await fixture.store.snapshot
            let honest = try await fixture.agent("east-1")
            let late = try await fixture.dial(stolen) { try await fixture.renew(stolen, over: $0) }
            try await fixture.revoke("west-1")
            try await soon("it is written down") {
                (try? String(contentsOfFile: folder + "/a", encoding: .utf8))?.contains("\"number\":3") == true
            }
            fixture.clock.skip(.hours(1))

            let forgetful = try await PortFixture(beside: fixture, restored: backup) {
                $0.rememberedEndsFile = folder + "/b"
            }
            try await forgetful.serving { _ in
                let end = try await forgetful.store.now() + .hours(5)
                _ = try await forgetful.store.openReadmission(of: nil, until: end, by: "ann")
                try await forgetful.session(honest) { try await $0.isWelcomed() }
                let second = try await PortFixture(beside: forgetful) { $0.rememberedEndsFile = folder + "/a" }
                try await second.serving { _ in
                    try await soon("the floors are there again") {
                        await forgetful.store.snapshot.endedTrust(after: end - .hours(24)).floors.count == 2
                    }
                    try await second.session(honest) { try await $0.isWelcomed() }
                    try await forgetful.session(honest) { try await $0.isWelcomed() }
                    try await second.session(late) { try await $0.ends("permissionDenied") }
                    try await forgetful.session(late) { try await $0.ends("permissionDenied") }
                    try await forgetful.session(stolen) { try await $0.ends("permissionDenied") }
                    // Nor by a door that is opened once more.
                    _ = try await forgetful.store.openReadmission(of: nil, until: end, by: "ann")
                    try await forgetful.session(late) { session in
                        try await session.ends("permissionDenied")
                        let said = try #require(session.refusal.entries.first)
                        #expect(said.contains("swell cluster token west-1"), "\(said)")
                    }
                    try await forgetful.session(honest) { try await $0.isWelcomed() }
                }
                try await soon("the other remembers it by now") {
                    (try? String(contentsOfFile: folder + "/b", encoding: .utf8))?.contains("west-1") == true
                }
            }
        }
    }

    /// A revoked one polls while the database is swapped under running replicas, which is done twice.
    @Test func whoWasRevokedRenewsNothingAtAReplicaThatRemembersHowOftenItIsRestored() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/revoked.json"
        let fixture = try await PortFixture { $0.rememberedEndsFile = path }
        try await fixture.serving { _ in
            let stolen = try await fixture.agent("west-1")
            let backup = await fixture.store.snapshot
            fixture.clock.skip(.hours(1))
            try await fixture.revoke("west-1")
            try await soon("it is written down") {
                (try? String(contentsOfFile: path, encoding: .utf8))?.contains("\"number\":2") == true
            }
            fixture.clock.skip(.hours(1))
            // As between two looks: a replica that remembers, and does not end it again yet.
            let remembered = try RememberedEnds(path: path)
            let store = MemoryStore(state: backup, clock: fixture.now)
            let standing = try await store.standing(of: CertificateUse("west-1", serial: stolen.serial))
            #expect(standing.counts)
            #expect(
                remembered.floor(ending: CertificateUse("west-1", serial: stolen.serial), issuedAt: fixture.base) != nil
            )
            // In the meantime a replica without memory let it renew; what remembers ends it, and knows it ever after.
            let forgetful = try await PortFixture(beside: fixture, restored: backup)
            try await forgetful.serving { _ in
                let thiefs = try await forgetful.dial(stolen) { try await forgetful.renew(stolen, over: $0) }
                let second = try await PortFixture(beside: forgetful) { $0.rememberedEndsFile = path }
                try await second.serving { _ in
                    try await soon("it is ended, and written down") {
                        (try? String(contentsOfFile: path, encoding: .utf8))?.contains(thiefs.serial) == true
                    }
                }
                let again = try await PortFixture(beside: fixture, restored: backup) { $0.rememberedEndsFile = path }
                try await again.serving { _ in
                    try await soon("the floor is there") {
                        await again.store.snapshot.endedTrust(after: fixture.base - .hours(1)).floors.contains {
                            $0.cluster == "west-1" && $0.serial == nil
                        }
                    }
                    let end = try await again.store.now() + .hours(1)
                    _ = try await again.store.openReadmission(of: nil, until: end, by: "ann")
                    try await again.session(thiefs) { session in
                        try await session.ends("permissionDenied")
                        let said = try #require(session.refusal.entries.first)
                        #expect(said.contains("the database was restored"), "\(said)")
                    }
                }
            }
        }
    }

    /// The database's clock is a day ahead while one cluster joins, and is mended: nothing was restored.
    @Test func whoJoinedUnderAClockThatWasAheadIsLetInRenewalAfterRenewal() async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-ended-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fixture = try await PortFixture { $0.rememberedEndsFile = folder + "/a" }
        try await fixture.serving { _ in
            let former = try await fixture.agent("east-1")
            fixture.clock.setStore(ahead: .hours(24))
            var credential = try await fixture.agent("east-1")
            try await soon("it is remembered") {
                (try? String(contentsOfFile: folder + "/a", encoding: .utf8))?.contains(credential.serial) == true
            }
            fixture.clock.setStore(ahead: .zero)
            // One more joins anew, whose floor has to be later than that.
            for isNew in [false, false, true, false] {
                fixture.clock.skip(.hours(5))
                let last = credential
                credential =
                    if isNew { try await fixture.agent("east-1") } else {
                        try await fixture.dial(last) { try await fixture.renew(last, over: $0) }
                    }
                try await fixture.session(credential) { try await $0.isWelcomed() }
            }
            try await fixture.session(former) { try await $0.ends("permissionDenied") }
        }
    }

    /// Whoever joins in a restored store, by a clock that is right, joins after what was ended, though the clock was ahead as that was noted.
    @Test func aFloorOfTheFutureIsRememberedByWhenItWasTold() throws {
        let ended = try RememberedEnds(path: nil)
        let at = Timestamp(milliseconds: 1_800_000_000_000)
        let ahead = TrustFloor(cluster: "east-1", number: 4, at: at + .hours(1))
        for minutes in [0, 10] as [Int64] {
            let now = at + .minutes(minutes)
            try ended.add(EndedTrust(floors: [ahead], now: now))
            #expect(ended.all(now: now).floors.map(\.at) == [at], "told again, it is the same one")
        }
        let own = TrustFloor(cluster: "east-1", number: 2, at: at + .minutes(20), serial: "own")
        try ended.add(EndedTrust(floors: [own], now: own.at))
        #expect(ended.all(now: own.at).floors == [own])
    }

    @Test func aReplicaKnowsByTheMomentWhatAFloorEnded() throws {
        let ended = try RememberedEnds(path: nil)
        let at = Timestamp(milliseconds: 1_800_000_000_000)
        let floor = TrustFloor(cluster: "east-1", number: 4, at: at, serial: "own")
        try ended.add(
            EndedTrust(floors: [floor], certificates: [CertificateUse("east-1", serial: "named")], now: at))
        // At the door, and where the store lists it.
        for (serial, after, isKeptOut, isEnded) in [
            ("own", .zero - .minutes(5), false, false), ("any", .zero - .minutes(5), true, true),
            ("any", .zero - .seconds(30), true, false), ("any", .seconds(30), true, false),
            ("any", .minutes(2), false, false), ("named", .minutes(2), true, true),
        ] as [(String, Interval, Bool, Bool)] {
            let use = CertificateUse("east-1", serial: serial)
            #expect(ended.contains(use, issuedAt: at + after) == isKeptOut, "\(serial) \(after)")
            let knows = ended.isNamed(use) || ended.floor(ending: use, issuedAt: at + after) != nil
            #expect(knows == isEnded, "\(serial) \(after)")
            #expect(!ended.contains(CertificateUse("west-1", serial: serial), issuedAt: at + after))
        }
    }
}
