private import FoundationEssentials
internal import SwellModel

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// Reads what `-f` names: files, folders with everything below them, or `-` for what comes through a pipe.
enum SourceFiles {
    /// The bytes of all files at most.
    static let maximumBytes = 24 << 20
    private static let extensions: Set<String> = ["yaml", "yml", "json"]

    /// The files in a stable order: as named, and within a folder by path.
    ///
    /// - Parameter keepsForeign: Whether files of a folder that plainly hold something else than Swell's documents are kept.
    ///   A file named by itself is always kept.
    static func read(_ paths: [String], keepsForeign: Bool) throws -> (files: [SourceFile], skipped: [String]) {
        var files: [SourceFile] = []
        var skipped: [String] = []
        var total = 0
        func add(_ file: SourceFile) throws {
            total += file.content.utf8.count
            guard total <= maximumBytes else {
                throw CommandError(
                    code: .refused, message: "the files have more than \(maximumBytes >> 20) MiB together")
            }
            files.append(file)
        }
        for path in paths {
            if path == "-" {
                try add(SourceFile(name: "-", content: try standardInput()))
                continue
            }
            guard let real = FolderWalk.realPath(path),
                let attributes = try? FileManager.default.attributesOfItem(atPath: real)
            else {
                throw CommandError(code: .refused, message: "there is no file or folder '\(path)'")
            }
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            guard isFolder else {
                try add(try read(path))
                continue
            }
            let found = try FolderWalk(path, extensions: extensions).files()
            guard !found.isEmpty else {
                throw CommandError(code: .refused, message: "'\(path)' has no file that ends in .yaml, .yml or .json")
            }
            for name in found {
                let file = try read(name)
                if !keepsForeign, DocumentReader.isForeign(file) { skipped.append(name) } else { try add(file) }
            }
        }
        return (files, skipped)
    }

    private static func read(_ path: String) throws -> SourceFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError(code: .refused, message: "'\(path)' cannot be read") }
        defer { close(descriptor) }
        guard let bytes = bytes(from: descriptor) else {
            throw CommandError(code: .refused, message: "'\(path)' has more than \(maximumBytes >> 20) MiB")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(
                code: .refused, message: "'\(path)' is not UTF-8 text\(TextEncoding.advice(for: bytes, file: path))")
        }
        return SourceFile(name: path, content: text)
    }

    private static func standardInput() throws -> String {
        guard let bytes = bytes(from: STDIN_FILENO) else {
            throw CommandError(code: .refused, message: "more than \(maximumBytes >> 20) MiB came through the pipe")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError(
                code: .refused,
                message: "what came through the pipe is not UTF-8 text\(TextEncoding.advice(for: bytes, file: nil))")
        }
        return text
    }

    /// Everything there is to read; nil where it is more than may be sent, of which no more is read: a file that is mostly holes
    /// packs to little in a repository.
    private static func bytes(from descriptor: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = readDescriptor(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            guard bytes.count <= maximumBytes else { return nil }
        }
    }
}

/// `read(2)`, under a name that the enumeration's own `read` does not hide.
private func readDescriptor(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
