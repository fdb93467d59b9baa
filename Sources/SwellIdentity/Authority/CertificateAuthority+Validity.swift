public import SwellModel
internal import X509

extension CertificateAuthority {
    /// When the authority's own certificate ceases to be valid: nothing that it signed is trusted beyond.
    public var notValidAfter: Timestamp { Timestamp(certificate.notValidAfter) }
}
