internal import Crypto
public import NIOCertificateReloading
public import NIOSSL
internal import Synchronization

/// The credential that new connections are made with. Replacing it needs no restart: connections that are open keep the
/// old one, the next handshake shows the new one.
public final class RotatingCredential: CertificateReloader {
    private struct State {
        var credential: Credential
        var override: NIOSSLContextConfigurationOverride
    }

    private let state: Mutex<State>

    /// Begins with `credential`.
    public init(_ credential: Credential) throws(IdentityError) {
        self.state = Mutex(State(credential: credential, override: try Self.override(of: credential)))
    }

    /// The credential for the next handshake.
    public var current: Credential { state.withLock { $0.credential } }

    /// Shows `credential` from the next handshake on.
    public func replace(with credential: Credential) throws(IdentityError) {
        let override = try Self.override(of: credential)
        state.withLock { $0 = State(credential: credential, override: override) }
    }

    public var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        state.withLock { $0.override }
    }

    private static func override(of credential: Credential) throws(IdentityError) -> NIOSSLContextConfigurationOverride
    {
        do {
            var override = NIOSSLContextConfigurationOverride()
            override.certificateChain = try credential.chain.map {
                .certificate(try NIOSSLCertificate(bytes: $0.derBytes(), format: .der))
            }
            let key = Array(credential.key.derRepresentation)
            override.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .der))
            return override
        } catch {
            throw IdentityError(.invalidCertificate, "TLS does not take the credential of \(credential)", cause: error)
        }
    }
}
