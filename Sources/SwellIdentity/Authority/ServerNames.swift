internal import SwiftASN1
internal import X509

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The host names and IP addresses that the coordinator answers to.
public struct ServerNames: Hashable, Sendable {
    /// Lower-case DNS names, a `*` only as the whole first label.
    public let hosts: [String]
    /// IPv4 and IPv6 addresses as text.
    public let addresses: [String]
    private let addressBytes: [[UInt8]]

    /// The most names that one certificate may carry.
    public static let limit = 64

    /// Sorts `names` into hosts and addresses, and checks each.
    public init(_ names: [String]) throws(IdentityError) {
        guard !names.isEmpty, names.count <= Self.limit else {
            throw IdentityError(
                .invalidName, "\(names.count) server names: expected 1 to \(Self.limit) host names or IP addresses")
        }
        var hosts: [String] = []
        var addresses: [String] = []
        var addressBytes: [[UInt8]] = []
        for name in names {
            if let bytes = Self.address(name) {
                addresses.append(name)
                addressBytes.append(bytes)
            } else {
                let lower = name.lowercased()
                guard Self.isHost(lower) else {
                    throw IdentityError(
                        .invalidName,
                        "server name \(quoted(name)): expected a host name such as swell.example.com, or an IP address")
                }
                hosts.append(lower)
            }
        }
        self.hosts = hosts
        self.addresses = addresses
        self.addressBytes = addressBytes
    }

    /// The names as a certificate has them.
    var generalNames: [GeneralName] {
        hosts.map { .dnsName($0) } + addressBytes.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
    }

    private static func address(_ text: String) -> [UInt8]? {
        // To C a text ends at the first NUL, and what follows would go unread.
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }

    private static func isHost(_ text: String) -> Bool {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 2, labels.first == "*" { labels.removeFirst() }
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    }
            }
    }
}
