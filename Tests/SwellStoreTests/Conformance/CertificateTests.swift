internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// Join tokens and the list of certificates that count.
@Suite struct CertificateTests: AgentStory {
    @Test(arguments: StoreForm.allCases)
    func aTokenIsSpentOnce(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            #expect(try await store.spendToken(hash: "unknown", for: note("s0", store)) == nil)
            #expect(try await store.spendToken(hash: "h1", for: note("s1", store)) == "east-1")
            #expect(try await store.spendToken(hash: "h1", for: note("s2", store)) == nil)
            // The one that spent it may ask again, and is not noted as having joined twice.
            #expect(try await store.spendToken(hash: "h1", for: note("s1", store)) == "east-1")
            #expect(try await events("joined", store).map(\.to) == ["s1"])
            #expect(try await store.clusters().filter(\.isEnrolled).map(\.cluster.name) == ["east-1"])
            let past = try await store.now() - .seconds(1)
            try await store.createToken(hash: "h2", cluster: "east-2", expiresAt: past, by: "ann")
            #expect(try await store.spendToken(hash: "h2", for: note("s3", store)) == nil)
            await expect(.notFound) { () async throws(StoreError) in
                try await store.createToken(hash: "h4", cluster: "nowhere", expiresAt: later, by: "ann")
            }
            await expect(.conflict) { () async throws(StoreError) in
                try await store.createToken(hash: "h1", cluster: "east-1", expiresAt: later, by: "ann")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatWasReplacedAMomentAgoIsNoCopyYet(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func copies(_ serial: String) async throws -> [String?] {
                try await store.reportCopy(of: CertificateUse("east-1", serial: serial), reason: "a copy")
                return try await events("clone-suspected", store).map(\.to)
            }
            try await join("east-1", "s1", store)
            try await use("s1", "east-1", store)
            // One that counts, and speaks for another cluster, is told of at once.
            try await join("east-2", "o1", store)
            try await store.reportCopy(of: CertificateUse("east-2", serial: "o1"), reason: "another uid")
            #expect(try await events("clone-suspected", store).map(\.to) == ["o1"])
            _ = try await store.recordRenewal(note("s2", store), of: "east-1", replacing: "s1")
            try await use("s2", "east-1", store)
            #expect(try await copies("s1") == ["o1"])
            try await join("east-1", "s3", store)
            #expect(try await copies("s2") == ["o1"])
            // What was replaced before that only a copy shows.
            #expect(try await Set(copies("s1")) == ["o1", "s1"])
            #expect(try await copies("s1").count == 2)
        }
    }

    /// Since when nothing of an agent counts; not of one that has fallen behind, or never joined.
    @Test(arguments: StoreForm.allCases)
    func sinceWhenAnAgentIsRevokedIsKnown(form: StoreForm) async throws {
        try await form.run { store, skip in
            try await Fixtures.fill(store)
            func revoked() async throws -> [ClusterName: Timestamp] {
                let records = try await store.clusters().map { ($0.cluster.name, $0.revokedAt) }
                return Dictionary(uniqueKeysWithValues: records).compactMapValues(\.self)
            }
            func revoke(_ cluster: ClusterName, _ serial: String? = nil) async throws -> Timestamp {
                _ = try await store.revokeCertificates(of: cluster, serial: serial, reason: nil, by: "ann")
                return try await store.now()
            }
            func isNear(_ moment: Timestamp?, _ other: Timestamp) -> Bool {
                moment.map { max($0, other) - min($0, other) < .seconds(30) } == true
            }
            for cluster in ["east-1", "east-2"] as [ClusterName] { try await join(cluster, "\(cluster)-1", store) }
            try await use("east-1-1", "east-1", store)
            _ = try await store.recordRenewal(note("renewed", store), of: "east-1", replacing: "east-1-1")
            try await use("renewed", "east-1", store)
            #expect(try await revoked() == [:])
            // One that was superseded by a renewal ends nothing; the one that counts, all.
            _ = try await revoke("east-2", "east-2-1")
            let first = try await revoke("east-1", "renewed")
            let known = try await revoked()
            #expect(Set(known.keys) == ["east-1", "east-2"] && isNear(known["east-1"], first))
            try await skip(.minutes(10))
            try await join("east-1", "again", store)
            #expect(try await Set(revoked().keys) == ["east-2"])
            let second = try await revoke("east-1")
            #expect(try await isNear(revoked()["east-1"], second))
            // Forgotten a week past its end; that it was revoked is not.
            try await skip(.hours(9 * 24))
            _ = try await store.maintain(Retention())
            let certificates = try await store.certificates(of: "east-1")
            let since = try await revoked()["east-1"]
            #expect(certificates.isEmpty && isNear(since, second), "\(since.map { "\($0)" } ?? "none")")
            try await join("east-1", "last", store)
            #expect(try await revoked()["east-1"] == nil)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whoIsInTheWrongPlaceASecondTimeIsToldOfAgain(form: StoreForm) async throws {
        try await form.run { store, skip in
            try await Fixtures.fill(store)
            func report(_ serial: String) async throws -> Int {
                try await store.reportCopy(of: CertificateUse("east-1", serial: serial), reason: "another uid")
                return try await events("clone-suspected", store).count
            }
            try await join("east-1", "s1", store)
            #expect(try await report("s1") == 1)
            #expect(try await report("s1") == 1)
            // Beside the true one he is told of once an hour, however often he comes in between.
            try await skip(.seconds(5))
            for _ in 0..<3 {
                try await store.touch(["east-1": .zero])
                #expect(try await report("s1") == 1)
                try await skip(.minutes(15))
            }
            // And not at all where the true one has not come since.
            try await skip(.minutes(16))
            #expect(try await report("s1") == 2, "connected since, an hour ago")
            try await skip(.minutes(61))
            #expect(try await report("s1") == 2, "not connected since")
            try await store.touch(["east-1": .zero])
            #expect(try await report("s1") == 3)
            // Who counts no more is a copy for good, however well the true one is.
            try await join("east-1", "s2", store)
            try await skip(.minutes(61))
            try await store.touch(["east-1": .zero])
            #expect(try await report("s1") == 3)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aTextOfAnAuditRowIsBounded(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            _ = try await store.revokeCertificates(
                of: "east-1", serial: nil, reason: String(repeating: "é", count: 50_000), by: "ann")
            let reason = try #require(try await events("revoked", store).last?.reason)
            #expect(reason.utf8.count <= 16_400 && reason.hasSuffix("…"), "\(reason.utf8.count)")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aTokenIsListedAndTakenBackUnlessItWasSpent(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            let hash = "0123456789abcdef"
            try await store.createToken(hash: hash, cluster: "east-1", expiresAt: later, by: "ann")
            let listed = try #require(try await store.tokens().first)
            #expect(listed.id == "0123456789ab" && listed.cluster == "east-1" && listed.createdBy == "ann")
            #expect(listed.spentFor == nil)
            try await store.revokeToken(listed.id, by: "bob")
            #expect(try await store.tokens().isEmpty)
            #expect(try await store.spendToken(hash: hash, for: note("s1", store)) == nil)
            #expect(try await events("token-revoked", store).map(\.by) == ["bob"])
            await expect(.notFound) { () async throws(StoreError) in try await store.revokeToken(listed.id, by: "bob") }
            try await join("east-1", "s2", store)
            await expect(.refused) { () async throws(StoreError) in
                try await store.revokeToken("hash-of-s2", by: "bob")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func onlyWhatIsListedCountsAndForItsClusterAlone(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            #expect(try await standing("s1", "east-1", store) == .counts(isUsed: false))
            #expect(try await standing("s1", "east-2", store) == .unknown)
            #expect(try await standing("s9", "east-1", store) == .unknown)
            #expect(try await standing("s1", "nowhere", store) == .notInFleet)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anEnrolmentEndsWhatWasBefore(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            try await join("east-1", "s2", store)
            #expect(try await standing("s1", "east-1", store) == .superseded)
            #expect(try await standing("s2", "east-1", store) == .counts(isUsed: false))
            // Nor does the token that s1 was got with bring it back.
            #expect(try await store.spendToken(hash: "hash-of-s1", for: note("s1", store)) == nil)
            let reason = try await events("joined", store).last?.reason
            #expect(reason == "certificate number 2; 1 earlier one ended")
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRenewalTakesThePlaceOfTheFormerWhenItIsUsed(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            try await use("s1", "east-1", store)
            // The answer was lost, so the former one counts, and may ask again; what was lost does not count any more.
            let first = try await store.recordRenewal(note("s2", store), of: "east-1", replacing: "s1")
            #expect(first == .counts(isUsed: true))
            #expect(try await standing("s1", "east-1", store).counts)
            _ = try await store.recordRenewal(note("s3", store), of: "east-1", replacing: "s1")
            let lost = try await standing("s2", "east-1", store)
            guard case .revoked = lost else {
                Issue.record("\(lost)")
                return
            }
            try await use("s3", "east-1", store)
            #expect(try await standing("s3", "east-1", store) == .counts(isUsed: true))
            // A copy of the former key shows by its number.
            #expect(try await standing("s1", "east-1", store) == .superseded)
            let stolen = try await store.recordRenewal(note("s4", store), of: "east-1", replacing: "s1")
            #expect(stolen == .superseded)
            #expect(try await standing("s4", "east-1", store) == .unknown)
            #expect(try await events("renewed", store).map(\.to) == ["s2", "s3"])
            #expect(try await events("renewed", store).last?.by == "east-1")
            let listed = try await store.certificates(of: "east-1")
            #expect(listed.map(\.serial) == ["s3", "s2", "s1"])
            #expect(listed.map(\.number) == [3, 2, 1])
            #expect(listed.map(\.counts) == [true, false, false])
            #expect(listed[0].former == "s1" && listed[0].keyFingerprint == "sha256:s3" && listed[0].usedAt != nil)
            let other = try await store.recordRenewal(note("s5", store), of: "east-2", replacing: "s3")
            #expect(other == .unknown)
            await expect(.conflict) { () async throws(StoreError) in
                let note = CertificateNote(serial: "s3", keyFingerprint: "", expiresAt: try await store.now())
                _ = try await store.recordRenewal(note, of: "east-1", replacing: "s3")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRevocationEndsAllOrOneWithWhatWasRenewedWithIt(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            try await use("s1", "east-1", store)
            _ = try await store.recordRenewal(note("s2", store), of: "east-1", replacing: "s1")
            try await join("east-2", "t1", store)
            let one = try await store.revokeCertificates(of: "east-1", serial: "s1", reason: "lost", by: "ann")
            #expect(one == Revocation(serials: ["s1", "s2"]))
            #expect(try await !standing("s2", "east-1", store).counts)
            #expect(try await standing("t1", "east-2", store).counts)
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.revokeCertificates(of: "east-1", serial: "t1", reason: nil, by: "ann")
            }
            await expect(.notFound) { () async throws(StoreError) in
                _ = try await store.revokeCertificates(of: "nowhere", serial: nil, reason: nil, by: "ann")
            }
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "h2", cluster: "east-2", expiresAt: later, by: "ann")
            let all = try await store.revokeCertificates(of: "east-2", serial: nil, reason: nil, by: "ann")
            #expect(all == Revocation(serials: ["t1"], tokens: 1))
            #expect(try await store.spendToken(hash: "h2", for: note("t2", store)) == nil)
            #expect(try await store.spendToken(hash: "hash-of-t1", for: note("t1", store)) == nil)
            let refused = try await store.recordRenewal(note("t3", store), of: "east-2", replacing: "t1")
            guard case .revoked = refused else {
                Issue.record("\(refused)")
                return
            }
            #expect(
                try await events("revoked", store).map(\.reason) == [
                    "2 certificates, 0 tokens: lost", "1 certificate, 1 token",
                ])
            try await join("east-2", "t4", store)
            #expect(try await standing("t4", "east-2", store).counts)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whoLeftTheFleetDoesNotComeBackWithWhatItHad(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let cluster = try #require(try await store.clusters().first { $0.cluster.name == "east-1" }?.cluster)
            try await join("east-1", "s1", store)
            let later = try await store.now() + .hours(1)
            try await store.createToken(hash: "before", cluster: "east-1", expiresAt: later, by: "ann")
            try await store.removeCluster("east-1", by: "ann")
            #expect(try await standing("s1", "east-1", store) == .notInFleet)
            #expect(try await store.spendToken(hash: "before", for: note("s2", store)) == nil)
            _ = try await store.apply(FleetDocuments(clusters: [cluster]), by: "git")
            guard case .revoked = try await standing("s1", "east-1", store) else {
                Issue.record("it came back")
                return
            }
            #expect(try await store.spendToken(hash: "before", for: note("s2", store)) == nil)
            try await join("east-1", "s3", store)
            #expect(try await standing("s3", "east-1", store).counts)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func tellsWhatWasEndedBeforeItsTime(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let begin = try await store.now() - .seconds(1)
            // A renewal ends what was before it, and is nobody's word against it.
            try await join("east-1", "s1", store)
            _ = try await store.recordRenewal(note("s2", store), of: "east-1", replacing: "s1")
            _ = try await store.recordRenewal(note("s3", store), of: "east-1", replacing: "s1")
            try await use("s3", "east-1", store)
            #expect(try await store.endedTrust(after: begin).floors.map(\.number) == [1])
            #expect(try await store.endedTrust(after: begin).certificates == [])

            try await join("east-1", "s4", store)
            try await join("east-2", "e1", store)
            _ = try await store.revokeCertificates(of: "east-1", serial: "s4", reason: nil, by: "ann")
            _ = try await store.revokeCertificates(of: "east-2", serial: nil, reason: nil, by: "ann")
            let ended = try await store.endedTrust(after: begin)
            #expect(ended.floors.map(\.cluster) == ["east-1", "east-2"] && ended.floors.map(\.number) == [4, 2])
            #expect(ended.certificates == [CertificateUse("east-1", serial: "s4")])
            let later = try await store.endedTrust(after: ended.now + .hours(1))
            #expect(later.floors.isEmpty && later.certificates.isEmpty)
            // What is known is not ended twice.
            #expect(try await store.endAgain(ended) == [])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatWasEndedIsEndedAgainInAStoreOfBefore(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let later = try await store.now() + .hours(1)
            try await join("east-1", "s1", store)
            try await store.createToken(hash: "before", cluster: "east-1", expiresAt: later, by: "ann")
            try await join("east-2", "e1", store)
            try await join("west-1", "w1", store)
            let moment = try await store.now() + .seconds(1)
            let ended = EndedTrust(
                floors: [TrustFloor(cluster: "east-1", number: 2, at: moment)],
                certificates: [CertificateUse("east-2", serial: "e1"), CertificateUse("west-1", serial: "e1")],
                now: moment)
            // Renewed meanwhile by who came back with it.
            _ = try await store.recordRenewal(note("s2", store), of: "east-1", replacing: "s1")
            #expect(try await store.endAgain(ended) == ["east-1", "east-2"])
            for (serial, cluster) in [("s1", "east-1"), ("s2", "east-1"), ("e1", "east-2")] {
                guard case .revoked = try await standing(serial, ClusterName(cluster), store) else {
                    Issue.record("\(serial) counts")
                    return
                }
            }
            #expect(try await standing("w1", "west-1", store).counts)
            #expect(try await store.spendToken(hash: "before", for: note("s3", store)) == nil)
            #expect(try await events("revoked", store).count == 2)
            #expect(try await store.endAgain(ended) == [])
            // Whoever joins now stays, however often it is said again.
            try await join("east-1", "s4", store)
            #expect(try await store.endAgain(ended) == [])
            #expect(try await standing("s4", "east-1", store).counts)
            // Also to one who remembers less than the store knows.
            _ = try await store.recordRenewal(note("s5", store), of: "east-1", replacing: "s4")
            let older = EndedTrust(
                floors: [TrustFloor(cluster: "east-1", number: 9, at: moment - .hours(1))], now: moment)
            #expect(try await store.endAgain(older) == [])
            #expect(try await standing("s5", "east-1", store).counts)
            // What was renewed with one that was ended by name goes with it.
            _ = try await store.recordRenewal(note("w2", store), of: "west-1", replacing: "w1")
            let single = EndedTrust(certificates: [CertificateUse("west-1", serial: "w1")], now: moment)
            #expect(try await store.endAgain(single) == ["west-1"])
            guard case .revoked = try await standing("w2", "west-1", store) else {
                Issue.record("w2 counts")
                return
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func anotherClusterUnderTheNameShowsUntilAnEnrolment(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            #expect(try await store.noteClusterUID("u1", of: "east-1") == .isNoted)
            #expect(try await store.noteClusterUID("u1", of: "east-1") == .isNoted)
            #expect(try await store.noteClusterUID("u2", of: "east-1") == .isAnother("u1"))
            // A revocation gives it to nobody else.
            _ = try await store.revokeCertificates(of: "east-1", serial: nil, reason: nil, by: "ann")
            #expect(try await store.noteClusterUID("u1", of: "east-2") == .isOf("east-1"))
            try await join("east-1", "s2", store)
            #expect(try await store.noteClusterUID("u2", of: "east-1") == .isNoted)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func oneClusterHasOneNameWhoeverComesFirst(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for round in 0..<8 {
                try await join("east-1", "a\(round)", store)
                try await join("east-2", "b\(round)", store)
                async let first = store.noteClusterUID("u\(round)", of: "east-1")
                async let second = store.noteClusterUID("u\(round)", of: "east-2")
                let notes = try await [first, second]
                #expect(
                    notes == [.isNoted, .isOf("east-1")] || notes == [.isOf("east-2"), .isNoted], "\(notes)")
            }
            // Agents that keep to namespaces may share one.
            try await join("east-1", "c", store)
            try await join("east-2", "d", store)
            #expect(try await store.noteClusterUID("shop/u", of: "east-1") == .isNoted)
            #expect(try await store.noteClusterUID("shop/u", of: "east-2") == .isNoted)
            try await join("east-1", "e", store)
            try await join("east-2", "f", store)
            #expect(try await store.noteClusterUID("v", of: "east-1") == .isNoted)
            #expect(try await store.noteClusterUID("v", of: "east-2") == .isOf("east-1"))
            // Who was cut off keeps it, lest somebody who was refused gets in there; who left does not.
            _ = try await store.revokeCertificates(of: "east-1", serial: nil, reason: nil, by: "ann")
            #expect(try await store.noteClusterUID("v", of: "east-2") == .isOf("east-1"))
            let east = try #require(try await store.clusters().first { $0.cluster.name == "east-1" }?.cluster)
            try await store.removeCluster("east-1", by: "ann")
            #expect(try await store.noteClusterUID("v", of: "east-2") == .isNoted)
            // Nor does the name bring it back.
            _ = try await store.apply(FleetDocuments(clusters: [east]), by: "git")
            try await join("east-2", "g", store)
            #expect(try await store.noteClusterUID("v", of: "east-2") == .isNoted)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aRenewalAndARevocationAtTheSameTimeLeaveNothingThatCounts(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            for round in 0..<12 {
                try await join("east-1", "f\(round)", store)
                let renewed = try await note("r\(round)", store)
                let joined = try await note("j\(round)", store)
                let later = try await store.now() + .hours(1)
                try await store.createToken(hash: "race-\(round)", cluster: "east-1", expiresAt: later, by: "ann")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        _ = try await store.recordRenewal(renewed, of: "east-1", replacing: "f\(round)")
                    }
                    group.addTask { _ = try await store.spendToken(hash: "race-\(round)", for: joined) }
                    group.addTask {
                        _ = try await store.revokeCertificates(of: "east-1", serial: nil, reason: nil, by: "ann")
                    }
                    try await group.waitForAll()
                }
                let standing = try await store.certificates(of: "east-1").filter(\.counts).map(\.serial)
                #expect(standing.isEmpty, "round \(round): \(standing) still count")
            }
        }
    }

    @Test(arguments: StoreForm.allCases)
    func whatExpiredLongAgoIsForgotten(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("east-1", "s1", store)
            let now = try await store.now()
            let old = CertificateNote(serial: "s2", keyFingerprint: "", expiresAt: now - .hours(24 * 8))
            _ = try await store.recordRenewal(old, of: "east-1", replacing: "s1")
            let expired = CertificateNote(serial: "s3", keyFingerprint: "", expiresAt: now - .hours(24))
            _ = try await store.recordRenewal(expired, of: "east-1", replacing: "s1")
            try await store.createToken(hash: "old", cluster: "east-1", expiresAt: now - .hours(24 * 8), by: "ann")
            let outcome = try await store.maintain(Retention())
            #expect(outcome.certificates == 1 && outcome.tokens == 1)
            #expect(try await store.certificates(of: "east-1").map(\.serial) == ["s3", "s1"])
            #expect(try await store.tokens().map(\.cluster) == ["east-1"])
        }
    }
}
