/// The server's URL, taken apart here and not compared by its beginning: `http://localhost:x@evil.example/` begins like this machine.
struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    let isTLS: Bool
    /// Lower case, a literal IPv6 address without its brackets.
    let host: String
    /// Nil for the scheme's own.
    let port: Int?
    /// `/` and what follows, where a proxy serves it below a path; else empty.
    let path: String

    /// Reads `https://HOST[:PORT][/PATH]`; a token is sent there, so nothing is guessed.
    init(_ text: String) throws(CommandError) {
        func refused(_ why: String) -> CommandError {
            CommandError(
                code: .usage,
                message: "'\(PlainURL.withoutUser(text))' is no server's URL: \(why); write https://HOST:PORT")
        }
        let lower = text.lowercased()
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else {
            throw refused("it does not begin with https://")
        }
        isTLS = lower.hasPrefix("https://")
        let rest = text.dropFirst(isTLS ? 8 : 7)
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) else {
            throw refused("it has characters that no URL has")
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { throw refused("it names a user, and a token says who asks") }
        var path = String(rest.dropFirst(authority.count))
        guard !path.contains("?"), !path.contains("#") else { throw refused("it has a query or a fragment") }
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
        let parts = ServerAuthority(authority)
        guard let parts, parts.isWellFormed else { throw refused("'\(authority)' is no host with a port") }
        host = parts.host
        port = parts.port
        guard isTLS || isLoopback else {
            throw CommandError(
                code: .usage,
                message: "'\(text)' is not an https:// URL; a token is sent to it, and only this machine (localhost, "
                    + "127.0.0.1, [::1]) may get it without TLS")
        }
    }

    /// Whether it is this machine, by its exact name or address.
    var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false)
        return bytes.count == 4 && bytes[0] == "127" && bytes.allSatisfy { UInt8($0) != nil && $0.count <= 3 }
    }

    /// What paths of the API are appended to.
    var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return (isTLS ? "https://" : "http://") + name + (port.map { ":\($0)" } ?? "") + path
    }

    /// The same server without TLS or with it, for advice.
    func withScheme(tls: Bool) -> String { (tls ? "https" : "http") + description.drop { $0 != ":" } }

    static func == (left: Self, right: Self) -> Bool {
        left.isTLS == right.isTLS && left.host == right.host && left.path == right.path
            && left.effectivePort == right.effectivePort
    }

    func hash(into hasher: inout Hasher) { hasher.combine(host) }

    private var effectivePort: Int { port ?? (isTLS ? 443 : 80) }
}

/// `host`, `host:port`, `[address]:port`.
private struct ServerAuthority {
    let host: String
    let port: Int?

    init?(_ text: Substring) {
        let tail: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[..<end].dropFirst().lowercased()
            tail = text[text.index(after: end)...]
            guard !host.isEmpty, host.contains(":") else { return nil }
        } else {
            host = text.prefix { $0 != ":" }.lowercased()
            tail = text.dropFirst(host.count)
        }
        guard !tail.isEmpty else {
            port = nil
            return
        }
        guard tail.hasPrefix(":"), tail.dropFirst().allSatisfy(\.isNumber), let number = Int(tail.dropFirst()),
            (1...65_535).contains(number)
        else { return nil }
        port = number
    }

    /// Whether the host has only the characters of names and addresses.
    var isWellFormed: Bool {
        !host.isEmpty && host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "_")
            }
    }
}

/// URLs in messages.
private enum PlainURL {
    /// The text without what stands before an `@`, which may be a password.
    static func withoutUser(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return text }
        let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
        return start < at ? text[..<start] + "…" + text[at...] : text
    }
}
