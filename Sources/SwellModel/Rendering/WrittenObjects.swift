public import KubernetesObjects

/// The objects of manifests as a release would have them, before any application is asked: hooks in their form, null labels
/// made empty, `${…}` as written. Read and checked by what makes releases, so that nothing passes here which would not there.
public struct WrittenObjects: Sendable, Hashable {
    public let objects: [JSONValue]
    /// What does no harm, and is probably a mistake or not what it looks like.
    public let warnings: [ModelError]

    /// Reads files, refusing what is no Kubernetes object: nothing else is anybody's business to send.
    ///
    /// - Parameter namespace: The application's, where it is known: an object that names it and one that names none are then
    ///   one and the same.
    /// - Throws: Every mistake found, each with file and line.
    public init(_ files: [SourceFile], namespace: String? = nil) throws(DocumentErrors) {
        try ReleaseAssembler.checkSize(of: files)
        var assembly = Assembly(
            application: Application(name: "application", namespace: namespace ?? ""), isLiteral: true,
            isAnticipated: true)
        for file in files { assembly.read(file) }
        self.warnings = try assembly.finish(files).warnings
        self.objects = assembly.written
    }

    /// The objects alone.
    public static func read(_ files: [SourceFile]) throws(DocumentErrors) -> [JSONValue] {
        try WrittenObjects(files).objects
    }
}
