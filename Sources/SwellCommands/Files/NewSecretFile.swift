#if canImport(Glibc)
    private import Glibc
#elseif canImport(Musl)
    private import Musl
#else
    private import Darwin
#endif

/// A file that is new and that its owner alone may read, from its first moment on.
///
/// One that is there is refused: it may be somebody else's, or readable by others, and what reads it may have read it.
final class NewSecretFile {
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(CommandError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else {
            throw CommandError(
                code: .usage,
                message: errno == EEXIST
                    ? "'\(path)' is there already, and is not written over; remove it, or name another"
                    : "'\(path)' cannot be made: \(String(cString: strerror(errno)))")
        }
        // Whatever the umask is, and no less: an owner who may not read it has nothing of it.
        _ = fchmod(descriptor, 0o600)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ text: String) throws(CommandError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = systemWrite(descriptor, rest)
            guard count > 0 || errno == EINTR else {
                throw CommandError(
                    code: .refused, message: "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(max(0, count))
        }
    }

    func remove() { _ = unlink(path) }
}

// `NewSecretFile` has a function named write of its own, which hides the system's inside it.
private func systemWrite(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
}
