internal import KubernetesObjects

/// A release put together from manifests, ready to be stored.
public struct AssembledRelease: Sendable, Hashable {
    public var bundle: Bundle
    /// The objects' documents without doubles, then the index.
    public var documents: [ContentDocument]
    public var digest: ContentDigest
    public var objectCount: Int
    /// The bytes of all documents.
    public var size: Int
    /// What is probably a mistake, or not what it looks like, but does no harm: overrides that touch nothing, values that are left to
    /// a controller.
    public var warnings: [ModelError]
}

/// Puts releases together, refusing what could not run.
public enum ReleaseAssembler {
    /// The bytes of all documents of a release at most.
    public static let maximumSize = 16 << 20
    /// The objects of a release at most.
    public static let maximumObjects = 5_000

    /// Reads the manifests of an application.
    ///
    /// - Parameter isLiteral: Whether every `${…}` of the manifests stays, whatever the application says.
    /// - Throws: Every mistake found, each with file, line and path.
    public static func assemble(
        _ application: Application, from files: [SourceFile], isLiteral: Bool = false
    ) throws(DocumentErrors) -> AssembledRelease {
        try checkSize(of: files)
        let unreadable = application.unreadable
        guard unreadable.isEmpty else { throw DocumentErrors(unreadable) }
        var assembly = Assembly(application: application, isLiteral: isLiteral)
        for file in files { assembly.read(file) }
        return try assembly.finish(files)
    }

    /// Refuses more than a release may have, before anything of it is read.
    static func checkSize(of files: [SourceFile]) throws(DocumentErrors) {
        let size = files.reduce(0) { $0 + $1.content.utf8.count }
        guard size > maximumSize else { return }
        throw DocumentErrors([
            ModelError(
                code: .tooLarge,
                message: "the manifests are \(size) bytes in \(files.count) files; a release may have \(maximumSize)")
        ])
    }
}
