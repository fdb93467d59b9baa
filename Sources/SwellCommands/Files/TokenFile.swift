// The C library alone: its stat cannot be used beside Foundation under MemberImportVisibility.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The file with an operator's token: read only where nobody else could have written or read it.
///
/// Judged is the file that was opened, not what its path may name a moment later. Links are followed, as mounted secrets are links. A pipe,
/// as `--token-file <(pass show swell)` gives one, is nobody else's by its nature.
enum TokenFile {
    /// The bytes of a file at most; a token has some seventy.
    static let limit = 64 << 10

    static func read(_ path: String) throws(CommandError) -> String {
        func failure(_ why: String) -> CommandError {
            CommandError(code: .connection, message: "the token file '\(path)' \(why)")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be inspected") }
        switch status.st_mode & S_IFMT {
        case S_IFIFO: break
        case S_IFREG:
            // Root administers what others run, such as the coordinator's own token under the user that systemd gave it.
            guard status.st_uid == geteuid() || status.st_uid == 0 || geteuid() == 0 else {
                throw failure("belongs to another user, who may change it; make one of your own")
            }
            guard status.st_mode & 0o027 == 0 else {
                let mode = String(status.st_mode & 0o777, radix: 8)
                throw failure("lets others at it (mode 0\(mode)); expected chmod 600 '\(path)'")
            }
        default: throw failure("is neither a file nor a pipe")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = systemRead(descriptor, &buffer)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= limit else { throw failure("is larger than a token") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// `TokenFile` has a function named read of its own, which hides the system's inside it.
private func systemRead(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
    buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
}
