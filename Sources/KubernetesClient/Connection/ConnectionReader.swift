internal import FoundationEssentials
internal import NIOSSL

/// Knows where the server is and who to be there, re-reading what is kept in files: they are rotated and replaced.
actor ConnectionReader {
    /// What a request needs.
    struct Connection: Sendable {
        var server: String
        var endpoint: (base: String, hostOverride: (name: String, host: String)?)
        var tls: TLSConfiguration
        var authorization: String?
    }

    private let source: @Sendable () throws -> ClusterConnection
    private let maximumAge: Duration
    private var cached: (connection: Connection, readAt: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - source: Gives the connection's settings as they are now.
    ///   - maximumAge: How long what was read is used; Kubernetes rotates files well before they expire.
    init(source: @escaping @Sendable () throws -> ClusterConnection, maximumAge: Duration = .seconds(60)) {
        self.source = source
        self.maximumAge = maximumAge
    }

    /// The connection to use now.
    ///
    /// - Throws: ``KubernetesError`` when a file cannot be read or holds something else. What was read before is used on
    ///   while a file is missing, as it is for a moment when it is replaced.
    func current() throws -> Connection {
        let now = ContinuousClock.now
        if let cached, cached.readAt.duration(to: now) < maximumAge { return cached.connection }
        do {
            let connection = try ConnectionReader.read(source())
            cached = (connection, now)
            return connection
        } catch {
            if let cached { return cached.connection }
            throw error
        }
    }

    /// Reads again at the next request.
    func forget() {
        guard let cached else { return }
        self.cached = (cached.connection, cached.readAt - maximumAge - .seconds(1))
    }

    static func read(_ connection: ClusterConnection) throws -> Connection {
        var result = Connection(
            server: connection.server, endpoint: try connection.endpoint(),
            tls: TLSConfiguration.makeClientConfiguration())
        // What Kubernetes itself has as its least (kube-apiserver's --tls-min-version).
        result.tls.minimumTLSVersion = .tlsv12
        if let authority = connection.certificateAuthority {
            let roots = try certificates(authority, "the certificate authority")
            result.tls.trustRoots = .certificates(roots)
        }
        if connection.skipsVerification { result.tls.certificateVerification = .none }
        if let client = connection.clientCertificate {
            let chain = try certificates(client.chain, "the client certificate")
            let key = try bytes(client.key, "the client key")
            do {
                result.tls.certificateChain = chain.map { .certificate($0) }
                result.tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            } catch {
                throw unusable("the client key", client.key, "is no private key in PEM form", error)
            }
        }
        switch connection.identity {
        case .anonymous: break
        case .token(let material):
            let token = String(decoding: try bytes(material, "the token"), as: UTF8.self).filter { !$0.isWhitespace }
            guard !token.isEmpty else { throw unusable("the token", material, "is empty", nil) }
            result.authorization = "Bearer \(token)"
        case .password(let user, let password):
            let encoded = Data("\(user):\(password)".utf8).base64EncodedString()
            result.authorization = "Basic \(encoded)"
        }
        return result
    }

    private static func certificates(
        _ material: ClusterConnection.Material, _ what: String
    ) throws -> [NIOSSLCertificate] {
        let pem = try bytes(material, what)
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
            guard !certificates.isEmpty else { throw unusable(what, material, "holds no certificate", nil) }
            return certificates
        } catch let error as KubernetesError {
            throw error
        } catch {
            throw unusable(what, material, "is no certificate in PEM form", error)
        }
    }

    private static func bytes(_ material: ClusterConnection.Material, _ what: String) throws -> [UInt8] {
        switch material {
        case .inline(let bytes): return bytes
        case .file(let path):
            do {
                return Array(try Data(contentsOf: URL(filePath: path)))
            } catch {
                throw unusable(what, material, "cannot be read", error)
            }
        }
    }

    private static func unusable(
        _ what: String, _ material: ClusterConnection.Material, _ problem: String, _ cause: (any Error)?
    ) -> KubernetesError {
        var place = ""
        if case .file(let path) = material { place = " in \(path)" }
        return KubernetesError(code: .invalidConfiguration, message: "\(what)\(place) \(problem)", cause: cause)
    }
}
