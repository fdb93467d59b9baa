internal import ArgumentParser

#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// An address to listen on.
struct ListenAddress: Sendable {
    /// The flag that gave it.
    var flag: String
    var host: String
    var port: Int

    /// Reads `host:port`; an IPv6 host stands in brackets. Port 0 takes a free one.
    init(_ flag: String, _ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else {
            throw ValidationError(
                "\(flag): '\(text)' is no address; write host:port, such as 0.0.0.0:7443 or [::]:7443")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.flag = flag
        self.host = host
        self.port = port
    }

    /// Whether both cannot be listened at, being one.
    func clashes(with other: ListenAddress) -> Bool {
        let everywhere = ["0.0.0.0", "::"]
        return port != 0 && port == other.port
            && (host == other.host || everywhere.contains(host) || everywhere.contains(other.host))
    }

    /// Why it cannot be listened at now; nil where it can. Asked before anything is begun: what the servers themselves say of it is that
    /// they have stopped.
    var problem: String? {
        guard port != 0 else { return nil }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let text = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let failure = getaddrinfo(host, "\(port)", &hints, &found)
        guard failure == 0, let address = found else {
            return "\(flag) \(text): \(String(cString: gai_strerror(failure)))"
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.pointee.ai_family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // As the servers do: what is left of connections of before is in nobody's way.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) != 0 else { return nil }
        switch errno {
        case EADDRINUSE:
            return
                "\(flag) \(text) is in use: another program listens there, or another replica; `ss -ltnp` says which. Give another port"
        case EACCES:
            return "\(flag) \(text): ports below 1024 take a right that this user does not have; give a higher one"
        case EADDRNOTAVAIL: return "\(flag) \(text): that is no address of this machine; 0.0.0.0 or [::] is all of them"
        default: return "\(flag) \(text): \(String(cString: strerror(errno)))"
        }
    }
}
