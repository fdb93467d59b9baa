internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

/// How an agent comes back to a coordinator that went away.
@Suite(.timeLimit(.minutes(1))) struct ComingBackTests {
    /// Where it was welcomed before, it has not to find out which port that is: a fleet whose coordinator went away would come twice each.
    @Test func whoWasWelcomedComesOnceAtATime() async throws {
        try await withDirectory { path in
            let world = try await AgentWorld(directory: path, cluster: FakeCluster())
            // Served once, so that the ports are known.
            try await world.coordinator.serve {}
            let port = await world.coordinator.fleetPort
            let greetings = Greetings()
            try await world.withAgent(try await world.settings()) {
                try await world.coordinator.serve {
                    try await eventually("it is welcomed") { await world.coordinator.isConnected }
                }
                let other = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(HangUp(greetings: greetings))
                        }
                    }.bind(host: "127.0.0.1", port: port).get()
                try await eventually("it comes three times") { greetings.all.count >= 3 }
                try await other.close()
            }
            // A session speaks HTTP/2 and nothing else; whoever looks at a port offers both.
            #expect(greetings.all.allSatisfy { $0.contains("h2") && !$0.contains("http/1.1") })
        }
    }
}

/// The first bytes of everybody who came.
private final class Greetings: Sendable {
    private let state = Mutex<[String]>([])
    var all: [String] { state.withLock { $0 } }
    func add(_ greeting: String) { state.withLock { $0.append(greeting) } }
}

/// Hears who comes, and hangs up.
private final class HangUp: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let greetings: Greetings

    init(greetings: Greetings) { self.greetings = greetings }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        greetings.add(String(buffer: unwrapInboundIn(data)))
        context.close(promise: nil)
    }
}
