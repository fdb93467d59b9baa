/// The name of one Swell installation's circle of trust, the authority of every `spiffe://` name in it.
///
/// Lower-case letters, digits, `.`, `-` and `_`, at most 255 of them (the SPIFFE ID specification, section 2.1).
public struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    /// The name, such as `swell.example.com`.
    public let name: String

    /// Checks `name` and takes it.
    public init(_ name: String) throws(IdentityError) {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard allowed, !name.isEmpty, name.utf8.count <= 255 else {
            throw IdentityError(
                .invalidName,
                "trust domain \(quoted(name)): expected 1 to 255 of a-z, 0-9, '.', '-' and '_', as in swell.example.com"
            )
        }
        self.name = name
    }

    public var description: String { name }

    /// The name that stands in the authority's own certificate.
    public var uri: String { "spiffe://\(name)" }
}
