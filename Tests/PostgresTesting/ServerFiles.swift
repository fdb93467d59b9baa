internal import Glibc

/// The files a private server needs, and who owns them.
enum ServerFiles {
    /// A user and group that PostgreSQL may run as.
    struct Owner {
        let user: uid_t
        let group: gid_t
    }

    /// The directory with the newest installed `initdb` and `postgres`.
    static func binaries() throws -> String {
        var candidates: [String] = []
        if let installed = opendir("/usr/lib/postgresql") {
            defer { closedir(installed) }
            var versions: [Int] = []
            while let entry = readdir(installed) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if let version = Int(name) { versions.append(version) }
            }
            candidates = versions.sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        }
        if let path = getenv("PATH") { candidates += String(cString: path).split(separator: ":").map(String.init) }
        guard
            let found = candidates.first(where: {
                access($0 + "/initdb", X_OK) == 0 && access($0 + "/postgres", X_OK) == 0
            })
        else {
            throw PostgresServerError(
                message: "no PostgreSQL server is installed: neither /usr/lib/postgresql nor PATH has initdb")
        }
        return found
    }

    /// Another user than root to run as, since PostgreSQL refuses root; `nil` to stay who we are.
    static func unprivilegedOwner() throws -> Owner? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name) { return Owner(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid) }
        }
        throw PostgresServerError(message: "there is neither a user postgres nor nobody that the server could run as")
    }

    /// Makes a directory that only the server's user, and root, may enter. Its path is short, as sockets need it.
    static func makeDirectory(owner: Owner?) throws -> String {
        var template = Array("/tmp/postgres-testing-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw failure("mkdtemp") }
        let path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        if let owner, chown(path, owner.user, owner.group) != 0 { throw failure("chown \(path)") }
        return path
    }

    /// Writes a file that only its owner may read.
    static func write(_ text: String, to path: String, owner: Owner?) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open \(path)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure("write \(path)") }
        if let owner, fchown(descriptor, owner.user, owner.group) != 0 { throw failure("chown \(path)") }
    }

    /// A port of the loopback interface that nobody has now.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard status == 0 else { throw failure("bind") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// The last lines of a log.
    static func tail(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "(no log)" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count].suffix(2000), as: UTF8.self)
    }

    static func failure(_ what: String) -> PostgresServerError {
        PostgresServerError(message: "\(what): \(String(cString: strerror(errno)))")
    }
}
