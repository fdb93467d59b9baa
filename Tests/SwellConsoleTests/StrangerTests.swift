internal import AsyncHTTPClient
internal import HTTPTypes
internal import KubernetesObjects
internal import NIOCore
internal import NIOHTTPTypes
internal import NIOPosix
internal import PortGuard
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

/// What anybody who reaches the operator API can hold, and for how long.
@Suite(.timeLimit(.minutes(2))) struct StrangerTests {
    /// One connection that a test writes bytes to; `answer` is what came back until it was closed.
    private struct Wire: Sendable {
        let channel: any Channel
        private let received: Received

        private final class Received: Sendable {
            private let bytes = Mutex<[UInt8]>([])
            func add(_ more: some Sequence<UInt8>) { bytes.withLock { $0.append(contentsOf: more) } }
            var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
        }

        private final class Reader: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            let received: Received
            init(_ received: Received) { self.received = received }
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                received.add(unwrapInboundIn(data).readableBytesView)
            }
            func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        }

        init(to port: Int) async throws {
            let received = Received()
            self.received = received
            channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Reader(received))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        }

        func write(_ text: String) async throws {
            try await channel.writeAndFlush(ByteBuffer(string: text)).get()
        }

        var answer: String { received.text }

        /// Waits until the other side has closed it.
        func closed() async throws -> String {
            try await channel.closeFuture.get()
            return answer
        }
    }

    @Test func aRequestThatComesByteByByteIsCut() async throws {
        let configure: (inout ConsoleConfiguration) -> Void = { $0.requestDeadline = .milliseconds(300) }
        try await ConsoleHarness.run(configure: configure) { console in
            let slow = try await Wire(to: console.port)
            let start = ContinuousClock.now
            let dripping = Task {
                for byte in String(repeating: "GET /healthz HTTP/1.1", count: 100) {
                    try await slow.write(String(byte))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            _ = try await slow.closed()
            dripping.cancel()
            #expect(ContinuousClock.now - start < .seconds(5))
            // Who asks in time stays for the next request.
            let quick = try await Wire(to: console.port)
            for _ in 0..<2 {
                try await quick.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                try await Task.sleep(for: .milliseconds(400))
            }
            #expect(quick.channel.isActive)
            #expect(quick.answer.split(separator: "200 OK").count == 3, "\(quick.answer)")
            try await quick.channel.close().get()
        }
    }

    @Test func strangersDisplaceEachOtherAndNobodyWithAToken() async throws {
        let configure: (inout ConsoleConfiguration) -> Void = {
            $0.connections = ConnectionLimits(total: 30, strangers: 10, strangersPerAddress: 10)
        }
        try await ConsoleHarness.run(configure: configure) { console in
            let known = try await Wire(to: console.port)
            let request = "GET /v1/clusters HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(operatorToken)\r\n\r\n"
            try await known.write(request)
            try await eventually { known.answer.contains("200 OK") }
            var held: [Wire] = []
            for _ in 0..<60 { held.append(try await Wire(to: console.port)) }
            try await eventually { [held] in held.count { $0.channel.isActive } <= 10 }
            try await known.write(request)
            try await eventually { known.answer.split(separator: "200 OK").count == 3 }
            #expect(try await console.request(.get, "/v1/clusters").status == 200)
            for wire in held + [known] { try? await wire.channel.close().get() }
        }
    }

    @Test func oneOperatorsConnectionsTakeNoProbesPlace() async throws {
        // As it is set up, but smaller.
        let configure: (inout ConsoleConfiguration) -> Void = { $0.connections.total = 48 }
        try await ConsoleHarness.run(configure: configure) { console in
            let request = "GET /v1/clusters HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(operatorToken)\r\n\r\n"
            var held: [Wire] = []
            for _ in 0..<48 {
                let wire = try await Wire(to: console.port)
                try? await wire.write(request)
                try await eventually { wire.answer.contains("200 OK") || !wire.channel.isActive }
                held.append(wire)
            }
            let probe = try await Wire(to: console.port)
            try? await probe.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually { !probe.answer.isEmpty || !probe.channel.isActive }
            #expect(probe.answer.contains("200 OK"), "\(probe.answer)")
            for wire in held + [probe] { try? await wire.channel.close().get() }
        }
    }

    /// TLS waits for the client's goodbye when it is closed; a client that says none, and goes on sending, is closed all the same.
    @Test func whoGoesOnSendingIsClosedWithoutAGoodbye() async throws {
        final class Waiting: ChannelOutboundHandler, Sendable {
            typealias OutboundIn = Never
            func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {}
            func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {}
        }
        let limits = ConnectionLimits(total: 4, strangers: 4, strangersPerAddress: 4)
        let connections = ConnectionGuard(
            ConnectionGuard.Settings(name: "test", limits: limits, silenceLimit: nil, requestDeadline: nil))
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                connections.accept(channel).flatMap { connections.followHandshake(of: channel) }.flatMapThrowing {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(Waiting())
                    let unread = UnreadRequestHandler { connections.noteRequest(over: $0) }
                    try pipeline.addHandler(unread)
                    let context = try pipeline.context(handler: unread)
                    let head = HTTPRequest(method: .post, scheme: "https", authority: "x", path: "/")
                    unread.channelRead(context: context, data: NIOAny(HTTPRequestPart.head(head)))
                    unread.write(context: context, data: NIOAny(HTTPResponsePart.end(nil)), promise: nil)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let wire = try await Wire(to: try #require(server.localAddress?.port))
        try await eventually { connections.openConnections == 1 || !wire.channel.isActive }
        try await eventually { connections.openConnections == 0 }
        try? await wire.channel.close().get()
        try await server.close()
    }

    @Test func theBodyOfARefusedRequestIsNotReadToItsEnd() async throws {
        try await ConsoleHarness.run { console in
            let endless = try await Wire(to: console.port)
            try await endless.write("POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n{")
            let start = ContinuousClock.now
            let dripping = Task { while true { try await endless.write(" ") } }
            let answer = try await endless.closed()
            dripping.cancel()
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(
                answer.contains("401 Unauthorized") && answer.lowercased().contains("connection: close"), "\(answer)")
            // A body that comes whole behind its head costs its sender no connection.
            let whole = try await Wire(to: console.port)
            for _ in 0..<2 {
                try await whole.write("POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            }
            try await eventually { whole.answer.contains("401 Unauthorized") }
            try await whole.channel.close().get()
        }
    }

    @Test func oversizedHeadersAreRefused() async throws {
        try await ConsoleHarness.run { console in
            for header in [
                "X-Big: " + String(repeating: "x", count: 100_000),
                (0..<200).map { "X-\($0): 1" }.joined(separator: "\r\n"),
            ] {
                let wire = try await Wire(to: console.port)
                try? await wire.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\(header)\r\n\r\n")
                let answer = try await wire.closed()
                #expect(!answer.contains("200 OK"), "\(answer.prefix(200))")
            }
        }
    }

    @Test func failedSignInsAreSlowedAndOperatorsAreNot() async throws {
        try await ConsoleHarness.run { console in
            func ask(_ token: String) async throws -> (status: Int, took: Duration) {
                let start = ContinuousClock.now
                let status = try await console.request(.get, "/v1/clusters", token: token).status
                return (status, ContinuousClock.now - start)
            }
            for _ in 0..<5 {
                let quick = try await ask("guess")
                #expect(quick.status == 401 && quick.took < .milliseconds(900))
            }
            let slow = try await ask("guess")
            #expect(slow.status == 401 && slow.took >= .milliseconds(900))
            let operatorsOwn = try await ask(operatorToken)
            #expect(operatorsOwn.status == 200 && operatorsOwn.took < .milliseconds(900))
        }
    }

    private func eventually(_ condition: @Sendable () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            try #require(ContinuousClock.now < end)
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
