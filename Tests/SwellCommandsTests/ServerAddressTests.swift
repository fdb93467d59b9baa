internal import ArgumentParser
internal import Foundation
internal import Testing

@testable internal import SwellCommands

/// Where a token is sent, and where it is not.
@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("https://coordinator.example", "https://coordinator.example"),
        ("https://A.Example:7080/", "https://a.example:7080"),
        ("http://127.0.0.1:7080", "http://127.0.0.1:7080"), ("http://localhost", "http://localhost"),
        ("http://[::1]:7080/", "http://[::1]:7080"), ("https://h/swell/", "https://h/swell"),
        ("http://127.8.9.10:1", "http://127.8.9.10:1"),
    ])
    func isRead(text: String, read: String) throws {
        #expect(try ServerAddress(text).description == read)
    }

    @Test(arguments: [
        "http://localhost:x@evil.example/", "https://user:secret@h/", "http://localhost@evil.example",
        "http://localhost.evil.example", "http://127.evil.example:80", "http://127.0.0.1.evil.example", "http://127.1",
        "http://[::1].evil.example", "http://[::1]x", "http://localhost:80x", "https://h:0", "https://h:65536",
        "https://",
        "https:///x", "https://h?x", "https://h#x", "https://h\\@evil", "https://h h", "ftp://h", "h:7080",
        "http://0x7f.1",
        "https://[h]", "https://h:", "http://10.0.0.1", "",
    ])
    func isRefused(text: String) {
        let error = #expect(throws: CommandError.self) { try ServerAddress(text) }
        #expect(error?.code == .usage && error?.message.contains("secret") == false)
    }

    private func withConfiguration(_ body: (String, [String: String]) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "swell-config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "swell"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let token = folder.appending(path: "token").path
        try Data("token-of-a".utf8).write(to: URL(filePath: token))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token)
        try """
        currentContext: a
        contexts:
          - {name: a, server: "https://a.example:7080", tokenFile: "\(token)", caFile: /ca-of-a}
          - {name: b, server: "https://b.example"}
        """.write(to: folder.appending(path: "swell/config.yaml"), atomically: true, encoding: .utf8)
        try body(token, ["XDG_CONFIG_HOME": folder.path])
    }

    @Test func aContextsTokenIsForItsServerOnly() throws {
        try withConfiguration { _, environment in
            func resolve(_ words: [String], _ more: [String: String] = [:]) throws -> Connection {
                try Connection.resolve(
                    ConnectionOptions.parse(words), environment: environment.merging(more) { $1 })
            }
            let own = try resolve([])
            #expect(own.token == "token-of-a" && own.caFile == "/ca-of-a")
            #expect(try resolve(["--server", "https://A.example:7080/"]).token == "token-of-a")
            let strange = #expect(throws: CommandError.self) { try resolve(["--server", "https://evil.example"]) }
            #expect(strange?.message.contains("the context's token is for https://a.example:7080") == true)
            #expect(throws: CommandError.self) { try resolve([], ["SWELL_SERVER": "https://evil.example"]) }
            // The same host on another port is another server.
            #expect(throws: CommandError.self) { try resolve(["--server", "https://a.example:7443"]) }
            // A context that is asked for brings its own; what the environment holds is for another server.
            let asked = try resolve(
                ["--context", "a"], ["SWELL_TOKEN": "other", "SWELL_SERVER": "https://c", "SWELL_CA_FILE": "/other"])
            #expect(asked.token == "token-of-a" && asked.server.host == "a.example" && asked.caFile == "/ca-of-a")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give a file away"))
    func rootReadsTheTokenOfAServiceUser() throws {
        try withConfiguration { token, _ in
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600, .ownerAccountID: 64_001], ofItemAtPath: token)
            #expect(try TokenFile.read(token) == "token-of-a")
        }
    }

    @Test func aTokenFileThatOthersReadIsRefused() throws {
        try withConfiguration { token, _ in
            #expect(try TokenFile.read(token) == "token-of-a")
            for mode in [0o644, 0o620, 0o602] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: token)
                let error = #expect(throws: CommandError.self) { try TokenFile.read(token) }
                #expect(error?.message.contains("chmod 600") == true)
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: token)
            #expect(try TokenFile.read(token) == "token-of-a")
            #expect(throws: CommandError.self) { try TokenFile.read("/dev/zero") }
            #expect(throws: CommandError.self) { try TokenFile.read("/") }
        }
    }
}
