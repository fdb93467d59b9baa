internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Files that are there whole or not at all. Blocking calls are made on threads meant for them.
enum AtomicFile {
    /// Runs blocking file work away from the threads of Swift's tasks.
    static func offload<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    /// Writes `bytes` beside `path` and puts them in place in one step. With `isDurable` they have reached the disk when this returns.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600, isDurable: Bool) throws(AgentError) {
        let temporary = "\(path).new-\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("create", temporary) }
        do throws(AgentError) {
            defer { close(descriptor) }
            try writeAll(bytes, to: descriptor, path: temporary)
            if isDurable, fsync(descriptor) != 0 { throw failure("flush", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = failure("put in place", path)
            unlink(temporary)
            throw error
        }
        if isDurable { try flushDirectory(of: path) }
    }

    /// The file's bytes; nil where there is none.
    static func read(_ path: String, limit: Int) throws(AgentError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read", path)
            }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= limit else {
                throw AgentError(.file, "\(path): larger than \(limit) bytes")
            }
        }
    }

    /// The first bytes of a file, as many as there are.
    static func head(of path: String, count: Int) throws(AgentError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: count)
        let read = buffer.withUnsafeMutableBytes { systemRead(descriptor, $0) }
        guard read >= 0 else { throw failure("read", path) }
        return Array(buffer.prefix(read))
    }

    /// Makes a directory and its parents; the last with mode 0700.
    static func makeDirectory(_ path: String) throws(AgentError) {
        if access(path, F_OK) == 0 { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
    }

    /// Moves a file within its directory's file system.
    static func move(_ path: String, to other: String) throws(AgentError) {
        guard rename(path, other) == 0 else { throw failure("set aside", path) }
    }

    static func remove(_ path: String) { unlink(path) }

    /// The file's length in bytes; 0 where there is none.
    static func size(of path: String) -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        return max(0, Int(lseek(descriptor, 0, SEEK_END)))
    }

    /// The names in a directory, hidden ones left out; none where there is no directory.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func flushDirectory(of path: String) throws(AgentError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", directory) }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(AgentError) {
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

    private static func failure(_ verb: String, _ path: String) -> AgentError {
        AgentError(.file, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}

// `AtomicFile` has functions named read and write of its own, which hide the system's inside it.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
    write(descriptor, buffer.baseAddress, buffer.count)
}
