internal import Foundation
internal import KubernetesObjects
internal import SwellCommands
internal import SwellModel
internal import SwellStore
internal import Testing

@testable internal import SwellConsole

/// Certificates and tokens: listed and ended, by the API and by `swell`.
@Suite struct TrustEndpointTests {
    private func withFleet(
        _ body: (ConsoleHarness, ([String]) async throws -> Int32) async throws -> Void
    ) async throws {
        let token = FileManager.default.temporaryDirectory.appending(path: "swell-token-\(UUID().uuidString)")
        try operatorToken.write(to: token, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token.path)
        defer { try? FileManager.default.removeItem(at: token) }
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            for cluster in ConsoleHarness.bothClusters {
                _ = try await console.request(.post, "/v1/clusters/\(cluster)/token")
                let note = CertificateNote(
                    serial: "0a-\(cluster)", keyFingerprint: "sha256:aa",
                    expiresAt: try await console.store.now() + .hours(24))
                _ = try await console.store.spendToken(hash: "hash-of-\(cluster)", for: note)
            }
            try await body(console) { words in
                await SwellTool.run(
                    words + ["--server", "http://127.0.0.1:\(console.port)", "--token-file", token.path])
            }
        }
    }

    private func state(_ console: ConsoleHarness, _ cluster: String) async throws -> String? {
        try await console.request(.get, "/v1/clusters/\(cluster)/certificates").json["items"]?[0]?["state"]?.stringValue
    }

    @Test func certificatesAreListedAndRevoked() async throws {
        try await withFleet { console, swell in
            #expect(try await state(console, "use1-a") == "unused")
            try await console.store.noteUse(of: CertificateUse("use1-a", serial: "0a-use1-a"))
            #expect(try await state(console, "use1-a") == "valid")
            #expect(try await swell(["cluster", "certificates", "use1-a"]) == 0)
            #expect(try await swell(["cluster", "certificates", "nowhere"]) == 3)

            #expect(try await swell(["cluster", "revoke", "use1-a", "--serial", "0A-use1-b"]) == 3)
            #expect(try await swell(["cluster", "revoke", "use1-a", "--reason", "lost"]) == 0)
            #expect(try await state(console, "use1-a") == "revoked")
            #expect(try await state(console, "usw1-a") == "unused")
            let events = try await console.request(.get, "/v1/events?cluster=use1-a").json["items"]?.arrayValue ?? []
            let revoked = events.first { $0["what"] == "cluster.revoked" }
            #expect(revoked?["reason"]?.stringValue?.contains("lost") == true, "\(events)")
            #expect(try await swell(["cluster", "revoke", "nowhere"]) == 3)
            let answer = try await console.request(
                .post, "/v1/clusters/usw1-a/revoke", ["serial": "0A-USW1-A", "reason": "one of them"])
            #expect(answer.json["certificates"] == ["0a-usw1-a"], "\(answer.text)")
            let unknown = try await console.request(.post, "/v1/clusters/usw1-a/revoke", ["serials": []])
            #expect(unknown.status == 400)
            #expect(try await console.request(.post, "/v1/clusters/usw1-a/revoke", token: nil).status == 401)
        }
    }

    @Test(arguments: [String(repeating: "x", count: 2_000), "up\u{1B}[2J", "\u{202E}gnorw"])
    func aReasonIsBoundedAndPlain(reason: String) async throws {
        try await withFleet { console, _ in
            let answer = try await console.request(
                .post, "/v1/clusters/use1-a/revoke", ["reason": .string(reason)])
            #expect(answer.status == 422 || answer.status == 400, "\(answer.text)")
            #expect(try await state(console, "use1-a") == "unused")
            let serial = try await console.request(
                .post, "/v1/clusters/use1-a/revoke", ["serial": .string(reason + String(repeating: "0", count: 65))])
            #expect(serial.status == 422 || serial.status == 400, "\(serial.text)")
        }
    }

    @Test func tokensAreListedAndTakenBack() async throws {
        try await withFleet { console, swell in
            let later = try await console.store.now() + .hours(1)
            try await console.store.createToken(
                hash: "0123456789abcdef", cluster: "use1-a", expiresAt: later, by: "ann")
            let listed = try await console.request(.get, "/v1/tokens").json["items"]?.arrayValue ?? []
            #expect(Set(listed.compactMap { $0["state"]?.stringValue }) == ["open", "spent"])
            #expect(!listed.contains { $0.serialized().contains("0123456789abcdef") }, "the hash is told")
            #expect(try await swell(["token", "list"]) == 0)
            #expect(try await swell(["token", "revoke", "0123456789ab"]) == 0)
            #expect(try await swell(["token", "revoke", "0123456789ab"]) == 3)
            #expect(try await swell(["token", "revoke", "hash-of-use1"]) == 1)
        }
    }

    @Test func theDoorIsOpenedForNamedClustersAndNotForLong() async throws {
        try await withFleet { console, swell in
            #expect(try await swell(["cluster", "readmit", "use1-a", "--within", "30m"]) == 0)
            let use = CertificateUse("use1-a", serial: "ff")
            let standing = try await console.store.standing(of: use)
            #expect(standing == .awaited)
            console.clock.advance(by: .minutes(31))
            #expect(try await console.store.standing(of: use) == .unknown)
            #expect(try await swell(["cluster", "readmit"]) == 2)
            #expect(try await swell(["cluster", "readmit", "use1-a", "--all"]) == 2)
            #expect(try await swell(["cluster", "readmit", "nowhere"]) == 3)
            #expect(try await swell(["cluster", "readmit", "--all", "--within", "25h"]) == 1)
            #expect(try await swell(["cluster", "readmit", "--all"]) == 0)
            #expect(try await console.store.standing(of: CertificateUse("usw1-a", serial: "ff")) == .awaited)
        }
    }

    @Test func whoWasRevokedIsShownAsThatWhereItsConnectionIs() async throws {
        try await withFleet { console, swell in
            func revokedAt() async throws -> String? {
                let cluster = try await console.request(.get, "/v1/clusters/use1-a").json
                let listed = try await console.request(.get, "/v1/clusters").json["items"]?.arrayValue ?? []
                let found = listed.first { $0["metadata"]?["name"] == "use1-a" }?["status"]?["revokedAt"]
                #expect(found?.stringValue == cluster["status"]?["revokedAt"]?.stringValue)
                #expect(!listed.contains { $0["metadata"]?["name"] == "usw1-a" && $0["status"]?["revokedAt"] != nil })
                return found?.stringValue
            }
            func planned() async throws -> [String] {
                let plan = try await console.request(
                    .post, "/v1/plan", ["application": "shop", "version": "1.0.0", "policy": "waves"])
                #expect(plan.status == 200, "\(plan.text)")
                return (plan.json["warnings"]?.arrayValue ?? []).filter { $0["kind"] == "revoked" }
                    .flatMap { $0["clusters"]?.arrayValue ?? [] }.compactMap(\.stringValue)
            }
            #expect(try await revokedAt() == nil)
            #expect(try await planned() == [])
            console.clock.advance(by: .seconds(1))
            #expect(try await swell(["cluster", "revoke", "use1-a"]) == 0)
            let moment = try await console.store.certificates(of: "use1-a").first?.revokedAt
            #expect(try await revokedAt() == moment.map { "\($0)" } && moment != nil)
            #expect(try await planned() == ["use1-a"])
            for command in [["describe", "cluster", "use1-a"], ["get", "clusters"]] {
                #expect(try await swell(command) == 0)
            }
            // A week past its end the certificate is forgotten; that it was revoked is not.
            console.clock.advance(by: .hours(9 * 24))
            _ = try await console.store.maintain(Retention())
            #expect(try await console.store.certificates(of: "use1-a").isEmpty)
            #expect(try await revokedAt() == moment.map { "\($0)" })
            _ = try await console.request(.post, "/v1/clusters/use1-a/token")
            let later = try await console.store.now() + .hours(24)
            let note = CertificateNote(serial: "0b-use1-a", keyFingerprint: "sha256:bb", expiresAt: later)
            #expect(try await revokedAt() != nil, "a token alone lets nobody in yet")
            try await console.store.createToken(hash: "again", cluster: "use1-a", expiresAt: later, by: "ann")
            _ = try await console.store.spendToken(hash: "again", for: note)
            #expect(try await revokedAt() == nil)
        }
    }

    @Test func anOpenDoorIsShownAndClosed() async throws {
        try await withFleet { console, swell in
            func door() async throws -> String? {
                let cluster = try await console.request(.get, "/v1/clusters/use1-a").json
                let listed = try await console.request(.get, "/v1/clusters").json["items"]?.arrayValue ?? []
                let found = listed.first { $0["metadata"]?["name"] == "use1-a" }?["status"]?["readmittedUntil"]
                #expect(found?.stringValue == cluster["status"]?["readmittedUntil"]?.stringValue)
                return found?.stringValue
            }
            #expect(try await door() == nil)
            #expect(try await swell(["cluster", "readmit", "use1-a"]) == 0)
            #expect(try await door() != nil)
            for command in [
                ["describe", "cluster", "use1-a"], ["get", "clusters"], ["cluster", "certificates", "use1-a"],
            ] {
                #expect(try await swell(command) == 0)
            }
            #expect(try await swell(["cluster", "readmit", "use1-a", "--close", "--within", "1h"]) == 2)
            #expect(try await swell(["cluster", "readmit", "nowhere", "--close"]) == 3)
            #expect(try await swell(["cluster", "readmit", "use1-a", "--close"]) == 0)
            #expect(try await door() == nil)
            let again = try await console.request(.post, "/v1/readmission", ["all": true, "close": true])
            #expect(again.json["clusters"] == [] && again.json["until"] == nil, "\(again.text)")
        }
    }

    @Test func whoseCertificateWasRevokedIsSaidWhereTheDoorIsOpened() async throws {
        try await withFleet { console, swell in
            #expect(try await swell(["cluster", "revoke", "use1-a"]) == 0)
            for body in [["all": true], ["clusters": ["use1-a", "usw1-a"]]] as [JSONValue] {
                let answer = try await console.request(.post, "/v1/readmission", body)
                #expect(answer.json["revoked"] == ["use1-a"], "\(answer.text)")
            }
            let other = try await console.request(.post, "/v1/readmission", ["clusters": ["usw1-a"]])
            #expect(other.json["revoked"] == nil)
        }
    }
}
