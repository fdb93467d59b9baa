internal import FoundationEssentials
internal import NIOSSL

/// Turns a connection's credentials into what a request needs, re-reading rotated files.
actor CredentialReader {
    /// What a request carries.
    struct Credentials: Sendable {
        var tls: TLSConfiguration
        var authorization: String?
    }

    private let connection: ClusterConnection
    private let maximumAge: Duration
    private var cached: (credentials: Credentials, readAt: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - connection: Whose credentials to read.
    ///   - maximumAge: How long what was read is used; Kubernetes rotates files well before they expire.
    init(connection: ClusterConnection, maximumAge: Duration = .seconds(60)) {
        self.connection = connection
        self.maximumAge = maximumAge
    }

    /// The credentials to use now.
    ///
    /// - Throws: ``KubernetesError`` when a file cannot be read or holds something else. What was read before is used on
    ///   while a file is missing, as it is for a moment when it is replaced.
    func current() throws -> Credentials {
        let now = ContinuousClock.now
        if let cached, cached.readAt.duration(to: now) < maximumAge { return cached.credentials }
        do {
            let credentials = try CredentialReader.read(connection)
            cached = (credentials, now)
            return credentials
        } catch {
            if let cached { return cached.credentials }
            throw error
        }
    }

    /// Reads files anew at the next request.
    func forget() {
        guard let cached else { return }
        self.cached = (cached.credentials, cached.readAt - maximumAge - .seconds(1))
    }

    static func read(_ connection: ClusterConnection) throws -> Credentials {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let authority = connection.certificateAuthority {
            let roots = try certificates(authority, "the certificate authority")
            tls.trustRoots = .certificates(roots)
        }
        if connection.skipsVerification { tls.certificateVerification = .none }
        if let client = connection.clientCertificate {
            let chain = try certificates(client.chain, "the client certificate")
            let key = try bytes(client.key, "the client key")
            do {
                tls.certificateChain = chain.map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            } catch {
                throw unusable("the client key", client.key, "is no private key in PEM form", error)
            }
        }
        switch connection.identity {
        case .anonymous:
            return Credentials(tls: tls, authorization: nil)
        case .token(let material):
            let token = String(decoding: try bytes(material, "the token"), as: UTF8.self).filter { !$0.isWhitespace }
            guard !token.isEmpty else { throw unusable("the token", material, "is empty", nil) }
            return Credentials(tls: tls, authorization: "Bearer \(token)")
        case .password(let user, let password):
            let encoded = Data("\(user):\(password)".utf8).base64EncodedString()
            return Credentials(tls: tls, authorization: "Basic \(encoded)")
        }
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
