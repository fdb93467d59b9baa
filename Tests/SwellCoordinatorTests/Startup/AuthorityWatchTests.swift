internal import Foundation
internal import SwellIdentity
internal import SwellModel
internal import Testing

@testable internal import SwellCoordinator

/// What a running replica makes of its authority's directory.
@Suite(.timeLimit(.minutes(1))) struct AuthorityWatchTests {
    private struct Replica: Sendable {
        let folder: StateFolder
        let authority: RotatingAuthority
        let credential: RotatingCredential
        let domain: TrustDomain

        func move(_ from: String, _ to: String) throws {
            try FileManager.default.moveItem(atPath: folder.path + "/" + from, toPath: folder.path + "/" + to)
        }
    }

    private static let now: @Sendable () -> Timestamp = {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    /// Watches a new state folder while `body` runs.
    private func watching(_ body: @escaping @Sendable (Replica) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-watch-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = StateFolder(path: path)
        let domain = try TrustDomain("swell.test")
        let authority = RotatingAuthority(try folder.open(trustDomain: domain, now: Self.now()).authority)
        let names = try ServerNames(["localhost"])
        let credential = try RotatingCredential(authority.issueServerCredential(names: names, now: Self.now()))
        let watch = AuthorityWatch(
            folder: folder, authority: authority, names: names, credential: credential, pace: .milliseconds(5),
            now: Self.now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            try await body(Replica(folder: folder, authority: authority, credential: credential, domain: domain))
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    @Test func aDirectoryThatIsEmptyForAMomentMakesNoNewAuthority() async throws {
        try await watching { replica in
            let former = replica.authority.current.fingerprints
            try replica.move("authority", "away")
            try FileManager.default.createDirectory(
                atPath: replica.folder.path + "/authority", withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            // Long enough for many looks: what must not happen has no moment to wait for.
            try await Task.sleep(for: .milliseconds(200))
            #expect(replica.authority.current.fingerprints == former)
            let found = try FileManager.default.contentsOfDirectory(atPath: replica.folder.path + "/authority")
            #expect(found.isEmpty)
            try FileManager.default.removeItem(atPath: replica.folder.path + "/authority")
            try replica.move("away", "authority")
            let pin = try replica.folder.directory.prepare(trustDomain: replica.domain, now: Self.now())
            try await soon("it follows again") { replica.authority.current.fingerprints == former + [pin] }
        }
    }

    @Test func whatCouldNotBeWrittenForOperatorsIsWrittenLater() async throws {
        try await watching { replica in
            let file = replica.folder.authorityFile
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            let pin = try replica.folder.directory.prepare(trustDomain: replica.domain, now: Self.now())
            try await soon("it is trusted all the same") { replica.authority.current.fingerprints.contains(pin) }
            try await soon("it is shown") {
                let path = try replica.authority.current.path(at: Self.now())
                return replica.credential.current.chain.count == path.count + 1
            }
            try FileManager.default.removeItem(atPath: file)
            try await soon("both are told of") {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.components(separatedBy: "BEGIN CERTIFICATE").count == 3
            }
        }
    }

    /// Its folder is an old one; the database says what was retired.
    @Test func whatWasRetiredIsNeitherTrustedNorShownThoughTheDirectoryHasIt() async throws {
        try await watching { replica in
            let former = try #require(replica.authority.current.fingerprints.first)
            let pin = try replica.folder.directory.prepare(trustDomain: replica.domain, now: Self.now())
            _ = try replica.folder.directory.activate(trustDomain: replica.domain, now: Self.now())
            try await soon("both are shown") { replica.credential.current.chain.count == 5 }
            #expect(replica.authority.leftOut.isEmpty)
            replica.authority.leaveOut(["\(former)", "\(pin)"])
            #expect(replica.authority.trusted.current.count == 1, "at once")
            #expect(replica.authority.current.fingerprints == [pin], "the one that signs stays")
            #expect(replica.authority.leftOut == [former])
            try await soon("one is shown") { replica.credential.current.chain.count == 2 }
            try await soon("operators are told") {
                let text = (try? String(contentsOfFile: replica.folder.authorityFile, encoding: .utf8)) ?? ""
                return text.components(separatedBy: "BEGIN CERTIFICATE").count == 2
            }
            // And back, where it was adopted.
            replica.authority.leaveOut([])
            #expect(replica.authority.trusted.current.count == 2)
            try await soon("both are shown again") { replica.credential.current.chain.count == 5 }
        }
    }

    /// On Kubernetes keys come by a Secret, and who left them so by a key of it.
    @Test func whoLeftTheKeysIsCopiedWithThem() throws {
        let path = FileManager.default.temporaryDirectory.path + "/swell-copied-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = StateFolder(path: path + "/made")
        try made.makeSecretsKeyOfNew()
        _ = try made.open(trustDomain: TrustDomain("swell.test"), now: Self.now())
        let keys = try made.secretsKey.read().openingKeys
        try ChangeNote(by: "ann@laptop", keys: keys).write(to: StateFolder.note(of: made.secretsKey))
        let secret = path + "/secret"
        try FileManager.default.createDirectory(atPath: secret, withIntermediateDirectories: false)
        for (name, place) in [
            ("authority.pem", "authority/authority.pem"), ("authority-key.pem", "authority/authority-key.pem"),
            ("operator-token", "operator-token"), ("secrets-key", "secrets-key"),
            ("secrets-key.changed-by", "secrets-key.changed-by"),
        ] {
            try FileManager.default.copyItem(atPath: made.path + "/" + place, toPath: secret + "/" + name)
        }
        let copy = StateFolder(path: path + "/copy")
        try copy.copySecrets(from: secret)
        #expect(ChangeNote.author(of: keys, at: StateFolder.note(of: copy.secretsKey)) == "ann@laptop")
        // A note of before says nothing of keys that come without one.
        try FileManager.default.removeItem(atPath: secret + "/secrets-key.changed-by")
        try copy.copySecrets(from: secret)
        #expect(ChangeNote.author(of: keys, at: StateFolder.note(of: copy.secretsKey)) == nil)
    }
}
