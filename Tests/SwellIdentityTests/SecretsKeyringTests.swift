internal import Foundation
internal import SwellModel
internal import Testing

@testable internal import SwellIdentity

/// The keys that seal Secrets.
@Suite struct SecretsKeyringTests {
    private let content = Array("{\"kind\":\"Secret\",\"data\":{\"a\":\"aGlkZGVu\"}}".utf8)
    private var digest: ContentDigest { ContentDigest(of: content) }

    private func code(_ body: () throws -> Void) -> IdentityError.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? IdentityError)?.code }
    }

    @Test func whatIsSealedOpensAgainAndShowsNothing() throws {
        let ring = SecretsKeyring.generate()
        let sealed = try ring.seal(content, as: digest)
        #expect(sealed.keyID == ring.sealingKey && sealed.content.count == content.count + 28)
        #expect(!String(decoding: sealed.content, as: UTF8.self).contains("hidden"))
        #expect(try ring.open(sealed, as: digest) == content)
        // The same content is never the same ciphertext, nor under the same key.
        let other = try ring.seal(content, as: digest)
        #expect(other.content != sealed.content && other.sealedKey != sealed.sealedKey)
        let empty = try ring.seal([], as: digest)
        #expect(try ring.open(empty, as: digest) == [])
    }

    @Test func tamperedTruncatedAndSwappedDoNotOpen() throws {
        let ring = SecretsKeyring.generate()
        let sealed = try ring.seal(content, as: digest)
        let another = ContentDigest(of: [1])
        let other = try ring.seal(content, as: another)
        #expect(code { _ = try ring.open(sealed, as: another) } == .damagedSecret, "a row of another document")
        for place in [0, 11, 12, content.count, sealed.content.count - 1] {
            var changed = sealed
            changed.content[place] ^= 1
            #expect(code { _ = try ring.open(changed, as: digest) } == .damagedSecret)
        }
        for length in [0, 1, 27, 28, sealed.content.count - 1] {
            var changed = sealed
            changed.content = Array(changed.content.prefix(length))
            #expect(code { _ = try ring.open(changed, as: digest) } == .damagedSecret)
        }
        var changed = sealed
        changed.sealedKey = other.sealedKey
        #expect(code { _ = try ring.open(changed, as: digest) } == .damagedSecret, "another document's key")
        changed.sealedKey = []
        #expect(code { _ = try ring.open(changed, as: digest) } == .damagedSecret)
        #expect(code { _ = try ring.rekeyed(changed, as: digest) } == nil, "its key is the one that seals")
    }

    @Test func keysChangeInThreeSteps() throws {
        let one = SecretsKeyring.generate()
        let old = try one.seal(content, as: digest)
        let prepared = one.adding(.generate())
        #expect(prepared.sealingKey == one.sealingKey && prepared.openingKeys.count == 2)
        let active = prepared.activatingLast()
        #expect(active.sealingKey != one.sealingKey && Set(active.openingKeys) == Set(prepared.openingKeys))
        let renewed = try #require(try active.rekeyed(old, as: digest))
        #expect(renewed.keyID == active.sealingKey && renewed.content == old.content)
        #expect(try active.rekeyed(renewed, as: digest) == nil)
        // A replica that has the prepared file opens what one with the active file seals.
        #expect(try prepared.open(renewed, as: digest) == content)
        let retired = active.retiringOthers()
        #expect(try retired.open(renewed, as: digest) == content)
        #expect(code { _ = try retired.open(old, as: digest) } == .missingKey)
        #expect(code { _ = try SecretsKeyring.generate().open(renewed, as: digest) } == .missingKey)
    }

    @Test func theFileIsReadBackAndIsNobodyElses() throws {
        let folder = NSTemporaryDirectory() + "swell-keys-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = SecretsKeyFile(path: folder + "/secrets-key")
        #expect(!file.exists && code { _ = try file.read() } == .file)
        let ring = SecretsKeyring.generate().adding(.generate())
        try file.write(ring, replacing: false)
        #expect(try file.read().openingKeys == ring.openingKeys)
        let sealed = try ring.seal(content, as: digest)
        #expect(try file.read().open(sealed, as: digest) == content)
        #expect(code { try file.write(ring, replacing: false) } == .file, "what is there is not written over")
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        #expect(code { _ = try file.read() } == .filePermissions)
    }

    @Test(arguments: [
        "", "# nothing\n", "abc\n", "swell_secrets_key_00\n", "swell_secrets_key_" + String(repeating: "0", count: 63),
        "swell_secrets_key_" + String(repeating: "g", count: 64),
        "swell_secrets_key_" + String(repeating: "+1", count: 32),
    ])
    func aBadFileIsRefusedWithoutItsContent(text: String) {
        let error = #expect(throws: IdentityError.self) { try SecretsKeyring(parsing: text, file: "keys") }
        #expect(error?.message.hasPrefix("keys:") == true && error?.message.contains("0000") != true)
    }

    @Test func theSameKeyTwiceIsAMistake() {
        let line = "swell_secrets_key_" + String(repeating: "ab", count: 32) + "\n"
        #expect(throws: IdentityError.self) { try SecretsKeyring(parsing: line + line, file: "keys") }
    }
}
