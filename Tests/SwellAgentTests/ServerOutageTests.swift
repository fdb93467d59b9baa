internal import FoundationEssentials
internal import KubernetesSimulator
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// An API server that is away, in whatever way: the agent says so within seconds, waits, and goes on.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ServerOutageTests {
    @Test(arguments: FaultPlan.Outage.allCases) func inTheMiddleOfAnApply(outage: FaultPlan.Outage) async throws {
        try await SimulatedLab.run { lab in
            let text = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:never-ready", deadline: 600)
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1, deadline: .minutes(5)))
            try await lab.withAgent {
                try await lab.waitFor("it applies") { $0.phase == .applying && $0.message?.contains("web") == true }
                try await lab.fleet.setFaults(FaultPlan(outage: outage), in: "east-1")
                try await lab.waitFor("it says that the server is away", within: .seconds(15)) {
                    $0.phase == .applying && $0.health == .unknown && $0.reason?.hasPrefix("APIServer") == true
                        && $0.message?.isEmpty == false
                }
                try await lab.fleet.setFaults(.none, in: "east-1")
                try await lab.waitFor("it goes on") {
                    $0.phase == .applying && $0.health == .progressing && $0.reason?.hasPrefix("APIServer") != true
                }
            }
        }
    }

    @Test func whileARunningReleaseIsWatched() async throws {
        try await SimulatedLab.run { lab in
            let text = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:1")
            let one = try await lab.world.release("1.0.0", extra: text)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("healthy") { $0.phase == .healthy && $0.health == .healthy }
                try await lab.fleet.setFaults(FaultPlan(outage: .hang), in: "east-1")
                try await lab.waitFor("unknown") {
                    $0.phase == .healthy && $0.health == .unknown && $0.reason == "APIServerSilent"
                }
                try await lab.fleet.setFaults(.none, in: "east-1")
                try await lab.waitFor("healthy again") { $0.phase == .healthy && $0.health == .healthy }
            }
        }
    }

    /// Where the kubeconfig leads, until it is replaced by the right one.
    enum Mistake: String, CaseIterable, Sendable {
        case garbage, hang, close, refused, authority, expired, token

        /// What must be among the words.
        var words: String {
            switch self {
            case .authority: "certificate is not signed by the authority that the kubeconfig trusts"
            case .expired: "certificate has expired, on 20"
            default: ""
            }
        }
    }

    @Test(arguments: Mistake.allCases) func untilTheKubeconfigIsReplaced(mistake: Mistake) async throws {
        try await SimulatedLab.run { lab in
            let one = try await lab.world.release("1.0.0", extra: ShopManifest.namespace)
            let two = try await lab.world.release("2.0.0", extra: ShopManifest.namespace)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent { try await lab.waitFor("healthy") { $0.phase == .healthy } }
            let right = try await lab.fleet.kubeconfig(for: "east-1")
            let expired = try ExpiredCertificate()
            try await WrongServer.run(mistake, expired) { port in
                let wrong = try wrongKubeconfig(right, mistake, port, expired)
                try AtomicFile.write(Array(wrong.utf8), to: lab.kubeconfigPath, isDurable: false)
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one, deadline: .minutes(5)))
                try await lab.withAgent {
                    try await lab.waitFor("it says so", within: .seconds(20)) {
                        $0.generation == 2 && $0.phase == .applying && $0.health == .unknown
                            && $0.reason?.hasPrefix("APIServer") == true
                            && (mistake.words.isEmpty || $0.message?.contains(mistake.words) == true)
                    }
                    try AtomicFile.write(Array(right.utf8), to: lab.kubeconfigPath, isDurable: false)
                    try await lab.waitFor("it goes on", within: .seconds(60)) {
                        $0.generation == 2 && $0.phase == .healthy
                    }
                }
            }
        }
    }

    private func wrongKubeconfig(
        _ right: String, _ mistake: Mistake, _ port: Int, _ expired: ExpiredCertificate
    ) throws -> String {
        func replacing(_ key: String, _ value: String, in text: String? = nil) -> String {
            (text ?? right).split(separator: "\n").map { line in
                guard let start = line.firstRange(of: "\(key): ") else { return String(line) }
                return line[..<start.upperBound] + value
            }.joined(separator: "\n")
        }
        switch mistake {
        case .garbage, .hang, .close, .refused:
            // A token is sent over plain HTTP to the machine itself only.
            return replacing("server", "http://127.0.0.1:\(port)")
        case .authority:
            let other = try SimulatedFleet(clusters: [.init(name: "east-1")], pace: .quick)
            return replacing(
                "certificate-authority-data", Data(other.certificateAuthorityPEM.utf8).base64EncodedString())
        case .expired:
            return replacing(
                "certificate-authority-data", Data(expired.authorityPEM.utf8).base64EncodedString(),
                in: replacing("server", "https://127.0.0.1:\(port)"))
        case .token: return replacing("token", "stale")
        }
    }
}

/// A server that is no API server.
private enum WrongServer {
    static func run(
        _ mistake: ServerOutageTests.Mistake, _ expired: ExpiredCertificate, _ body: (Int) async throws -> Void
    ) async throws {
        let answer: String? =
            switch mistake {
            case .garbage: "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"
            case .close: ""
            default: nil
            }
        let tls = mistake == .expired ? try expired.serverContext() : nil
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let tls { try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try child.pipeline.syncOperations.addHandler(Answerer(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        if mistake == .refused { try await channel.close() }
        do {
            try await body(port)
        } catch {
            try? await channel.close()
            throw error
        }
        try? await channel.close()
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String?

        init(answer: String?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard let answer else { return }
            if !answer.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil) }
            context.close(promise: nil)
        }
    }
}
