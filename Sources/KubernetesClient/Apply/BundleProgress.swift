public import KubernetesObjects

/// What became of one object of a bundle.
public struct BundleProgress: Sendable, Hashable {
    /// What was done.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// It was not there, and is now.
        case created
        /// It was there, and was changed.
        case configured
        /// An immutable field changed: it was deleted and created again.
        case replaced
        /// It was as wanted.
        case unchanged
        /// It is no longer wanted, and was deleted.
        case pruned
        /// It is no longer wanted, but a guard kept it.
        case kept
        /// It could not be applied, deleted, or did not become healthy.
        case failed
        /// It was not tried, because of another's failure.
        case skipped
    }

    /// The object.
    public var reference: ObjectReference
    /// What was done.
    public var outcome: Outcome
    /// Why, where there is something to say.
    public var message: String
    /// The fields that were changed, values of Secrets hidden.
    public var changes: [FieldChange]
    /// Whether a failure may go away by itself, nothing else being changed.
    public var isTransient: Bool
    /// The `reason` of the server's `Status`, where it refused: `Forbidden`, `Invalid` …
    public var reason: String?
    /// Whether it is a hook.
    public var isHook = false
    /// What the server warned of, such as a deprecated version, though it did what was asked.
    public var warnings: [String] = []
    /// The server's own name of the object, where it was seen.
    public var uid: String?
    /// Whether it is being deleted, and is waited for.
    public var isAwaitedGone = false
    /// Whether it has no field that the applier owns.
    var isBare = false
    /// Whether it failed before anything was sent that could have written it.
    public var isUntouched = false
    /// Whether what comes after it went on over it by leave of what was so before: that is no proof of it.
    public var isPassedOver = false
    /// The application that has it, where it is wanted and was left to that one.
    var holder: String?
    /// What kept the server from answering, where the failure says nothing of the object.
    public var outage: ServerOutage?

    /// Creates a progress report.
    public init(
        reference: ObjectReference, outcome: Outcome, message: String = "", changes: [FieldChange] = [],
        isTransient: Bool = false, reason: String? = nil, outage: ServerOutage? = nil
    ) {
        self.reference = reference
        self.outcome = outcome
        self.message = message
        self.changes = changes
        self.isTransient = isTransient
        self.reason = reason
        self.outage = outage
    }

    /// The failure of an object, as an error tells it.
    init(failureOf reference: ObjectReference, _ error: KubernetesError, message: String? = nil) {
        self.init(
            reference: reference, outcome: .failed, message: message ?? error.message, isTransient: error.isTransient,
            reason: error.reason, outage: ServerOutage(error))
    }
}

extension BundleProgress: CustomStringConvertible {
    /// `apps/v1 Deployment shop/web configured`.
    public var description: String {
        "\(reference) \(outcome.rawValue)\(message.isEmpty ? "" : ": \(message)")"
    }
}

/// What became of a bundle.
public struct BundleResult: Sendable, Hashable {
    /// What became of each object, in the order done.
    public var objects: [BundleProgress]
    /// What the cluster now holds of the bundle, as stored in it.
    public var inventory: Inventory
    /// In a look at what was applied: what another bundle had taken and gave back, and nobody has applied since.
    public var returned: Set<ObjectIdentity> = []
    /// What was taken over from other bundles, and what was left to them, in words.
    public var dealings: [String] = []

    /// Creates a result.
    public init(objects: [BundleProgress], inventory: Inventory) {
        self.objects = objects
        self.inventory = inventory
    }

    /// Whether nothing failed and nothing was skipped.
    public var succeeded: Bool { !objects.contains { $0.outcome == .failed || $0.outcome == .skipped } }

    /// The failures.
    public var failures: [BundleProgress] { objects.filter { $0.outcome == .failed } }
}
