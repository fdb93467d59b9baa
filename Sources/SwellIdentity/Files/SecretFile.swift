// The C library alone: its stat cannot be used beside Foundation under MemberImportVisibility, which takes its members for
// CoreFoundation's.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Small files that hold keys: owner and permissions checked before reading, written whole or not at all.
///
/// Judged is what was opened, not what a path may name a moment later. Its owner is who runs the program, or root, who mounts secrets:
/// anybody else could change the mode, and the content, at will.
package enum SecretFile {
    /// Who else may read a file for us to trust it as a secret.
    package enum Access: Sendable {
        /// Nobody but the owner.
        case ownerOnly
        /// The owner's group too, as a mounted Kubernetes secret with an fsGroup has it.
        case notEverybody
        /// Anybody: the file is no secret.
        case anybody

        var forbidden: mode_t {
            switch self {
            case .ownerOnly: 0o077
            case .notEverybody: 0o027
            case .anybody: 0o022
            }
        }
    }

    /// Whether something is at `path`, as far as can be seen: what cannot be looked at counts as absent. For what is only told; where
    /// something is made or left out for want of a file, ask ``isThere(_:)``.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether something is at `path`. Only what is known not to be there is absent: a volume that is away for a moment is an error.
    package static func isThere(_ path: String) throws(IdentityError) -> Bool {
        if access(path, F_OK) == 0 { return true }
        guard errno == ENOENT else { throw failure("look for", path) }
        return false
    }

    /// Makes `path` a directory of mode 0700, its parents too; one that is there must be ours and not writable by others.
    package static func makeDirectory(_ path: String) throws(IdentityError) {
        if try isThere(path) { return try checkDirectory(path) }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeParent(String(path[..<slash])) }
        if mkdir(path, 0o700) == 0 { return }
        guard errno == EEXIST else { throw failure("make", path) }
        // Somebody was quicker: not necessarily one of ours.
        try checkDirectory(path)
    }

    /// Throws where `path` is no directory, is not ours, or can be written to by others.
    static func checkDirectory(_ path: String) throws(IdentityError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else {
            throw errno == ENOTDIR ? IdentityError(.file, "\(path): expected a directory") : failure("open", path)
        }
        defer { close(descriptor) }
        let status = try Status(of: descriptor, path)
        try checkOwner(status, path)
        guard status.mode & 0o022 == 0 else {
            throw IdentityError(
                .filePermissions,
                "\(path): others may write to it (mode \(octal(status.mode))); expected chmod 0700")
        }
    }

    private static func makeParent(_ path: String) throws(IdentityError) {
        if exists(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeParent(String(path[..<slash])) }
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("make", path) }
    }

    /// Reads a regular file of at most `limit` bytes whose permissions satisfy `access`.
    package static func read(
        _ path: String, access: Access, limit: Int = pemLimit
    ) throws(IdentityError) -> String {
        // Links are followed, since mounted Kubernetes secrets are links; what is no file does not hold the program up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        let status = try Status(of: descriptor, path)
        guard status.type == S_IFREG else { throw IdentityError(.file, "\(path): expected a regular file") }
        try checkOwner(status, path)
        guard status.mode & access.forbidden == 0 else {
            let wanted = access == .anybody ? "0644" : access == .ownerOnly ? "0600" : "0640 or tighter"
            throw IdentityError(
                .filePermissions, "\(path): its mode \(octal(status.mode)) lets others at it; expected \(wanted)")
        }
        guard status.size <= limit else {
            throw IdentityError(.file, "\(path): \(status.size) bytes; expected at most \(limit)")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= limit {
            let count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw failure("read", path)
            }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes `text` to a new file beside `path`, flushes it, and puts it in place in one step, so that a crash leaves
    /// either the old file or the new one. Without `replacing`, a file that is there already is an error.
    package static func write(
        _ text: String, to path: String, mode: UInt32, replacing: Bool = true
    ) throws(IdentityError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let temporary = "\(path).new-\(getpid())-\(UInt32.random(in: .min ... .max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        do throws(IdentityError) {
            defer { close(descriptor) }
            // The process's umask may have taken bits away that the mode grants.
            guard fchmod(descriptor, mode) == 0 else { throw failure("set the mode of", temporary) }
            try writeAll(Array(text.utf8), to: descriptor, path: temporary)
            guard fsync(descriptor) == 0 else { throw failure("flush", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        let placed = replacing ? rename(temporary, path) : link(temporary, path)
        guard placed == 0 else {
            let error = failure("put in place", path)
            unlink(temporary)
            throw error
        }
        if !replacing { unlink(temporary) }
        let parent = open(directory, O_RDONLY | O_CLOEXEC)
        guard parent >= 0 else { throw failure("open", directory) }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw failure("flush", directory) }
    }

    /// Removes a file if it is there.
    package static func remove(_ path: String) throws(IdentityError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(IdentityError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(descriptor, $0) }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw failure("write", path)
            }
            written += count
        }
    }

    private static func failure(_ verb: String, _ path: String) -> IdentityError {
        IdentityError(.file, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }

    private static func octal(_ mode: mode_t) -> String { "0" + String(mode, radix: 8) }

    /// Whose files are believed: those of who runs the program, and root's.
    private static func checkOwner(_ status: Status, _ path: String) throws(IdentityError) {
        guard isTrusted(owner: status.owner) else {
            throw IdentityError(
                .filePermissions,
                "\(path): it belongs to user \(status.owner), who may change it; expected chown \(geteuid())")
        }
    }

    static func isTrusted(owner: uid_t, user: uid_t = geteuid()) -> Bool { owner == user || owner == 0 }

    /// What was opened.
    private struct Status {
        let type: mode_t
        let mode: mode_t
        let owner: uid_t
        let size: Int

        init(of descriptor: Int32, _ path: String) throws(IdentityError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw failure("inspect", path) }
            self.type = status.st_mode & S_IFMT
            self.mode = status.st_mode & 0o777
            self.owner = status.st_uid
            self.size = Int(status.st_size)
        }
    }
}

// `SecretFile` has functions named read and write of its own, which hide the system's inside it.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
    write(descriptor, buffer.baseAddress, buffer.count)
}
