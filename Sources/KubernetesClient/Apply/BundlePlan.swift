internal import KubernetesObjects

/// A bundle, checked and put in order before anything is touched. Pure.
struct BundlePlan: Sendable {
    let steps: [ApplyStep]
    let hooks: [Hook]
    /// The definition in the bundle that brings a kind.
    let definitions: [GroupKind: ObjectReference]
    /// Which fields of the objects are left to whom.
    private(set) var policy: FieldPolicy
    /// The API versions, as `group/version`, for which the bundle brings the server.
    let extensionVersions: Set<String>

    /// - Parameters:
    ///   - objects: The bundle.
    ///   - options: How it is applied.
    ///   - isNamespaced: Whether a kind's objects live in namespaces; nil when nobody knows the kind.
    /// - Throws: ``KubernetesError`` naming the object at fault.
    init(
        _ objects: [KubernetesObject], options: BundleOptions, isNamespaced: (GroupVersionKind) -> Bool?
    ) throws {
        var hooks: [Hook] = []
        var rest: [KubernetesObject] = []
        var seen: Set<ObjectIdentity> = []
        for object in objects {
            do {
                try ObjectValidation.validate(object)
            } catch {
                throw KubernetesError(code: .invalidInput, message: "\(error)", cause: error)
            }
            var placed = object
            switch isNamespaced(object.type) {
            case true where object.namespace == nil: placed.namespace = options.defaultNamespace
            case false: placed.namespace = nil
            default: break
            }
            guard seen.insert(placed.reference.identity).inserted else {
                throw KubernetesError(code: .invalidInput, message: "\(placed.reference) is in the bundle twice")
            }
            _ = try options.ignoredPaths(of: placed)
            let runs = try Hook.all(of: placed, annotations: options.annotations, scope: options.hookScope)
            hooks += runs
            if runs.isEmpty { rest.append(placed) }
        }
        guard seen.count <= Inventory.maximumCount else {
            throw KubernetesError(
                code: .invalidInput,
                message: "a bundle of \(seen.count) objects is larger than \(Inventory.maximumCount)")
        }
        self.hooks = hooks
        self.policy = FieldPolicy(options: options, objects: rest)
        self.steps = try ApplyOrder.steps(of: rest, annotations: options.annotations)
        self.definitions = BundlePlan.definitions(in: objects).mapValues(\.reference)
        self.extensionVersions = Set(
            objects.filter { $0.type.groupKind == GroupKind(group: "apiregistration.k8s.io", kind: "APIService") }
                .compactMap { service in
                    guard let group = service.spec?["group"]?.stringValue,
                        let version = service.spec?["version"]?.stringValue
                    else { return nil }
                    return "\(group)/\(version)"
                })
    }

    /// The plan where objects of more kinds are known to be scaled by others than their manifests.
    func knowing(scalable kinds: Set<GroupKind>) -> BundlePlan {
        var plan = self
        plan.policy.scalable = kinds
        return plan
    }

    /// The CustomResourceDefinitions of a bundle by the kinds that they bring.
    static func definitions(in objects: [KubernetesObject]) -> [GroupKind: KubernetesObject] {
        var definitions: [GroupKind: KubernetesObject] = [:]
        for object in objects where object.kind == "CustomResourceDefinition" {
            guard let group = object.spec?["group"]?.stringValue, let kind = object.spec?["names"]?["kind"]?.stringValue
            else { continue }
            definitions[GroupKind(group: group, kind: kind)] = object
        }
        return definitions
    }

    /// The digests of Jobs, and of what else runs to an end, that are no hooks: where a bundle's work is told apart from another's, it is done once.
    func jobDigests(scope: String) -> Set<String> {
        if scope.isEmpty { return [] }
        return Set(
            steps.flatMap(\.objects).filter(\.isDoneOnce)
                .map { Hook.digest(of: $0, scope: scope) })
    }

    /// What the bundle brings. Hooks are in it whatever their policy: one that is interrupted stays.
    var inventory: Inventory {
        Inventory(steps.flatMap { $0.objects.map(\.reference) } + hooks.map(\.object.reference))
    }

    /// The object among those that failed without which another one cannot be.
    func failedDependency(of object: KubernetesObject, failed: Set<ObjectIdentity>) -> ObjectIdentity? {
        if failed.isEmpty { return nil }
        var needs: [ObjectIdentity] = []
        if let namespace = object.namespace {
            needs.append(ObjectIdentity(type: GroupKind(kind: "Namespace"), name: namespace))
        }
        if let definition = definitions[object.type.groupKind] { needs.append(definition.identity) }
        needs.append(contentsOf: BundlePlan.podReferences(of: object))
        return needs.first { failed.contains($0) }
    }

    /// The ConfigMaps, Secrets and accounts that a workload's pods refer to.
    static func podReferences(of object: KubernetesObject) -> [ObjectIdentity] {
        let spec: JSONValue?
        switch object.kind {
        case "Pod": spec = object.spec
        case "CronJob": spec = object.value(at: ["spec", "jobTemplate", "spec", "template", "spec"])
        default: spec = object.value(at: ["spec", "template", "spec"])
        }
        guard let spec else { return [] }
        var identities: [ObjectIdentity] = []
        func add(_ kind: String, _ name: JSONValue?) {
            guard let name = name?.stringValue else { return }
            identities.append(ObjectIdentity(type: GroupKind(kind: kind), namespace: object.namespace, name: name))
        }
        add("ServiceAccount", spec["serviceAccountName"])
        for volume in spec["volumes"]?.arrayValue ?? [] {
            add("ConfigMap", volume["configMap"]?["name"])
            add("Secret", volume["secret"]?["secretName"])
            add("PersistentVolumeClaim", volume["persistentVolumeClaim"]?["claimName"])
            for source in volume["projected"]?["sources"]?.arrayValue ?? [] {
                add("ConfigMap", source["configMap"]?["name"])
                add("Secret", source["secret"]?["name"])
            }
        }
        for field in ["containers", "initContainers"] {
            for container in spec[field]?.arrayValue ?? [] {
                for source in container["envFrom"]?.arrayValue ?? [] {
                    add("ConfigMap", source["configMapRef"]?["name"])
                    add("Secret", source["secretRef"]?["name"])
                }
                for variable in container["env"]?.arrayValue ?? [] {
                    add("ConfigMap", variable["valueFrom"]?["configMapKeyRef"]?["name"])
                    add("Secret", variable["valueFrom"]?["secretKeyRef"]?["name"])
                }
            }
        }
        return identities
    }
}
