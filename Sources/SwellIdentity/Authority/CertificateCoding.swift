internal import Crypto
internal import FoundationEssentials
internal import SwellModel
internal import SwiftASN1
internal import X509

/// The most bytes that a PEM file of certificates or a key may have.
let pemLimit = 256 * 1024

extension Certificate {
    /// The certificate's DER bytes.
    func derBytes() throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(self)
        return serializer.serializedBytes
    }

    /// The serial number in lower-case hexadecimal, two digits a byte: how denylists and audit rows name a certificate.
    var serialText: String { hexadecimal(serialNumber.bytes) }
}

/// Reads every certificate of a PEM text, in order; `origin` names the text in errors.
func certificates(fromPEM text: String, origin: String) throws(IdentityError) -> [Certificate] {
    do {
        let documents = try PEMDocument.parseMultiple(pemString: text)
        let found = try documents.filter { $0.discriminator == Certificate.defaultPEMDiscriminator }
            .map { try Certificate(pemDocument: $0) }
        guard !found.isEmpty else {
            throw IdentityError(
                .invalidCertificate, "\(origin): no certificate in it; expected PEM with BEGIN CERTIFICATE")
        }
        return found
    } catch let error as IdentityError {
        throw error
    } catch {
        throw IdentityError(.invalidCertificate, "\(origin): not a PEM certificate", cause: error)
    }
}

/// Writes certificates as PEM, in order.
func pem(of certificates: [Certificate]) throws(IdentityError) -> String {
    do {
        return try certificates.map { try $0.serializeAsPEM().pemString + "\n" }.joined()
    } catch {
        throw IdentityError(.invalidCertificate, "a certificate cannot be written as PEM", cause: error)
    }
}

/// Reads a P-256 private key from a PEM text; `origin` names the text in errors, which never quote it.
func privateKey(fromPEM text: String, origin: String) throws(IdentityError) -> P256.Signing.PrivateKey {
    do {
        return try P256.Signing.PrivateKey(pemRepresentation: text)
    } catch {
        throw IdentityError(.invalidCertificate, "\(origin): expected a P-256 private key as PEM (PKCS #8 or SEC 1)")
    }
}

/// Bytes as lower-case hexadecimal.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

extension Timestamp {
    /// The same moment as X509 has it.
    var date: Date { Date(timeIntervalSince1970: TimeInterval(milliseconds) / 1000) }

    /// The moment of a certificate's field, which has whole seconds.
    init(_ date: Date) { self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded())) }
}

/// The bytes of a serial number in hexadecimal; nil where the text is none, or has more than 20 bytes.
func serialBytes(_ text: String) -> [UInt8]? {
    let digits = text.compactMap { $0.hexDigitValue }
    guard digits.count == text.count, digits.count.isMultiple(of: 2), (1...20).contains(digits.count / 2) else {
        return nil
    }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}
