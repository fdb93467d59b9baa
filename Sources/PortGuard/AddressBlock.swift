package import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Who is at the other end, as far as an address tells: an IPv4 address, or the /64 that an IPv6 address is from.
///
/// Whoever has one IPv6 address has the 2^64 of its network, so limits by whole addresses would be none (RFC 4291, 2.5.1). An IPv4 address
/// that was mapped into IPv6 is that IPv4 address. What cannot be read counts as one: the unknown.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    /// `192.0.2.7`, `2001:db8:1:2::/64`, or `unknown`.
    package let description: String

    package static let unknown = AddressBlock(description: "unknown")

    private init(description: String) { self.description = description }

    /// The block of an IP address in text, without a port; a zone (`%eth0`) is left out.
    package init(ip text: some StringProtocol) {
        let plain = text.prefix { $0 != "%" }
        var four = in_addr()
        if inet_pton(AF_INET, String(plain), &four) == 1 {
            self.init(v4: withUnsafeBytes(of: &four) { Array($0) })
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, String(plain), &six) == 1 else {
            self = .unknown
            return
        }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        if bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] {
            self.init(v4: Array(bytes.suffix(4)))
        } else {
            self.init(v6: bytes)
        }
    }

    /// The block of a peer as gRPC describes it: `ipv4:192.0.2.7:4711`, `ipv6:[2001:db8::1]:4711`.
    package init(peer: String) {
        var rest = peer[...]
        for scheme in ["ipv4:", "ipv6:"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            self.init(ip: rest[..<end].dropFirst())
        } else if let colon = rest.lastIndex(of: ":"), rest.count(where: { $0 == ":" }) == 1 || rest.contains(".") {
            self.init(ip: rest[..<colon])
        } else {
            self.init(ip: rest)
        }
    }

    /// The block of a connection's other end.
    package init(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else {
            self = .unknown
            return
        }
        self.init(ip: text)
    }

    private init(v4 bytes: [UInt8]) { self.init(description: bytes.map(String.init).joined(separator: ".")) }

    private init(v6 bytes: [UInt8]) {
        let words = (0..<4).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
        self.init(description: words.map { String($0, radix: 16) }.joined(separator: ":") + "::/64")
    }
}
