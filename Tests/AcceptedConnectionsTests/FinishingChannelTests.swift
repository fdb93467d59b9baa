internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Testing

@testable internal import AcceptedConnections

@Suite(.timeLimit(.minutes(1))) struct FinishingChannelTests {
    /// A listener that takes up the first few of its connections, and ends with the others untaken.
    private static func listen(
        taking count: Int, connecting: (Int) async throws -> Void
    ) async throws {
        let http = FinishingChannel(HTTP1Channel(responder: { _, _, _ in }))
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "127.0.0.1", port: 0, serverBackPressureStrategy: nil) { channel in
                http.setup(channel: channel, logger: logger)
            }
        try await listener.executeThenClose { inbound in
            try await connecting(try #require(listener.channel.localAddress?.port))
            guard count > 0 else { return }
            var taken = 0
            for try await connection in inbound {
                // Its client is away as soon as it came.
                try await connection.channel.close()
                await http.handle(value: connection, logger: logger)
                taken += 1
                if taken == count { break }
            }
        }
    }

    /// Without a finish of each, NIO ends the process.
    @Test(arguments: [0, 7]) func connectionsThatNobodyTakesUpAreClosed(taken: Int) async throws {
        var clients: [any Channel] = []
        try await Self.listen(taking: taken) { port in
            for _ in 0..<60 {
                clients.append(
                    try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(
                        host: "127.0.0.1", port: port
                    ).get())
            }
        }
        for client in clients { try await client.closeFuture.get() }
    }
}
