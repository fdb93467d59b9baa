internal import Logging
internal import SwellEngine
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

@Suite struct StorageTests {
    private var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func document(_ text: String) -> ContentDocument { ContentDocument(content: Array(text.utf8)) }

    @Test func theJournalComesBackAsItWasWritten() async throws {
        try await withDirectory { directory in
            let file = JournalFile(stateDirectory: directory)
            #expect(try file.load() == nil)
            var record = AgentRecord(application: "shop", highestGeneration: 7, highestEpoch: 3)
            record.assignment = Assignment(
                cluster: "east-1", application: "shop", generation: 7, epoch: 3, rollout: "shop-1",
                goal: .run(ReleaseReference(version: "1.0.0", digest: document("a").digest)),
                settings: AssignmentSettings(
                    minHealthyTime: .seconds(1), progressDeadline: .seconds(2), selfRollback: true))
            record.deadline = .wall
            record.outgoing = OutgoingReport(sequence: 4, report: record.currentReport)
            let journal = AgentJournal(applications: ["shop": record], awaySince: .wall)
            try await file.write(journal)
            #expect(try file.load() == journal)
        }
    }

    @Test("Records that stand are not encoded again, and each journal is written as it is")
    func everyJournalIsWrittenAsItIs() async throws {
        try await withDirectory { directory in
            let file = JournalFile(stateDirectory: directory)
            var journal = AgentJournal()
            for round in 0..<60 as Range<Int64> {
                let name = try ApplicationName("app-\(round % 7)")
                switch round % 5 {
                case 4: journal.applications[name] = nil
                default:
                    var record = journal.applications[name] ?? AgentRecord(application: name, highestGeneration: round)
                    record.observed = ObservedHealth(
                        .degraded, reason: "R\(round)", message: "says \"applications\":{} and \\\"applications\\\":{}")
                    record.reportSequence = round
                    journal.applications[name] = record
                }
                journal.awaySince = round % 3 == 0 ? .wall : nil
                try await file.write(journal)
                #expect(try file.load() == journal)
            }
        }
    }

    @Test(arguments: ["", "{\"version\":1}", "{\"version\":99,\"journal\":{\"applications\":{}}}", "\u{0}\u{0}"])
    func aJournalThatCannotBeUnderstoodIsSetAside(_ text: String) async throws {
        try await withDirectory { directory in
            let file = JournalFile(stateDirectory: directory)
            try AtomicFile.write(Array(text.utf8), to: file.path, isDurable: false)
            let error = #expect(throws: AgentError.self) { try file.load() }
            #expect(error?.code == .corruptJournal)
            #expect(error?.message.contains(file.path) == true)
            let aside = try file.setAside(now: Timestamp(milliseconds: 5))
            #expect(try AtomicFile.read(aside, limit: 1_000) == Array(text.utf8))
            #expect(try file.load() == nil)
        }
    }

