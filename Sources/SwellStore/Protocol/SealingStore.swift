public import SwellModel

/// How Secrets of releases are stored, in figures.
public struct SealingFacts: Sendable, Hashable {
    /// Documents that hold Secrets in clear.
    public var inClear: Int
    /// Documents of earlier versions that nobody has looked at yet.
    public var unexamined: Int
    /// Sealed documents by the id of their key.
    public var sealed: [String: Int]

    public init(inClear: Int = 0, unexamined: Int = 0, sealed: [String: Int] = [:]) {
        self.inClear = inClear
        self.unexamined = unexamined
        self.sealed = sealed
    }

    /// Documents whose keys are not among these, by the id of their key.
    public func unreadable(with keys: [String]) -> [String: Int] { sealed.filter { !keys.contains($0.key) } }
}

/// What came of looking through the documents once.
public struct SealingPass: Sendable, Hashable {
    /// Documents that nobody had looked at.
    public var examined = 0
    /// Documents that were in clear, and are sealed.
    public var sealed = 0
    /// Sealed documents that have come under the key that seals.
    public var rekeyed = 0
    /// Sealed documents that do not open, though their key is known: left as they are.
    public var damaged: [ContentDigest] = []

    public init() {}
}

/// Secrets of releases at rest.
public protocol SealingStore: Sendable {
    /// The keys that open what is sealed, the one that seals first; none where Secrets are stored in clear.
    var openingKeys: [String] { get }

    func sealingFacts() async throws(StoreError) -> SealingFacts

    /// Looks at every document that nobody has looked at; seals those with Secrets that are in clear, and brings those under other known
    /// keys under the one that seals. Without a key it only looks. A few rows a transaction; replicas may do it side by side.
    func sealDocuments() async throws(StoreError) -> SealingPass
}
