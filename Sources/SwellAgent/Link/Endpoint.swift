internal import GRPCNIOTransportHTTP2

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// Where to dial: `host:port`, `[v6 address]:port`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var port: Int

    public init(_ text: String) throws(AgentError) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { throw Self.refusal(text) }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw Self.refusal(text)
        }
        guard !host.isEmpty else { throw Self.refusal(text) }
        self.host = host
        self.port = port
    }

    private static func refusal(_ text: String) -> AgentError {
        AgentError(.invalidSetting, "'\(text)' is no address: expected host:port, such as swell.example.com:7443")
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// An address is dialled as one: as a name it would be put into the handshake, where TLS has no room for addresses.
    var target: any ResolvableTarget {
        guard isAddress else { return .dns(host: host, port: port) }
        return host.contains(":") ? .ipv6(address: host, port: port) : .ipv4(address: host, port: port)
    }

    /// Whether the host is an address and no name.
    var isAddress: Bool {
        var (four, six) = (in_addr(), in6_addr())
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }
}
