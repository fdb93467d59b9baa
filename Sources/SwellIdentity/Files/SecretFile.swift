// The whole of Foundation, since file attributes are NSNumbers; the C library's stat cannot be used beside it under
// MemberImportVisibility, which takes its members for CoreFoundation's.
internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Small files that hold keys: permissions checked before reading, written whole or not at all.
package enum SecretFile {
    /// Who else may read a file for us to trust it as a secret.
    package enum Access: Sendable {
        /// Nobody but the owner.
        case ownerOnly
        /// The owner's group too, as a mounted Kubernetes secret with an fsGroup has it.
        case notEverybody
        /// Anybody: the file is no secret.
        case anybody

        var forbidden: Int {
            switch self {
            case .ownerOnly: 0o077
            case .notEverybody: 0o027
            case .anybody: 0o022
            }
        }
    }

    /// Whether something is at `path`.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes `path` a directory of mode 0700, its parents too; one that is there must not be writable by others.
    package static func makeDirectory(_ path: String) throws(IdentityError) {
        if exists(path) {
            let status = try Status(of: path)
            guard status.type == .typeDirectory else { throw IdentityError(.file, "\(path): expected a directory") }
            guard status.mode & 0o022 == 0 else {
                throw IdentityError(
                    .filePermissions,
                    "\(path): others may write to it (mode \(octal(status.mode))); expected chmod 0700")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeParent(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make", path) }
    }

    private static func makeParent(_ path: String) throws(IdentityError) {
        if exists(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeParent(String(path[..<slash])) }
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("make", path) }
    }

    /// Reads a regular file of at most ``pemLimit`` bytes whose permissions satisfy `access`.
    package static func read(_ path: String, access: Access) throws(IdentityError) -> String {
        let status = try Status(of: path)
        guard status.type == .typeRegular else { throw IdentityError(.file, "\(path): expected a regular file") }
        guard status.mode & access.forbidden == 0 else {
            let wanted = access == .anybody ? "0644" : access == .ownerOnly ? "0600" : "0640 or tighter"
            throw IdentityError(
                .filePermissions, "\(path): its mode \(octal(status.mode)) lets others at it; expected \(wanted)")
        }
        guard status.size <= pemLimit else {
            throw IdentityError(.file, "\(path): \(status.size) bytes; expected at most \(pemLimit)")
        }
        let descriptor = open(status.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= pemLimit {
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

    private static func octal(_ mode: Int) -> String { "0" + String(mode, radix: 8) }

    /// What there is at a path, links followed: mounted Kubernetes secrets are links.
    private struct Status {
        let path: String
        let type: FileAttributeType?
        let mode: Int
        let size: Int

        init(of path: String) throws(IdentityError) {
            guard let resolved = realpath(path, nil) else { throw failure("open", path) }
            defer { free(resolved) }
            self.path = String(cString: resolved)
            do {
                let attributes = try FileManager.default.attributesOfItem(atPath: self.path)
                self.type = attributes[.type] as? FileAttributeType
                // Without permissions to judge by, the file counts as open to everybody.
                self.mode = ((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777) & 0o777
                self.size = (attributes[.size] as? NSNumber)?.intValue ?? 0
            } catch {
                throw IdentityError(.file, "cannot inspect \(path)", cause: error)
            }
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
