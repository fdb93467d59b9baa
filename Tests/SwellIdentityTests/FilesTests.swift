internal import Crypto
internal import Foundation
internal import SwellModel
internal import Testing

@testable internal import SwellIdentity

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

@Suite struct FilesTests {
    let now = Timestamp(milliseconds: 1_800_000_000_000)

    @Test func anAuthorityIsMadeOnceAndLoadedAfterwards() throws {
        try inTemporaryDirectory { directory in
            let place = AuthorityDirectory(path: directory + "/state/ca")
            let domain = try TrustDomain("swell.test")
            let first = try place.loadOrCreate(trustDomain: domain, now: now)
            let second = try place.loadOrCreate(trustDomain: domain, now: now + .hours(1))
            #expect(first.fingerprint == second.fingerprint)
            #expect(mode(of: place.path) == 0o700)
            #expect(mode(of: place.path + "/authority-key.pem") == 0o600)

            chmod(place.path + "/authority-key.pem", 0o644)
            let open = #expect(throws: IdentityError.self) { try place.loadOrCreate(trustDomain: domain, now: now) }
            #expect(open?.code == .filePermissions)
            #expect(throws: IdentityError.self) {
                try AuthorityDirectory.load(
                    certificateFile: place.path + "/authority.pem", keyFile: place.path + "/authority-key.pem",
                    trustDomain: domain)
            }
            chmod(place.path + "/authority-key.pem", 0o640)
            let mounted = try AuthorityDirectory.load(
                certificateFile: place.path + "/authority.pem", keyFile: place.path + "/authority-key.pem",
                trustDomain: domain)
            #expect(mounted.fingerprint == first.fingerprint)

            unlink(place.path + "/authority-key.pem")
            let half = #expect(throws: IdentityError.self) { try place.loadOrCreate(trustDomain: domain, now: now) }
            #expect(half?.message.contains("authority-key.pem is missing") == true)
        }
    }

    @Test func othersFilesAreNotBelieved() throws {
        #expect(SecretFile.isTrusted(owner: 1000, user: 1000) && SecretFile.isTrusted(owner: 0, user: 1000))
        #expect(!SecretFile.isTrusted(owner: 1001, user: 1000) && !SecretFile.isTrusted(owner: 1000, user: 0))
        try inTemporaryDirectory { directory in
            let file = directory + "/secret"
            try SecretFile.write("one", to: file, mode: 0o600)
            symlink(file, directory + "/link")
            #expect(try SecretFile.read(directory + "/link", access: .ownerOnly) == "one")
            mkfifo(directory + "/pipe", 0o600)
            // What is no file is refused, and does not wait for a writer.
            #expect(throws: IdentityError.self) {
                try SecretFile.read(directory + "/pipe", access: .ownerOnly)
            }
            #expect(throws: IdentityError.self) { try SecretFile.makeDirectory(file) }
            // Only root can give files away.
            guard geteuid() == 0, chown(file, 12_345, 12_345) == 0 else { return }
            let error = #expect(throws: IdentityError.self) { try SecretFile.read(file, access: .ownerOnly) }
            #expect(error?.code == .filePermissions && error?.message.contains("belongs to user 12345") == true)
        }
    }

    @Test func anAgentsCredentialSurvivesARestart() throws {
        try inTemporaryDirectory { directory in
            let place = AgentCredentialDirectory(path: directory + "/agent")
            #expect(try place.load() == nil)
            let key = try place.pendingKey()
            #expect(try place.pendingKey().rawRepresentation == key.rawRepresentation)
            #expect(mode(of: place.path + "/pending-key.pem") == 0o600)

            let authority = try CertificateAuthority.create(trustDomain: TrustDomain("swell.test"), now: now)
            let issued = try authority.issueAgentCertificate(cluster: "a", for: SigningRequest(key: key), now: now)
            try place.store(Credential(chain: issued.chain, key: key), authorities: [authority.certificate])
            let loaded = try #require(try place.load())
            #expect(loaded.credential.serial == issued.serial)
            #expect(loaded.credential.key.rawRepresentation == key.rawRepresentation)
            #expect(loaded.authorities == [authority.certificate])
            #expect(mode(of: place.path + "/credential.pem") == 0o600)
            #expect(try place.pendingKey().rawRepresentation != key.rawRepresentation)
        }
    }

    @Test func writingReplacesWholeOrLeavesWhatWasThere() throws {
        try inTemporaryDirectory { directory in
            let file = directory + "/file"
            try SecretFile.write("one", to: file, mode: 0o600, replacing: false)
            #expect(throws: IdentityError.self) {
                try SecretFile.write("two", to: file, mode: 0o600, replacing: false)
            }
            #expect(try SecretFile.read(file, access: .ownerOnly) == "one")
            try SecretFile.write("two", to: file, mode: 0o600)
            #expect(try SecretFile.read(file, access: .ownerOnly) == "two")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["file"])
            #expect(throws: IdentityError.self) { try SecretFile.read(directory, access: .anybody) }
            #expect(throws: IdentityError.self) { try SecretFile.read(directory + "/none", access: .anybody) }
        }
    }

    @Test func aDirectoryThatOthersMayWriteIsRefused() throws {
        try inTemporaryDirectory { directory in
            chmod(directory, 0o777)
            let error = #expect(throws: IdentityError.self) { try SecretFile.makeDirectory(directory) }
            #expect(error?.code == .filePermissions)
        }
    }

    @Test func whatTakesADirectorysPlaceIsLookedAtToo() throws {
        try inTemporaryDirectory { directory in
            symlink(directory + "/nowhere", directory + "/dangling")
            #expect(throws: IdentityError.self) { try SecretFile.makeDirectory(directory + "/dangling") }
        }
    }

    @Test func whatCannotBeLookedAtIsNotTakenForAbsent() throws {
        try inTemporaryDirectory { directory in
            let place = AgentCredentialDirectory(path: directory)
            for name in ["credential.pem", "authority.pem", "pin"] {
                symlink(directory + "/" + name, directory + "/" + name)
            }
            #expect(throws: IdentityError.self) { try place.load() }
            #expect(throws: IdentityError.self) { try place.pin() }
        }
    }

    private func mode(of path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.posixPermissions] as? NSNumber)?.intValue
    }
}

/// Runs `body` with a new directory, and removes it afterwards.
func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/swell-identity-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
}
