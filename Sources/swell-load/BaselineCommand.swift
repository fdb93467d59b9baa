internal import ArgumentParser
internal import Foundation
internal import SwellIdentity
internal import SwellLoad
internal import SwellModel

/// Serves what a coordinator is compared with.
struct BaselineCommand: AsyncParsableCommand {
    enum Kind: String, ExpressibleByArgument, CaseIterable { case grpc, tls }

    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "Serve what a coordinator is compared with, to the same agents.",
        discussion: """
            grpc: sessions as a coordinator has them, with nothing behind them.
            tls:  mutual TLS that judges the same certificates, and says a byte for each that it hears.
            """)

    @Argument(help: "grpc or tls.")
    var kind: Kind

    @Option(help: "The coordinator's state directory: the authority in it is what agents trust.")
    var stateDir: String

    @Option(help: "The port on 127.0.0.1; 0 for any free one.")
    var port: Int = 0

    @Option(help: "The circle of trust in certificates' names.")
    var trustDomain: String = "swell.local"

    @Option(help: "A file that is written once it listens, with the port.")
    var readyFile: String

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port: \(port) is no port") }
        do { _ = try TrustDomain(trustDomain) } catch { throw ValidationError("--trust-domain: \(error)") }
    }

    func run() async throws {
        try DescriptorLimit.ensure(0)
        let now: @Sendable () -> Timestamp = {
            Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        }
        let authorities = try AuthorityDirectory(path: stateDir + "/authority")
            .loadSet(trustDomain: TrustDomain(trustDomain), now: now())
        switch kind {
        case .grpc:
            let server = try BareFleetServer(port: port, authorities: authorities, now: now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { [readyFile] in try Self.tell(await server.port, in: readyFile) }
                try await group.waitForAll()
            }
        case .tls:
            let server = try await TLSAcceptLoop.start(port: port, authorities: authorities, now: now)
            try Self.tell(server.port, in: readyFile)
            try await server.closed()
        }
    }

    private static func tell(_ port: Int, in file: String) throws {
        try Data("\(port)\n".utf8).write(to: URL(filePath: file), options: .atomic)
    }
}
