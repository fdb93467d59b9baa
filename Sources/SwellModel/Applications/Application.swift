public import KubernetesObjects

/// What is released: where it lives in a cluster, how a cluster takes it on, and how manifests differ by place.
public struct Application: Sendable, Hashable, Codable {
    public var name: ApplicationName
    /// The namespace that objects without one get.
    public var namespace: String
    /// The clusters that run it; a rollout covers these, narrowed by its policy's stages.
    public var select: ClusterSelector
    public var strategy: ApplicationStrategy
    public var checks: [HealthCheck]
    /// Fields left to others, such as `spec.replicas` under an autoscaler: never sent, never drift.
    public var ignoreFields: [IgnoredFields]
    /// Values for `${name}` in manifests, before overrides.
    public var parameters: [String: String]
    public var overrides: [Override]
    /// Where the manifests are, relative to the document's file, from where `release create --document` reads them.
    public var manifests: String?
    /// Whether `${name}` is replaced; nil: where parameters are declared. Never in a release's index: there it always is, and
    /// what stays is stored escaped.
    public var substitute: Bool?
    /// What happens where somebody else owns fields of an object, or another application holds it; nil is
    /// ``AdoptionPolicy/refuse``.
    public var adopt: AdoptionPolicy?
    /// Whether its releases may carry the values of Secrets; nil is ``SecretsPolicy/allow``, unless the coordinator is told otherwise.
    /// Never in a release's index.
    public var secrets: SecretsPolicy?

    public init(
        name: ApplicationName, namespace: String, select: ClusterSelector = ClusterSelector(),
        strategy: ApplicationStrategy = ApplicationStrategy(), checks: [HealthCheck] = [],
        ignoreFields: [IgnoredFields] = [], parameters: [String: String] = [:], overrides: [Override] = [],
        manifests: String? = nil, substitute: Bool? = nil,
        adopt: AdoptionPolicy? = nil, secrets: SecretsPolicy? = nil
    ) {
        self.name = name
        self.namespace = namespace
        self.select = select
        self.strategy = strategy
        self.checks = checks
        self.ignoreFields = ignoreFields
        self.parameters = parameters
        self.overrides = overrides
        self.manifests = manifests
        self.substitute = substitute
        self.adopt = adopt
        self.secrets = secrets
    }
}

extension Application {
    /// By bytes, as whatever is rendered from it differs: two spellings of a parameter's value are two applications.
    public static func == (left: Application, right: Application) -> Bool { left.document == right.document }
}

/// How a cluster takes on a release, and what its agent may do by itself.
public struct ApplicationStrategy: Sendable, Hashable, Codable {
    /// Whether the agent reverts to the fallback on its own when the release fails on its cluster.
    public var selfRollback: Bool
    /// What the agent does with an unfinished release while it cannot reach the coordinator.
    public var whenDisconnected: DisconnectedBehaviour
    public var drift: DriftPolicy
    /// What happens on a rollback where no other release was ever proven healthy: the cluster is held as it is, or what releases
    /// brought is removed. That is only where it is asked for, and even then never what was there before them.
    public var whenNeverHealthy: NeverHealthyBehaviour

    public init(
        selfRollback: Bool = true, whenDisconnected: DisconnectedBehaviour = .finish, drift: DriftPolicy = .correct,
        whenNeverHealthy: NeverHealthyBehaviour = .hold
    ) {
        self.selfRollback = selfRollback
        self.whenDisconnected = whenDisconnected
        self.drift = drift
        self.whenNeverHealthy = whenNeverHealthy
    }
}

/// What happens where somebody else owns fields of an object that a release brings, or another application holds it.
public enum AdoptionPolicy: String, Sendable, Codable, CaseIterable {
    /// The release is refused, and says who.
    case refuse
    /// The fields are taken, and the release says from whom.
    case force
}

public enum DisconnectedBehaviour: String, Sendable, Codable, CaseIterable { case finish, hold, revert }
public enum DriftPolicy: String, Sendable, Codable, CaseIterable { case correct, report }

/// What becomes of a release that failed where none was ever proven healthy.
public enum NeverHealthyBehaviour: String, Sendable, Codable, CaseIterable {
    /// What releases created is removed; what was there before is left as it stands.
    case remove
    /// It stays as it is, for a person to look at.
    case hold
}

/// A custom health rule: objects of this kind (and name, if given) are healthy when the expression holds.
public struct HealthCheck: Sendable, Hashable, Codable {
    public var apiVersion: String
    public var kind: String
    public var name: String?
    /// An expression over the object's fields, such as `status.phase == "Ready"`.
    public var healthy: String
    /// An expression that means failure, if any.
    public var failed: String?

    public init(apiVersion: String, kind: String, name: String? = nil, healthy: String, failed: String? = nil) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.healthy = healthy
        self.failed = failed
    }
}

/// Fields of some objects that are left to others.
public struct IgnoredFields: Sendable, Hashable, Codable {
    public var apiVersion: String
    public var kind: String
    public var name: String?
    /// Paths such as `spec.replicas`.
    public var paths: [String]

    public init(apiVersion: String, kind: String, name: String? = nil, paths: [String]) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.paths = paths
    }
}

/// What differs in some environments, regions or clusters. Overrides apply in order; later ones win.
public struct Override: Sendable, Hashable, Codable {
    public var match: ClusterSelector
    public var parameters: [String: String]
    public var images: [ImageOverride]
    public var patches: [ObjectPatch]

    public init(
        match: ClusterSelector, parameters: [String: String] = [:], images: [ImageOverride] = [],
        patches: [ObjectPatch] = []
    ) {
        self.match = match
        self.parameters = parameters
        self.images = images
        self.patches = patches
    }
}

/// Replaces an image wherever a pod template names it, as Kustomize's `images` does.
public struct ImageOverride: Sendable, Hashable, Codable {
    /// The image's name without tag or digest, as the manifests spell it.
    public var name: String
    public var newName: String?
    public var newTag: String?
    public var digest: String?

    public init(name: String, newName: String? = nil, newTag: String? = nil, digest: String? = nil) {
        self.name = name
        self.newName = newName
        self.newTag = newTag
        self.digest = digest
    }
}

/// A patch of the objects that match: `merge` is an RFC 7386 document, `json` a list of RFC 6902 operations.
public struct ObjectPatch: Sendable, Hashable, Codable {
    public var kind: String
    public var name: String?
    public var merge: JSONValue?
    public var json: JSONValue?

    public init(kind: String, name: String? = nil, merge: JSONValue? = nil, json: JSONValue? = nil) {
        self.kind = kind
        self.name = name
        self.merge = merge
        self.json = json
    }
}
