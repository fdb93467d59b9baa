#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Keeps a second agent out of a state directory. The system lets go of it when the process ends, however it ends.
struct DirectoryLock: Sendable {
    private let descriptor: Int32

    init(_ directory: String) throws(AgentError) {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AgentError(.file, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw AgentError(
                .file, "\(directory) is in use by another agent; give each agent a state directory of its own")
        }
    }

    func release() { close(descriptor) }
}
