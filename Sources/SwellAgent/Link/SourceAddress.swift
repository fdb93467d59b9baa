internal import GRPCNIOTransportHTTP2
internal import NIOCore

extension LinkSettings {
    /// The transport's settings for sessions; with a source, the socket is bound to it before it connects.
    var sessionTransport: HTTP2ClientTransport.Posix.Config {
        guard let source else { return Self.transport }
        var config = Self.transport
        config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
            do {
                return channel.bind(to: try SocketAddress(ipAddress: source, port: 0))
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }
        return config
    }
}
