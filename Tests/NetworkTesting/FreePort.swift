internal import Glibc

/// Finds a loopback port that nobody listens on, below those that the system gives to who dials: a server that comes back must find its own
/// free, however many dial meanwhile.
package enum FreePort {
    package static func find() throws -> Int {
        for _ in 0..<1_000 {
            let port = Int.random(in: 20_000..<32_000)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { break }
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if bound { return port }
        }
        throw NoFreePort()
    }
}

/// No port below those that the system gives out could be had.
package struct NoFreePort: Error, CustomStringConvertible {
    package var description: String { "no free port below 32,000 could be had" }
}