    @Test func withAKeyNothingOfReleasesIsOnTheDiskInClear() async throws {
        try await withDirectory { directory in
            let hidden = document("{\"kind\":\"Secret\",\"data\":{\"a\":\"hidden-word\"}}")
            func onDisk() throws -> [UInt8]? {
                let path = directory + "/documents/" + hidden.digest.rawValue.dropFirst(7)
                return try AtomicFile.read(path, limit: 10_000)
            }
            func isClear() throws -> Bool {
                String(decoding: try onDisk() ?? [], as: UTF8.self).contains("hidden-word")
            }
            try await DocumentCache(stateDirectory: directory, logger: quiet).store(hidden)
            #expect(try isClear())
            // From the first start with a key on, also what was there before.
            let ring = SecretsKeyring.generate()
            let cache = try DocumentCache(stateDirectory: directory, sealing: ring, logger: quiet)
            #expect(try !isClear() && onDisk() != nil)
            #expect(try await cache.read(hidden.digest) == hidden.content)
            try await cache.store(hidden)
            #expect(try !isClear())
            // Another key after it, under which it comes at the next start.
            let next = ring.adding(.generate()).activatingLast()
            _ = try DocumentCache(stateDirectory: directory, sealing: next, logger: quiet)
            let alone = try DocumentCache(stateDirectory: directory, sealing: next.retiringOthers(), logger: quiet)
            #expect(try await alone.read(hidden.digest) == hidden.content)
            // A key that was forgotten does not lead back into the clear.
            let error = #expect(throws: AgentError.self) {
                _ = try DocumentCache(stateDirectory: directory, logger: quiet)
            }
            #expect(error?.message.contains("--secrets-key-file") == true)
            // With another one it is as good as not there, and is fetched again.
            let other = try DocumentCache(stateDirectory: directory, sealing: SecretsKeyring.generate(), logger: quiet)
            #expect(try await other.read(hidden.digest) == nil)
            #expect(await !other.contains(hidden.digest))
        }
    }

    @Test(arguments: [0, 5, 14, 15, 20, 60, 120]) func aSealedFileThatWasCutShortIsFetchedAgain(length: Int)
        async throws
    {
        try await withDirectory { directory in
            let ring = SecretsKeyring.generate()
            let one = document(String(repeating: "{}", count: 40))
            let cache = try DocumentCache(stateDirectory: directory, sealing: ring, logger: quiet)
            try await cache.store(one)
            let path = directory + "/documents/" + one.digest.rawValue.dropFirst(7)
            let bytes = try #require(try AtomicFile.read(path, limit: 10_000))
            try AtomicFile.write(Array(bytes.prefix(length)), to: path, isDurable: false)
            #expect(try await cache.read(one.digest) == nil)
        }
    }

    @Test func whatMustNotGoIsBoundedToo() async throws {
        try await withDirectory { directory in
            let cache = try DocumentCache(stateDirectory: directory, sizeLimit: 100, logger: quiet)
            let documents = (0..<5).map { document(String(repeating: "\($0)", count: 99)) }
            await cache.pin(Set(documents.map(\.digest)))
            for document in documents.prefix(4) { try await cache.store(document) }
            let error = await #expect(throws: AgentError.self) { try await cache.store(documents[4]) }
            #expect(error?.code == .contentUnavailable)
        }
    }

    @Test func documentsAreCheckedWhenTheyAreRead() async throws {
        try await withDirectory { directory in
            let cache = try DocumentCache(stateDirectory: directory, logger: quiet)
            let one = document("one")
            #expect(try await cache.read(one.digest) == nil)
            try await cache.store(one)
            #expect(try await cache.read(one.digest) == one.content)

            // The next start finds it; what was changed on disk is not believed.
            let second = try DocumentCache(stateDirectory: directory, logger: quiet)
            #expect(await second.contains(one.digest))
            let path = directory + "/documents/" + one.digest.rawValue.dropFirst(7)
            try AtomicFile.write(Array("other".utf8), to: path, isDurable: false)
            #expect(try await second.read(one.digest) == nil)
            #expect(await second.contains(one.digest) == false)
        }
    }

    @Test func theCacheIsBoundedAndKeepsWhatIsPinned() async throws {
        try await withDirectory { directory in
            let cache = try DocumentCache(stateDirectory: directory, sizeLimit: 25, logger: quiet)
            let documents = (0..<4).map { document("document-\($0)") }
            await cache.pin([documents[0].digest])
            for document in documents { try await cache.store(document) }
            #expect(await cache.size <= 25)
            #expect(await cache.contains(documents[0].digest))
            #expect(await cache.contains(documents[3].digest))
            #expect(await cache.contains(documents[1].digest) == false)
        }
    }

    @Test func placementIsWaitedForAndKept() async throws {
        try await withDirectory { directory in
            let place = Cluster(name: "east-1", region: "us-east-1", environment: "test", labels: ["a": "b"])
            let file = PlacementFile(stateDirectory: directory)
            async let waited = file.place()
            try await file.update(place)
            #expect(try await waited == place)
            #expect(try await PlacementFile(stateDirectory: directory).place() == place)
        }
    }

    @Test func waitingForPlacementEndsWithItsTask() async throws {
        try await withDirectory { directory in
            let file = PlacementFile(stateDirectory: directory)
            await withTaskGroup(of: Bool.self) { group in
                group.addTask { (try? await file.place()) == nil }
                group.cancelAll()
                #expect(await group.next() == true)
            }
        }
    }
}
