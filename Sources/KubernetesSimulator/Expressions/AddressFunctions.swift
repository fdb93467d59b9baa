/// An IPv4 or IPv6 address.
struct NetworkAddress: Sendable, Hashable {
    /// Four or sixteen.
    var bytes: [UInt8]

    /// Nil for what is no address, has a zone, or is an IPv4 address in the clothes of IPv6, as the server refuses.
    init?(_ text: String) {
        if let four = Self.four(Substring(text)) {
            bytes = four
            return
        }
        guard text.contains(":"), !text.contains("%"), !text.contains(":::") else { return nil }
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        let sides = text.contains("::") ? halves : [Substring(text)]
        guard sides.count <= 2 else { return nil }
        var groups: [[UInt16]] = []
        for (index, side) in sides.enumerated() {
            guard let read = Self.groups(side, isLast: index == sides.count - 1) else { return nil }
            groups.append(read)
        }
        let count = groups.reduce(0) { $0 + $1.count }
        guard sides.count == 2 ? count < 8 : count == 8 else { return nil }
        let zeros = Array(repeating: UInt16(0), count: 8 - count)
        let all = groups[0] + (sides.count == 2 ? zeros + groups[1] : [])
        bytes = all.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 255, bytes[11] == 255 { return nil }
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    private static func four(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (48...57).contains($0) } && (part.count == 1 || part.first != "0")
                ? UInt8(part) : nil
        }
        return numbers.count == 4 ? numbers : nil
    }

    private static func groups(_ text: Substring, isLast: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var result: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, part.contains(".") {
                guard let four = four(part) else { return nil }
                result += [UInt16(four[0]) << 8 | UInt16(four[1]), UInt16(four[2]) << 8 | UInt16(four[3])]
            } else {
                guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                result.append(group)
            }
        }
        return result
    }

    var isFour: Bool { bytes.count == 4 }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isFour ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1 }
    var isMulticast: Bool { isFour ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff }
    var isLinkLocalUnicast: Bool {
        isFour ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }
    var isLinkLocalMulticast: Bool {
        isFour ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xff && bytes[1] & 0x0f == 2
    }
    var isGlobalUnicast: Bool {
        let isBroadcast = isFour && bytes.allSatisfy { $0 == 255 }
        return !isBroadcast && !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast
    }

    /// The canonical spelling (RFC 5952).
    var text: String {
        if isFour { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > longest.count, end - start > 1 { longest = start..<end }
            start = max(end, start + 1)
        }
        func list(_ range: Range<Int>) -> String { groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        if longest.isEmpty { return list(0..<8) }
        return "\(list(0..<longest.lowerBound))::\(list(longest.upperBound..<8))"
    }
}

/// Addresses that begin alike: `10.0.0.0/8`.
struct NetworkPrefix: Sendable, Hashable {
    var address: NetworkAddress
    /// In bits.
    var length: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = NetworkAddress(String(parts[0])), let length = Int(parts[1]),
            parts[1].first != "+", parts[1].count == 1 || parts[1].first != "0",
            (0...address.bytes.count * 8).contains(length)
        else { return nil }
        self.address = address
        self.length = length
    }

    init(address: NetworkAddress, length: Int) {
        self.address = address
        self.length = length
    }

    var masked: NetworkPrefix {
        let bytes = address.bytes.enumerated().map { index, byte in
            let bits = min(max(length - index * 8, 0), 8)
            return byte & UInt8(truncatingIfNeeded: 0xff00 >> bits)
        }
        return NetworkPrefix(address: NetworkAddress(bytes: bytes), length: length)
    }

    func contains(_ other: NetworkAddress) -> Bool {
        other.bytes.count == address.bytes.count
            && NetworkPrefix(address: other, length: length).masked.address == masked.address
    }

    var text: String { "\(address.text)/\(length)" }
}

/// Kubernetes's libraries of addresses.
extension FunctionLibrary {
    static let addresses: [String: [FunctionOverload]] = [
        "ip": [
            function([.string], .ip) { arguments throws(ExpressionError) in .address(try address(arguments[0])) },
            method([.cidr], .ip) { arguments throws(ExpressionError) in .address(try network(arguments[0]).address) },
        ],
        "isIP": [
            function([.string], .bool) { arguments throws(ExpressionError) in
                .bool(NetworkAddress(try arguments[0].text()) != nil)
            }
        ],
        "ip.isCanonical": [
            function([.string], .bool) { arguments throws(ExpressionError) in
                .bool(try address(arguments[0]).text == arguments[0].text())
            }
        ],
        "family": [
            method([.ip], .int) { arguments throws(ExpressionError) in .int(try address(arguments[0]).isFour ? 4 : 6) }
        ],
        "isUnspecified": [question(\.isUnspecified)],
        "isLoopback": [question(\.isLoopback)],
        "isLinkLocalMulticast": [question(\.isLinkLocalMulticast)],
        "isLinkLocalUnicast": [question(\.isLinkLocalUnicast)],
        "isGlobalUnicast": [question(\.isGlobalUnicast)],
        "cidr": [
            function([.string], .cidr) { arguments throws(ExpressionError) in .network(try network(arguments[0])) }
        ],
        "isCIDR": [
            function([.string], .bool) { arguments throws(ExpressionError) in
                .bool(NetworkPrefix(try arguments[0].text()) != nil)
            }
        ],
        "containsIP": [ExpressionType.ip, .string].map { type in
            method([.cidr, type], .bool) { arguments throws(ExpressionError) in
                .bool(try network(arguments[0]).contains(try address(arguments[1])))
            }
        },
        "containsCIDR": [ExpressionType.cidr, .string].map { type in
            method([.cidr, type], .bool) { arguments throws(ExpressionError) in
                let (outer, inner) = (try network(arguments[0]), try network(arguments[1]))
                return .bool(outer.length <= inner.length && outer.contains(inner.masked.address))
            }
        },
        "masked": [
            method([.cidr], .cidr) { arguments throws(ExpressionError) in .network(try network(arguments[0]).masked) }
        ],
        "prefixLength": [
            method([.cidr], .int) { arguments throws(ExpressionError) in .int(Int64(try network(arguments[0]).length)) }
        ],
    ]

    private static func question(_ path: any KeyPath<NetworkAddress, Bool> & Sendable) -> FunctionOverload {
        method([.ip], .bool) { arguments throws(ExpressionError) in .bool(try address(arguments[0])[keyPath: path]) }
    }

    private static func address(_ value: ExpressionValue) throws(ExpressionError) -> NetworkAddress {
        if case .address(let address) = value { return address }
        let text = try value.text()
        guard let address = NetworkAddress(text) else {
            throw .evaluation("IP Address \"\(text)\" parse error during conversion from string")
        }
        return address
    }

    private static func network(_ value: ExpressionValue) throws(ExpressionError) -> NetworkPrefix {
        if case .network(let network) = value { return network }
        let text = try value.text()
        guard let network = NetworkPrefix(text) else {
            throw .evaluation(
                "network address parse error during conversion from string: invalid CIDR address: \(text)")
        }
        return network
    }
}
