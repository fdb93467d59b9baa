private import FoundationEssentials
internal import KubernetesObjects

/// The folder that everything which a kustomization draws in must lie in. Kustomize keeps files within the folder that names them,
/// and follows folders anywhere on the machine.
///
/// It is what was given; or else the work tree of Git that the kustomization lies in. Outside of any it is the working directory,
/// or the folder two above the kustomization (`overlays/prod` draws in `../../base`), whichever holds the other; never the whole
/// machine.
struct KustomizationRoot {
    /// As the system knows it, every symbolic link followed.
    let path: String

    /// - Parameters:
    ///   - folder: The kustomization's.
    ///   - given: What the user said.
    /// - Throws: ``CommandError`` where the kustomization does not lie in what was given.
    init(of folder: String, given: String?) throws {
        let real = FolderWalk.realPath(folder) ?? folder
        guard let given else {
            self.path =
                Self.parents(of: real).first { FileManager.default.fileExists(atPath: "\($0)/.git") }
                ?? Self.root(outsideOfGit: real)
            return
        }
        guard let root = FolderWalk.realPath(given), FolderWalk.isBelow(real, root) else {
            throw CommandError(code: .usage, message: "'\(folder)' does not lie in '\(given)', which --root names")
        }
        self.path = root
    }

    /// What is wrong with drawing something in; nil where it lies in the root.
    func problem(of real: String) -> String? {
        if FolderWalk.isBelow(real, path) { return nil }
        return
            "lies outside of '\(path)', at '\(real)'; copy it in, or say with --root DIR in which folder all of it may lie"
    }

    private static func root(outsideOfGit folder: String) -> String {
        let above = parents(of: folder).prefix(3).last ?? folder
        let working = FolderWalk.realPath(".") ?? "/"
        guard working != "/", FolderWalk.isBelow(above, working) else { return above }
        return working
    }

    /// A folder and those that it lies in, the nearest first, without the root of the file system.
    private static func parents(of folder: String) -> [String] {
        let parts = folder.split(separator: "/")
        return parts.indices.reversed().map { "/" + parts[...$0].joined(separator: "/") }
    }
}
