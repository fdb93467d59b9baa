/// Why a rollout cannot be planned.
public struct PlanError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of mistake it is.
    public struct Code: Hashable, Sendable {
        public let rawValue: String
        public init(_ rawValue: String) { self.rawValue = rawValue }

        public static let noStages = Self("no-stages")
        public static let duplicateStage = Self("duplicate-stage")
        /// A cap of zero would never let anything go (invariant 1).
        public static let zeroLimit = Self("zero-limit")
        public static let unknownRegion = Self("unknown-region")
        public static let unknownCluster = Self("unknown-cluster")
        /// A stage selects no cluster.
        public static let emptyStage = Self("empty-stage")
        /// A cluster is selected by two stages.
        public static let overlap = Self("overlap")
        public static let noTargets = Self("no-targets")
        /// An undo finds no cluster that runs what it would take back.
        public static let nothingToUndo = Self("nothing-to-undo")
    }

    public var code: Code
    /// What was wrong and what would be right.
    public var message: String
    /// The field of the policy or request, such as `spec.stages[1].maxConcurrent`.
    public var path: String?

    public init(code: Code, message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    public var description: String { path.map { "\($0): \(message)" } ?? message }
}
