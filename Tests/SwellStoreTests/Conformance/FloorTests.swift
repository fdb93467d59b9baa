internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// Floors that a replica remembers, in a store that was restored to a moment before: the table of `TrustFloor`.
@Suite struct FloorTests {
    private func note(_ serial: String, _ store: any Store) async throws -> CertificateNote {
        CertificateNote(
            serial: serial, keyFingerprint: "sha256:\(serial)", expiresAt: try await store.now() + .hours(24))
    }

    private func standing(_ serial: String, _ store: any Store) async throws -> CertificateStanding {
        try await store.standing(of: CertificateUse("east-1", serial: serial))
    }

    private func join(_ serial: String, _ store: any Store) async throws {
        let later = try await store.now() + .hours(1)
        try await store.createToken(hash: "hash-of-\(serial)", cluster: "east-1", expiresAt: later, by: "ann")
        #expect(try await store.spendToken(hash: "hash-of-\(serial)", for: note(serial, store)) == "east-1")
    }

    private func open(_ store: any Store) async throws {
        let end = try await store.now() + .hours(1)
        _ = try await store.openReadmission(of: ["east-1"], until: end, by: "ann")
    }

    private func revocations(_ store: any Store) async throws -> Int {
        try await store.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what == "cluster.revoked" }.count
    }

    /// A replica without memory took in who had joined since the backup; another one remembers that enrolment.
    @Test(arguments: StoreForm.allCases)
    func whomTheDoorTookInStaysWhereItsEnrolmentIsRemembered(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("before", store)
            try await open(store)
            #expect(try await store.readmit(note("joined", store), of: "east-1"))
            try await store.noteUse(of: CertificateUse("east-1", serial: "joined"))
            _ = try await store.recordRenewal(note("renewed", store), of: "east-1", replacing: "joined")
            let floor = TrustFloor(
                cluster: "east-1", number: 7, at: try await store.now() + .milliseconds(2), serial: "joined")
            let ended = EndedTrust(floors: [floor], now: floor.at)
            #expect(try await store.endAgain(ended) == [], "nothing that counted was ended")
            #expect(try await standing("joined", store).counts)
            #expect(try await standing("renewed", store).counts)
            #expect(try await revocations(store) == 0)
            guard case .revoked = try await standing("before", store) else {
                Issue.record("what was before the enrolment is not ended")
                return
            }
            #expect(try await store.endAgain(ended) == [])
            // And goes on as any other does.
            try await store.noteUse(of: CertificateUse("east-1", serial: "renewed"))
            _ = try await store.recordRenewal(note("later", store), of: "east-1", replacing: "renewed")
            #expect(try await standing("later", store).counts)
        }
    }

    /// What one replica remembered is for all to remember, and shuts the door.
    @Test(arguments: StoreForm.allCases)
    func aFloorThatIsRaisedAgainIsToldToOthersAndShutsTheDoor(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await open(store)
            let asked = try await store.now() - .seconds(1)
            let floor = TrustFloor(cluster: "east-1", number: 4, at: asked - .hours(3))
            _ = try await store.endAgain(EndedTrust(floors: [floor], now: asked))
            let told = try await store.endedTrust(after: asked).floors
            #expect(told.map(\.cluster) == ["east-1"] && told.map(\.at) == [floor.at])
            #expect(try await standing("thiefs", store) == .unknown, "the door stands open")
            let closed = try await store.latestEvents(filter: EventFilter(), limit: 100).filter {
                $0.what == "cluster.readmission-closed"
            }
            #expect(closed.map(\.cluster) == ["east-1"] && closed.map(\.region) == ["us-east-1"])
        }
    }

    /// Restored once more, nothing but its serial tells what was renewed in a store that had forgotten.
    @Test(arguments: StoreForm.allCases)
    func whatWasRenewedInAStoreThatHadForgottenIsRememberedByItsSerial(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("before", store)
            let asked = try await store.now() - .seconds(1)
            // Asked for twice: the first answer was not used, and is ended by the second.
            _ = try await store.recordRenewal(note("first", store), of: "east-1", replacing: "before")
            _ = try await store.recordRenewal(note("second", store), of: "east-1", replacing: "before")
            let floor = TrustFloor(cluster: "east-1", number: 2, at: try await store.now() + .milliseconds(2))
            #expect(try await store.endAgain(EndedTrust(floors: [floor], now: floor.at)) == ["east-1"])
            let told = try await store.endedTrust(after: asked).certificates.map(\.serial)
            #expect(Set(told).isSuperset(of: ["first", "second"]), "\(told)")
            #expect(try await revocations(store) == 1)
        }
    }

    /// Each row of the table.
    @Test(arguments: StoreForm.allCases)
    func whoIsLetInWhenIsAsTheTableSays(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let begin = try await store.now() - .seconds(1)
            let at = begin - .hours(1)
            func readmit(_ serial: String, _ after: Interval) async throws -> Bool {
                try await open(store)
                var note = try await note(serial, store)
                note.issuedAt = at + after
                return try await store.readmit(note, of: "east-1")
            }
            let listed: [(serial: String, after: Interval, stays: Bool, isNamed: Bool)] = [
                ("own", .zero - .seconds(1), true, false),
                ("before", .zero - .minutes(5), false, false),
                ("just-before", .zero - .seconds(30), false, true),
                ("just-after", .seconds(30), false, true),
                ("after", .minutes(2), true, false),
                ("named", .minutes(5), false, true),
            ]
            for row in listed { #expect(try await readmit(row.serial, row.after)) }
            let renewed = [
                ("own-renewed", "own"), ("own-again", "own-renewed"), ("before-renewed", "before"),
                ("before-again", "before-renewed"), ("just-after-renewed", "just-after"), ("after-renewed", "after"),
                ("named-renewed", "named"),
            ]
            for (serial, former) in renewed {
                _ = try await store.recordRenewal(note(serial, store), of: "east-1", replacing: former)
            }
            #expect(
                try await store.certificates(of: "east-1").first { $0.serial == "before" }?.issuedAt == at - .minutes(5)
            )
            let floor = TrustFloor(cluster: "east-1", number: 3, at: at, serial: "own")
            let ended = EndedTrust(
                floors: [floor], certificates: [CertificateUse("east-1", serial: "named")], now: begin)
            #expect(try await store.endAgain(ended) == ["east-1"])
            let standing = try await store.certificates(of: "east-1").filter(\.counts).map(\.serial)
            #expect(
                Set(standing) == ["own", "own-renewed", "own-again", "after", "after-renewed"], "\(standing)")
            #expect(Set(listed.filter(\.stays).map(\.serial)).isSubset(of: standing))
            let told = try await store.endedTrust(after: begin)
            #expect(told.floors.map(\.at) == [at] && told.floors.map(\.serial) == ["own"])
            let named = listed.filter(\.isNamed).map(\.serial)
            #expect(
                Set(told.certificates.map(\.serial))
                    == Set(named + ["before-renewed", "before-again", "just-after-renewed", "named-renewed"]))
            #expect(try await revocations(store) == 1)
            #expect(try await store.endAgain(ended) == [])
            // And at the door, whichever replica it is.
            for (serial, after) in [("late", .zero - .minutes(5)), ("doubtful", .seconds(30))] as [(String, Interval)] {
                #expect(try await !readmit(serial, after), "\(serial)")
                #expect(try await self.standing(serial, store) == .awaited, "the door stays open for another one")
            }
            #expect(try await readmit("later", .minutes(2)))
            #expect(try await self.standing("later", store).counts)
        }
    }

    /// The floor is of a clock that was a day ahead: by their moments all would be of before.
    @Test(arguments: StoreForm.allCases)
    func whatIsListedIsBelievedWhereTheStoreIsNotBehind(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            func spared(_ floor: TrustFloor) async throws -> Set<String> {
                var spared: Set<String> = []
                for serial in ["own", "renewed", "again", "other", "other-renewed", "unlisted"]
                where try await store.isSpared(CertificateUse("east-1", serial: serial), by: floor) {
                    spared.insert(serial)
                }
                return spared
            }
            try await join("other", store)
            _ = try await store.recordRenewal(note("other-renewed", store), of: "east-1", replacing: "other")
            try await open(store)
            #expect(try await store.readmit(note("own", store), of: "east-1"))
            _ = try await store.recordRenewal(note("renewed", store), of: "east-1", replacing: "own")
            _ = try await store.recordRenewal(note("again", store), of: "east-1", replacing: "renewed")
            let own = TrustFloor(
                cluster: "east-1", number: 9, at: try await store.now() + .hours(24), serial: "own")
            #expect(try await spared(own) == ["own", "renewed", "again"], "restored, and not raised yet")
            var revocation = own
            revocation.serial = nil
            #expect(try await spared(revocation) == [])
            var elsewhere = own
            elsewhere.cluster = "east-2"
            let isTheirs = try await store.isSpared(CertificateUse("east-2", serial: "renewed"), by: elsewhere)
            #expect(!isTheirs)
            _ = try await store.endAgain(EndedTrust(floors: [own], now: own.at))
            #expect(try await standing("other-renewed", store).counts == false)
            #expect(try await standing("again", store).counts)
            #expect(try await spared(own).count == 6, "what it lists by now is as the floor has it")
            var later = own
            later.at = own.at + .milliseconds(1)
            #expect(try await spared(later) == ["own", "renewed", "again"])
        }
    }

    /// The enrolment's own certificate comes late, through a door that is opened once more.
    @Test(arguments: StoreForm.allCases)
    func whoseEnrolmentRaisedTheFloorIsTakenInThoughItIsOlder(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            try await join("before", store)
            let now = try await store.now()
            let floor = TrustFloor(cluster: "east-1", number: 3, at: now + .milliseconds(2), serial: "own")
            #expect(try await store.endAgain(EndedTrust(floors: [floor], now: now)) == ["east-1"])
            try await open(store)
            var own = try await note("own", store)
            own.issuedAt = now - .seconds(3)
            #expect(try await store.readmit(own, of: "east-1"))
            #expect(try await standing("own", store).counts)
            // Its number is above all that were given before the restore and since.
            #expect(try await store.certificates(of: "east-1").first?.number == 3)
        }
    }
}
