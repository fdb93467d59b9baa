public import KubernetesObjects

/// The annotations by which an object says how it wants to be applied, all under one prefix.
public struct ObjectAnnotations: Sendable, Hashable {
    /// The prefix before the slash.
    public var prefix: String

    /// Creates the names under a prefix.
    public init(prefix: String = "swell.dev") {
        self.prefix = prefix
    }

    /// When in the bundle the object is applied: an integer, lower first; 0 where absent.
    public var wave: String { "\(prefix)/wave" }
    /// `keep`: never prune the object, whoever says so. `allow`, in a manifest: prune it though data go with it, as with a claim.
    public var prune: String { "\(prefix)/prune" }
    /// `allow`: delete and create the object again when an immutable field changes.
    public var replace: String { "\(prefix)/replace" }
    /// `before`, `after` or `on-failure`: the object is a Job or a Pod to run then; several with commas: it is made and run again at
    /// each. With `before`, what is of another kind (an account, settings, a database for the migration) goes ahead of those, is
    /// awaited, and is an object like any other after that.
    public var hook: String { "\(prefix)/hook" }
    /// How long a hook may take: `90s`, `5m`, `1h`. Mandatory on hooks.
    public var hookTimeout: String { "\(prefix)/hook-timeout" }
    /// When a finished hook is deleted: `always`, `on-success` or `never` (where absent), in which case it is pruned like any
    /// object by a bundle that lacks it.
    public var hookDelete: String { "\(prefix)/hook-delete" }
    /// Fields that are left to somebody else, comma-separated: `spec.replicas`.
    public var ignore: String { "\(prefix)/ignore-fields" }

    /// `once`: create the object where it is not there, and leave it as it is where it is, whoever made it.
    public var apply: String { "\(prefix)/apply" }
    /// `force`: take the object's fields from whoever owns them, another application too.
    public var adopt: String { "\(prefix)/adopt" }
    /// `install`, `upgrade` or both, comma-separated: on what occasions a hook around the bundle runs; absent: on both.
    public var hookOn: String { "\(prefix)/hook-on" }
    /// `run`: the hook runs again when the cluster comes back to its release after another one.
    public var hookOnReturn: String { "\(prefix)/hook-on-return" }
    /// Objects in a namespace that hold its deletion up no more than the server's own do: `ConfigMap/mesh-ca, …`, in
    /// the namespace's manifest.
    public var namespaceDefaults: String { "\(prefix)/namespace-defaults" }

    static let job = GroupKind(group: "batch", kind: "Job")

    /// Whether an object is a Job or a Pod to run at some moment, and so no lasting part of what is applied.
    public func isHook(_ object: KubernetesObject) -> Bool {
        object.type.groupKind.runsToItsEnd && object.annotations[hook] != nil
    }

    /// Whether an object is made where it is missing, and left as it is otherwise. A hook runs when its own annotations say.
    func isMadeOnce(_ object: KubernetesObject) -> Bool {
        object.annotations[apply] == "once" && !isHook(object)
    }

    /// Whether an object goes ahead of the hooks that run before the rest.
    func isNeededByHooks(_ object: KubernetesObject) -> Bool {
        object.annotations[hook] == "before" && !object.type.groupKind.runsToItsEnd
    }

    /// The wave of an object.
    ///
    /// - Throws: ``KubernetesError`` when the annotation is no integer from -1000 to 1000.
    public func waveNumber(of object: KubernetesObject) throws -> Int? {
        guard let text = object.annotations[wave] else { return nil }
        guard let number = Int(text), (-1000...1000).contains(number) else {
            throw KubernetesError(
                code: .invalidInput,
                message: "\(object.reference): annotation \(wave) \"\(text)\" is no integer from -1000 to 1000")
        }
        return number
    }

    /// The fields that an object leaves to somebody else.
    public func ignoredFields(of object: KubernetesObject) throws -> [FieldPath] {
        guard let text = object.annotations[ignore] else { return [] }
        do {
            return try text.split(separator: ",").map { part in
                try FieldPath(parsing: String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
            }
        } catch let error as KubernetesObjectError {
            throw KubernetesError(
                code: .invalidInput, message: "\(object.reference): annotation \(ignore): \(error.message)",
                cause: error)
        }
    }
}
