internal import Foundation
internal import PostgresClient
internal import PostgresTesting
internal import Testing

@Suite("TLS")
struct TLSTests {
    /// Certificates made for one test, in a directory that goes with it.
    private final class Certificates {
        let directory: URL

        init() throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "certificates-\(UUID())")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for name in ["ca", "stranger"] {
                try openssl(
                    ["req", "-x509", "-new", "-keyout", "\(name).key", "-out", "\(name).crt", "-subj", "/CN=\(name)"]
                        + newKey)
            }
            try openssl(
                ["req", "-new", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=ignored"] + newKey)
            try Data("subjectAltName=DNS:localhost".utf8).write(to: directory.appending(path: "names"))
            try openssl([
                "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "1",
                "-extfile", "names", "-out", "server.crt",
            ])
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        private let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"]

        private func openssl(_ arguments: [String]) throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["openssl"] + arguments
            process.currentDirectoryURL = directory
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "openssl \(arguments) failed")
        }

        func text(_ name: String) throws -> String {
            try String(contentsOf: directory.appending(path: name), encoding: .utf8)
        }

        func path(_ name: String) -> String { directory.appending(path: name).path }
    }

    @Test func theServersNameAndAuthorityAreChecked() async throws {
        let certificates = try Certificates()
        var options = PostgresServer.Options()
        options.tls = (try certificates.text("server.crt"), try certificates.text("server.key"))
        let server = try await PostgresServer.start(options)
        let right = try PostgresConfiguration(
            "postgres://postgres@localhost:\(server.port)/postgres?sslmode=verify-full&sslrootcert=\(certificates.path("ca.crt"))"
        )
        try await withConnection(to: right) { connection in
            let encrypted = try await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                .scalar(Bool.self)
            let usesTLS = await connection.usesTLS
            #expect(encrypted && usesTLS)
            // Cancelling works over TLS as well.
            let late = await failure { try await connection.query("SELECT pg_sleep(60)", timeout: .milliseconds(50)) }
            #expect(late?.code == .timedOut)
            let large = try await connection.query(
                "SELECT length($1)", [.text(String(repeating: "x", count: 5_000_000))]
            )
            .scalar(Int.self)
            #expect(large == 5_000_000)
        }
        let wrongName = right.setting(["host": "other.example", "hostaddr": "127.0.0.1"])
        let name = await failure { try await PostgresConnection.connect(to: wrongName) }
        #expect(name?.code == .connectionFailed)
        #expect(name?.message.contains("does not match host name") == true)
        let wrongAuthority = right.setting(["sslrootcert": certificates.path("stranger.crt")])
        let authority = await failure { try await PostgresConnection.connect(to: wrongAuthority) }
        #expect(authority?.code == .connectionFailed)
        #expect(authority?.message.contains("certificate verify failed") == true)
    }

    @Test func anotherMachineIsVerifiedUnlessSaidOtherwise() async throws {
        let server = try await PostgresServer.start(with(\.loopback, true))
        let far = PostgresConfiguration(keywords: [
            "host": "db.example", "hostaddr": "127.0.0.1", "port": String(server.port), "user": "postgres",
            "sslrootcert": "/nowhere/root.crt",
        ])
        // By its address it is this machine: no encryption is asked for.
        try await withConnection(to: far) { connection in
            let usesTLS = await connection.usesTLS
            #expect(!usesTLS)
        }
        let verified = far.setting(["sslmode": "verify-full"])
        let refused = await failure { try await PostgresConnection.connect(to: verified) }
        #expect(refused?.message.contains("does not support SSL") == true)
        let elsewhere = PostgresConfiguration(keywords: [
            "host": "0.0.0.0", "port": String(server.port), "user": "postgres",
        ])
        let unverified = await failure { try await PostgresConnection.connect(to: elsewhere) }
        #expect(unverified?.code == .connectionFailed)
        #expect(unverified?.message.contains("SSL") == true)
    }

    private func with<Value>(
        _ path: WritableKeyPath<PostgresServer.Options, Value>, _ value: Value
    ) -> PostgresServer.Options {
        var options = PostgresServer.Options()
        options[keyPath: path] = value
        return options
    }
}
