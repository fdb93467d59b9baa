/// Where an API server is, and who to be there.
///
/// Its description names no secret.
public struct ClusterConnection: Sendable {
    /// Bytes that are given, or read from a file each time they are needed: files are rotated.
    public enum Material: Sendable {
        /// The bytes themselves.
        case inline([UInt8])
        /// A file's path.
        case file(String)
    }

    /// Who to be.
    public enum Identity: Sendable {
        /// Nobody.
        case anonymous
        /// A bearer token.
        case token(Material)
        /// User name and password.
        case password(user: String, password: String)
    }

    /// The server's URL: `https://host:6443`, with a path where it sits behind a proxy.
    public var server: String
    /// The roots that the server's certificate must lead to, in PEM; nil trusts the system's.
    public var certificateAuthority: Material?
    /// The client's certificate chain and key, in PEM.
    public var clientCertificate: (chain: Material, key: Material)?
    /// Who to be, beside the certificate.
    public var identity: Identity
    /// The name that the server's certificate must carry, when it is not the URL's host.
    public var tlsServerName: String?
    /// Whether to accept any certificate. For test clusters only.
    public var skipsVerification: Bool
    /// The namespace that the context prefers.
    public var namespace: String?

    /// Creates a connection.
    public init(
        server: String, certificateAuthority: Material? = nil,
        clientCertificate: (chain: Material, key: Material)? = nil,
        identity: Identity = .anonymous, tlsServerName: String? = nil, skipsVerification: Bool = false,
        namespace: String? = nil
    ) {
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.clientCertificate = clientCertificate
        self.identity = identity
        self.tlsServerName = tlsServerName
        self.skipsVerification = skipsVerification
        self.namespace = namespace
    }

    /// The URL to prepend to paths, and the name to look up in place of its host.
    func endpoint() throws -> (base: String, hostOverride: (name: String, host: String)?) {
        func failure(_ what: String) -> KubernetesError {
            KubernetesError(code: .invalidConfiguration, message: "server \"\(server)\": \(what)")
        }
        guard let schemeEnd = server.firstRange(of: "://") else { throw failure("expected https://host:port") }
        let scheme = server[..<schemeEnd.lowerBound]
        guard scheme == "https" || scheme == "http" else { throw failure("the scheme must be https or http") }
        var rest = server[schemeEnd.upperBound...]
        while rest.hasSuffix("/") { rest.removeLast() }
        let authority = rest.prefix { $0 != "/" }
        guard !authority.isEmpty, !authority.contains("@") else { throw failure("expected https://host:port") }
        if scheme == "http", let secret = identity.secretName, !ClusterConnection.isLoopback(authority) {
            throw failure("a \(secret) must not be sent over http; use https")
        }
        guard let name = tlsServerName, scheme == "https" else { return ("\(scheme)://\(rest)", nil) }
        let host: Substring
        let port: Substring
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            port = authority[authority.index(after: end)...]
        } else {
            host = authority.prefix { $0 != ":" }
            port = authority.dropFirst(host.count)
        }
        let path = rest.dropFirst(authority.count)
        return ("\(scheme)://\(name)\(port)\(path)", name == host ? nil : (name, String(host)))
    }

    /// Whether a URL's host is this machine, by its exact name or address: `127.evil.example` is not.
    static func isLoopback(_ authority: Substring) -> Bool {
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } == "[::1" }
        let host = authority.prefix { $0 != ":" }
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false)
        return host.lowercased() == "localhost"
            || bytes.count == 4 && bytes[0] == "127" && bytes.allSatisfy { UInt8($0) != nil && $0.count <= 3 }
    }
}

extension ClusterConnection.Identity {
    /// What it sends with every request that nobody else may see; nil for nothing.
    fileprivate var secretName: String? {
        switch self {
        case .anonymous: nil
        case .token: "token"
        case .password: "password"
        }
    }
}

extension ClusterConnection: CustomStringConvertible {
    public var description: String { server }
}
