public import KubernetesObjects

/// A field that the applier leaves to somebody else, such as an autoscaler.
public struct IgnoredField: Sendable, Hashable {
    /// The kind whose field is meant; nil for every kind.
    public var type: GroupKind?
    /// The object's name; nil for every object.
    public var name: String?
    /// The object's namespace; nil for any.
    public var namespace: String?
    /// The field.
    public var path: FieldPath

    /// Creates an entry.
    public init(type: GroupKind? = nil, name: String? = nil, namespace: String? = nil, path: FieldPath) {
        self.type = type
        self.name = name
        self.namespace = namespace
        self.path = path
    }

    func covers(_ object: KubernetesObject) -> Bool {
        (type.map { $0 == object.type.groupKind } ?? true) && (name.map { $0 == object.name } ?? true)
            && (namespace.map { $0 == object.namespace } ?? true)
    }
}

/// How a bundle is applied.
public struct BundleOptions: Sendable {
    /// How many objects are under way at once unless told otherwise.
    public static let defaultConcurrency = 8
    /// What to do where others own fields of an object that is applied for the first time.
    public enum Adoption: Sendable, Hashable {
        /// Report the managers in conflict and fail; only kubectl's client-side apply is taken over from.
        case reportConflicts
        /// Take the fields.
        case force
    }

    /// Who owns the fields that are sent.
    public var fieldManager: String
    /// The namespace of the ConfigMap that keeps the inventory.
    public var inventoryNamespace: String
    /// The name of the ConfigMap that keeps the inventory.
    public var inventoryName: String
    /// What the names of all inventories of the field manager begin with: what another one of them holds is never pruned.
    public var inventoryPrefix: String?
    /// The namespace of objects that name none.
    public var defaultNamespace: String?
    /// The names of annotations.
    public var annotations = ObjectAnnotations()
    /// Fields that are left to others.
    public var ignoredFields: [IgnoredField] = []
    /// What to do on first contact.
    public var adoption: Adoption = .reportConflicts
    /// Objects that are left as they are, with why.
    public var untouched: [ObjectIdentity: String] = [:]
    /// Whether objects that other inventories hold are changed where the object or ``adoption`` says force.
    public var takesOver = true
    /// Whether the bundle was there before and comes back: hooks around it are not run, but for those that say so.
    public var isReturn = false
    /// Whether the bundle was healthy here before, so that whoever orders it once more takes back what came after it.
    public var wasProven = false
    /// Whether what other inventories hold is left to them whatever is said of force, as in a return: for what takes another bundle back,
    /// or was applied whole already.
    public var leavesHeld = false
    /// The most objects applied side by side.
    public var concurrency: Int = BundleOptions.defaultConcurrency
    /// Whether a failed object stops all that comes after it; otherwise only the waves after its own, and what needs it.
    public var stopsAtFailure = true
    /// Whether all the rest is tried whatever fails, later waves and what needs the object that failed too: for what was applied whole
    /// once, and is only put back.
    public var goesOnAfterFailures = false
    /// Whether each wave's health is awaited before the next, and the last one's before pruning.
    public var waitsForHealth = true
    /// How long one wave's health may take.
    public var healthTimeout: Duration = .seconds(600)
    /// How long a definition may take to be served, or a replaced object to be gone.
    public var settleTimeout: Duration = .seconds(60)
    /// Whether what is no longer wanted is deleted.
    public var prunes = true
    /// Whether a Job, or what else runs to an end and goes by itself once it has, that is not there is run again; otherwise it counts as
    /// done.
    public var repeatsFinishedJobs = true
    /// Jobs that failed and are to run again, by their uids: each is deleted and made again where it is the very one that was applied
    /// before, and as it is wanted now. For whoever orders the same bundle once more after it failed; any other stays, and so does
    /// its failure. What is made in its place has another uid, and does not run once more however often the order is tried.
    public var repeatedJobs: Set<String> = []
    /// Whether hooks are run. Where not, those around the bundle count as done: they have run when it was applied.
    public var runsHooks = true
    /// Whether hooks for a failure are run as soon as something has failed; otherwise they are for whoever gives up, by
    /// ``BundleApplier/runFailureHooks(of:)``: what failed may only have to be tried again.
    public var runsFailureHooks = true
    /// What the bundle is called, such as its digest: each hook runs once for each. Empty: once for each content of the hook.
    public var hookScope = ""
    /// Whether an empty list of objects means to delete everything.
    public var allowsEmpty = false
    /// Whether what is deleted goes for good, and nobody comes after to go on with it: then it is waited for, what is still there after
    /// ``settleTimeout`` is a failure, and what was kept is held no more once all the rest is gone.
    public var isRemoval = false
    /// Checks for kinds that the built-in rules do not know.
    public var checks: [CustomHealthCheck] = []
    /// What to make of custom resources whose controller says nothing.
    public var silentControllers: SilencePolicy = .wait
    /// Where it is noted what was sent, so that no status of before is taken for one about it.
    public var evidence = EvidenceLedger()
    /// Called once it is noted what judges of revisions said, before anything is sent: who comes after an interruption is to know it.
    public var onHeard: @Sendable () async throws -> Void = {}
    /// Called once an object is back in the inventory that it was taken from, by that one's name without the prefix: says whether it will
    /// be applied there as it is wanted there.
    public var onGivenBack: @Sendable (String) async -> Bool = { _ in false }
    /// Called in a removal that has done all, with what became of each object, before the inventory is emptied: who comes after an
    /// interruption finds nothing there any more, and is to know what was left.
    public var onRemoved: @Sendable ([BundleProgress]) async throws -> Void = { _ in }
    /// Gives the current time, for health rules.
    public var now: @Sendable () -> KubernetesTime

    /// Creates options.
    public init(
        fieldManager: String, inventoryNamespace: String, inventoryName: String, defaultNamespace: String? = nil,
        now: @escaping @Sendable () -> KubernetesTime
    ) {
        self.fieldManager = fieldManager
        self.inventoryNamespace = inventoryNamespace
        self.inventoryName = inventoryName
        self.defaultNamespace = defaultNamespace
        self.now = now
    }

    /// Whether another bundle is taken back: what that one has done, and others since, must not keep the rest from being put back.
    var takesBack: Bool { isReturn || wasProven }

    /// Whether all the rest is tried whatever fails.
    var triesAll: Bool { goesOnAfterFailures || takesBack }

    /// Whether fields of an object are taken from whoever owns them.
    func isForced(_ object: KubernetesObject) -> Bool {
        adoption == .force || object.annotations[annotations.adopt] == "force"
    }

    func ignoredPaths(of object: KubernetesObject) throws -> [FieldPath] {
        try ignoredFields.filter { $0.covers(object) }.map(\.path) + annotations.ignoredFields(of: object)
    }
}
