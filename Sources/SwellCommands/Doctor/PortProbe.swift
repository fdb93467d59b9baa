internal import Foundation
internal import NIOCore
internal import NIOPosix

/// Finds out whether something accepts connections.
enum PortProbe {
    /// Why nothing does; nil where something does. Nothing is sent.
    static func problem(host: String, port: Int, within limit: Duration = .seconds(3)) async -> String? {
        let limit = TimeAmount.nanoseconds(Int64(limit / .nanoseconds(1)))
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit).connect(host: host, port: port).get()
            try? await channel.close()
            return nil
        } catch {
            return brief(error)
        }
    }

    private static func brief(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError else {
                return "no address answered"
            }
            return brief(first)
        // Its description begins with what NIO was about.
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case is SocketAddressError.UnknownHost: return "the name is not known here"
        case is ChannelError: return "no answer in time"
        default: return "\(error)"
        }
    }
}

/// A host and a port, as in `swell.example.com:7443` or `[::1]:7443`.
struct HostAndPort: Sendable, Hashable {
    var host: String
    var port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
