public import KubernetesObjects

/// A document of the fleet, as it is written and read.
public protocol FleetDocument {
    /// The document that reads back as this value.
    var document: JSONValue { get }
}

extension Cluster: FleetDocument {}
extension Application: FleetDocument {}
extension RolloutPolicy: FleetDocument {}

extension FleetDocument {
    /// The digest of the document: equal documents have equal ones, in whatever order they were written.
    public var documentDigest: ContentDigest { ContentDigest(of: document.serializedBytes()) }
}

/// What applying a document changed, for the audit log: which documents they were and where they differ, without any value in them.
public struct DocumentChange: Sendable, Hashable {
    /// The digest of the document that was there; nil where there was none, or none that can be read.
    public let former: ContentDigest?
    public let digest: ContentDigest
    /// Where they differ, such as `spec.stages[0].soak`, sorted; at most ``maximumPaths``.
    public let paths: [String]
    /// How many more places differ.
    public let more: Int

    public static let maximumPaths = 8

    public init(from former: (any FleetDocument)?, to new: some FleetDocument) {
        self.former = former?.documentDigest
        self.digest = new.documentDigest
        var found: [String] = []
        if let former { Self.compare(former.document, new.document, "", &found) }
        found.sort()
        self.paths = Array(found.prefix(Self.maximumPaths))
        self.more = max(0, found.count - Self.maximumPaths)
    }

    /// `0123… -> ba98…: spec.soak, spec.stages`; `new as 0123…`; half of each digest, which nobody can aim at.
    public var summary: String {
        guard let former else { return "new as \(Self.half(digest))" }
        let places = paths.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        return "\(Self.half(former)) -> \(Self.half(digest))" + (places.isEmpty ? "" : ": \(places)")
    }

    private static func half(_ digest: ContentDigest) -> Substring { digest.rawValue.dropFirst(7).prefix(32) }

    private static func compare(_ old: JSONValue?, _ new: JSONValue?, _ path: String, _ found: inout [String]) {
        guard old != new else { return }
        switch (old, new) {
        case (.object(let old)?, .object(let new)?):
            for key in Set(old.keys).union(new.keys) {
                compare(old[key], new[key], path.isEmpty ? key : "\(path).\(key)", &found)
            }
        case (.array(let old)?, .array(let new)?):
            for index in 0..<max(old.count, new.count) {
                compare(
                    old.indices.contains(index) ? old[index] : nil, new.indices.contains(index) ? new[index] : nil,
                    "\(path)[\(index)]", &found)
            }
        default: found.append(path)
        }
    }
}
