internal import NIOCore
internal import NIOPosix
internal import Testing

@testable internal import SwellCommands

@Suite struct AgentPortProbeTests {
    /// As a database or a web server in clear: it reads a greeting that it does not understand, and hangs up.
    private final class HangsUp: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.close(promise: nil) }
    }

    /// As what never answers.
    private final class KeepsSilent: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    }

    private func met(
        within limit: Duration, _ handler: @escaping @Sendable () -> any ChannelInboundHandler
    ) async throws -> AgentPortProbe? {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }.bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let met = await AgentPortProbe.look(host: "127.0.0.1", port: port, within: limit)
        try await server.close()
        return met
    }

    @Test func whatHangsUpIsNoPortOfACoordinator() async throws {
        #expect(try await met(within: .seconds(20)) { HangsUp() } == .withoutTLS)
    }

    @Test func ofWhatSaysNothingNothingIsKnown() async throws {
        #expect(try await met(within: .milliseconds(500)) { KeepsSilent() } == nil)
    }

    @Test func onlyThePortThatIsWantedIsInOrder() {
        let all: [AgentPortProbe?] = [.sessions, .enrolment, .api, .stranger, .withoutTLS, nil]
        for wanted in [AgentPortProbe.sessions, .enrolment] {
            for met in all {
                let finding = DoctorCommand.finding("port", "a:1", met: met, wanted: wanted, port: 7443)
                #expect(finding.standing == (met == wanted ? .ok : met == nil ? .warning : .broken))
                #expect((finding.advice == nil) == (met == wanted) && finding.message.hasPrefix("a:1 "))
            }
        }
    }
}
