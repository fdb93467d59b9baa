internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The input being tried, in a file that is mapped into memory: a trap ends the process at once, and the file tells which
/// input it was. It goes when the target is done.
final class InFlight {
    private static let capacity = 8 + Mutator.maximumSize
    private let file: URL
    private let memory: UnsafeMutableRawBufferPointer

    init(_ target: String) throws {
        file = Self.file(of: target)
        try FileManager.default.createDirectory(at: Findings.folder, withIntermediateDirectories: true)
        let descriptor = open(file.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, off_t(Self.capacity)) == 0,
            let address = mmap(nil, Self.capacity, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            address != MAP_FAILED
        else { throw Finding("\(file.path) cannot be written") }
        close(descriptor)
        memory = UnsafeMutableRawBufferPointer(start: address, count: Self.capacity)
    }

    /// Notes an input before it is tried: its length in eight bytes, then itself.
    func note(_ input: [UInt8]) {
        let kept = input.prefix(Mutator.maximumSize)
        memory.storeBytes(of: UInt64(kept.count).littleEndian, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: memory[8...]).copyBytes(from: kept)
    }

    /// What a process left behind that ended while it tried an input.
    static func leftover(of target: String) -> [UInt8]? {
        guard let data = try? Data(contentsOf: file(of: target)), data.count == capacity else { return nil }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Array(data.dropFirst(8).prefix(Int(min(length, UInt64(Mutator.maximumSize)))))
    }

    /// Removes what such a process left behind.
    static func forget(_ target: String) throws { try FileManager.default.removeItem(at: file(of: target)) }

    private static func file(of target: String) -> URL { Findings.folder.appending(path: "\(target).in-flight") }

    func finish() {
        munmap(memory.baseAddress, memory.count)
        unlink(file.path)
    }
}
