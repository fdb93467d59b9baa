private import FoundationEssentials
internal import KubernetesObjects

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// Finds the files below a folder. Symbolic links are followed as far as they stay below it: one that leads out of it, back
/// into itself or nowhere is refused by name, since leaving out what it leads to would look like taking it away.
struct FolderWalk {
    /// The files and folders below one folder at most, so that a slip such as `-f /` ends.
    static let maximumEntries = 20_000
    private static let maximumDepth = 32

    /// The folder as it was named.
    let folder: String
    /// Which names to take, by what follows their last dot; nil takes every file, and hidden ones.
    let extensions: Set<String>?
    private let root: String

    init(_ folder: String, extensions: Set<String>?) throws {
        guard let root = Self.realPath(folder) else {
            throw CommandError(code: .refused, message: "there is no folder '\(folder)'")
        }
        self.folder = folder
        self.extensions = extensions
        self.root = root
    }

    /// Where a path leads once every symbolic link is followed; nil where it leads nowhere.
    static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Whether a real path is a folder or lies below it.
    static func isBelow(_ path: String, _ root: String) -> Bool {
        ExactText(path) == ExactText(root) || path.utf8.starts(with: (root == "/" ? root : root + "/").utf8)
    }

    /// The paths in the order of their bytes. A file that several paths lead to is there once, by the first of them.
    func files() throws -> [String] {
        var found: [(path: String, real: String)] = []
        var folders = [(path: folder, ancestors: [root])]
        var entries = 0
        while let (path, ancestors) = folders.popLast() {
            guard ancestors.count <= Self.maximumDepth + 1 else {
                throw refusal("'\(path)' is nested deeper than \(Self.maximumDepth) folders")
            }
            let here = ancestors[ancestors.count - 1]
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where isWanted(name) {
                entries += 1
                guard entries <= Self.maximumEntries else {
                    throw refusal("'\(folder)' has more than \(Self.maximumEntries) files and folders")
                }
                let child = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
                guard let entry = try look(at: child, real: here == "/" ? "/\(name)" : "\(here)/\(name)", ancestors)
                else { continue }
                if entry.isFolder {
                    folders.append((child, ancestors + [entry.real]))
                } else if isManifest(name) {
                    found.append((child, entry.real))
                }
            }
        }
        var seen: Set<ExactText> = []
        return found.sorted { ExactText($0.path) < ExactText($1.path) }
            .filter { seen.insert(ExactText($0.real)).inserted }.map(\.path)
    }

    private func isWanted(_ name: String) -> Bool { extensions == nil || !name.hasPrefix(".") }

    private func isManifest(_ name: String) -> Bool {
        guard let extensions else { return true }
        return name.lastIndex(of: ".").map { extensions.contains(String(name[name.index(after: $0)...])) } ?? false
    }

    /// Where an entry leads; nil for what is neither file nor folder, and for links to files that are not wanted.
    private func look(at path: String, real: String, _ ancestors: [String]) throws -> (real: String, isFolder: Bool)? {
        var type = Self.type(of: path)
        var real = real
        if type == .typeSymbolicLink {
            guard let target = Self.realPath(path) else {
                throw refusal("'\(path)' is a symbolic link that leads nowhere")
            }
            real = target
            type = Self.type(of: target)
            if type != .typeDirectory, !isManifest(String(path.split(separator: "/").last ?? "")) { return nil }
            guard Self.isBelow(target, root) else {
                throw refusal(
                    "'\(path)' is a symbolic link out of '\(folder)', to '\(target)'; "
                        + "copy what it leads to, or name that by itself")
            }
            if type == .typeDirectory, ancestors.contains(where: { ExactText($0) == ExactText(target) }) {
                throw refusal("'\(path)' is a symbolic link to a folder that it lies in, '\(target)'")
            }
        }
        switch type {
        case .typeDirectory: return (real, true)
        case .typeRegular: return (real, false)
        default: return nil
        }
    }

    private static func type(of path: String) -> FileAttributeType? {
        try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    }

    private func refusal(_ message: String) -> CommandError { CommandError(code: .refused, message: message) }
}
