internal import Crypto
internal import SwellModel
internal import X509

@testable internal import SwellIdentity

/// Names in certificates, tokens, signing requests and PEM files.
enum IdentityTargets {
    static let all = [names, certificates]

    /// A name that was ingested is written exactly as it came: there is one spelling.
    static let names = FuzzTarget(
        name: "names",
        words: [
            "spiffe://", "/cluster/", "/coordinator", "swell-join.", "sha256:", "%2f", "*.", "127.0.0.1", "::1",
            "\u{301}",
        ]
    ) { input in
        guard let text = text(input) else { return }
        if let identity = try accepted(orRefusedBy: IdentityError.self, { try WorkloadIdentity(uri: text) }) {
            try require(Array(identity.uri.utf8) == input, "\(identity) has a second spelling")
        }
        if let token = try accepted(orRefusedBy: IdentityError.self, { try JoinToken(parsing: text) }) {
            try require(Array(token.text.utf8) == input, "the token has a second spelling")
            try require(token.description == "swell-join.\(token.cluster).***", "the description tells the secret")
        }
        if let fingerprint = try accepted(orRefusedBy: IdentityError.self, { try KeyFingerprint(parsing: text) }) {
            try require(fingerprint.description.utf8.count == 71, "a fingerprint of another length")
        }
        if let domain = try accepted(orRefusedBy: IdentityError.self, { try TrustDomain(text) }) {
            try require(Array(domain.name.utf8) == input, "the domain has a second spelling")
        }
        if let names = try accepted(orRefusedBy: IdentityError.self, { try ServerNames([text]) }) {
            try require(
                (names.hosts + names.addresses).allSatisfy { $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } },
                "a server name that is not plain")
        }
        if let bytes = serialBytes(text) { try require((1...20).contains(bytes.count), "a serial of another length") }
    }

    /// DER and PEM: refused by this room's own error, whatever is in them.
    static let certificates = FuzzTarget(
        name: "certificates",
        words: ["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "0\u{2}", "\u{6}\u{3}U"]
    ) { input in
        _ = try accepted(orRefusedBy: IdentityError.self) { try SigningRequest(derBytes: input) }
        let der = try accepted(orRefusedBy: IdentityError.self) {
            try SwellIdentity.certificates(fromDER: [input], what: "the input")
        }
        var found = der ?? []
        if let text = text(input) {
            let pem = try accepted(orRefusedBy: IdentityError.self) {
                try SwellIdentity.certificates(fromPEM: text, origin: "the input")
            }
            found += pem ?? []
            _ = try accepted(orRefusedBy: IdentityError.self) {
                try privateKey(fromPEM: text, origin: "the input")
            }
        }
        for certificate in found {
            _ = try accepted(orRefusedBy: IdentityError.self) { try certificate.workloadIdentity() }
            _ = certificate.expiresAt.description
            _ = certificate.serialHexadecimal
        }
    }
}
