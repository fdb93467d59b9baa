public import KubernetesObjects

/// What kind of part an object plays, in the order in which parts are applied.
public enum ApplyPhase: Int, Sendable, Hashable, CaseIterable, Comparable {
    /// Namespaces.
    case namespaces
    /// CustomResourceDefinitions.
    case definitions
    /// Classes that others refer to: StorageClass, PriorityClass …
    case classes
    /// Accounts, roles and bindings.
    case access
    /// ConfigMaps, Secrets, volumes, quotas.
    case configuration
    /// Services.
    case services
    /// What runs pods.
    case workloads
    /// All else.
    case others
    /// Admission webhook configurations: they refuse requests when what they call is not up yet.
    case admission

    /// The phase of a type.
    public init(of type: GroupKind) {
        switch (type.group, type.kind) {
        case ("", "Namespace"): self = .namespaces
        case ("apiextensions.k8s.io", "CustomResourceDefinition"): self = .definitions
        case ("storage.k8s.io", _), ("scheduling.k8s.io", _), ("node.k8s.io", _), ("networking.k8s.io", "IngressClass"),
            ("gateway.networking.k8s.io", "GatewayClass"):
            self = .classes
        case ("rbac.authorization.k8s.io", _), ("", "ServiceAccount"): self = .access
        case ("", "ConfigMap"), ("", "Secret"), ("", "PersistentVolume"), ("", "PersistentVolumeClaim"),
            ("", "ResourceQuota"), ("", "LimitRange"):
            self = .configuration
        case ("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice"): self = .services
        case ("apps", _), ("batch", _), ("", "Pod"), ("", "ReplicationController"): self = .workloads
        case ("admissionregistration.k8s.io", _): self = .admission
        default: self = .others
        }
    }

    public static func < (left: ApplyPhase, right: ApplyPhase) -> Bool { left.rawValue < right.rawValue }
}

/// Objects that may be applied side by side, once all steps before them are done.
public struct ApplyStep: Sendable, Hashable {
    /// The wave; nil for namespaces, definitions and what hooks need, which go before all waves.
    public var wave: Int?
    /// The part that the objects play.
    public var phase: ApplyPhase
    /// The objects, in the order given.
    public var objects: [KubernetesObject]

    /// Creates a step.
    public init(wave: Int?, phase: ApplyPhase, objects: [KubernetesObject]) {
        self.wave = wave
        self.phase = phase
        self.objects = objects
    }
}

/// The order in which a bundle's objects are applied and pruned. Pure.
public enum ApplyOrder {
    /// The steps of a bundle: namespaces, definitions and what hooks need that name no wave first, then waves, each by phases.
    ///
    /// - Throws: ``KubernetesError`` when an object's wave annotation cannot be read.
    public static func steps(
        of objects: [KubernetesObject], annotations: ObjectAnnotations = ObjectAnnotations()
    ) throws -> [ApplyStep] {
        struct Key: Hashable, Comparable {
            var wave: Int?
            var phase: ApplyPhase
            static func < (left: Key, right: Key) -> Bool {
                (left.wave ?? .min, left.phase) < (right.wave ?? .min, right.phase)
            }
        }
        var groups: [Key: [KubernetesObject]] = [:]
        for object in objects {
            let phase = ApplyPhase(of: object.type.groupKind)
            let explicit = try annotations.waveNumber(of: object)
            let goesFirst = explicit == nil && (phase <= .definitions || annotations.isNeededByHooks(object))
            groups[Key(wave: goesFirst ? nil : explicit ?? 0, phase: phase), default: []].append(object)
        }
        return groups.keys.sorted().map { key in
            ApplyStep(wave: key.wave, phase: key.phase, objects: groups[key] ?? [])
        }
    }

    /// References in the order in which they are pruned: the reverse of applying, so that namespaces come last.
    public static func pruneOrder(_ references: [ObjectReference]) -> [[ObjectReference]] {
        let groups = Dictionary(grouping: references) { ApplyPhase(of: $0.type.groupKind) }
        return groups.keys.sorted(by: >).map { phase in
            (groups[phase] ?? []).sorted { $0.description < $1.description }
        }
    }
}
