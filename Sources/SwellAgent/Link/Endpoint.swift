internal import GRPCNIOTransportHTTP2

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

    var target: any ResolvableTarget { .dns(host: host, port: port) }
}
