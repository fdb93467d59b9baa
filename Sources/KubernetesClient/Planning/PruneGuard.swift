internal import KubernetesObjects

/// What keeps an object from being pruned. Pure.
enum PruneGuard {
    /// Why objects are not pruned at all, or nil when they may be.
    ///
    /// - Parameters:
    ///   - old: What was there.
    ///   - new: What is wanted now.
    ///   - allowsEmpty: Whether an empty new set was meant.
    static func refusal(old: Inventory, new: Inventory, allowsEmpty: Bool) -> String? {
        guard new.references.isEmpty, !old.references.isEmpty, !allowsEmpty else { return nil }
        return "the new set is empty; \(old.references.count) objects are kept unless that is said to be meant"
    }

    /// Why one object is kept, or nil when it may be deleted.
    ///
    /// - Parameters:
    ///   - live: The object as the server has it.
    ///   - annotations: The names of annotations.
    ///   - fieldManager: Who applied it. An object that carries nothing of this manager's has become somebody else's.
    ///   - isPending: Whether it was only meant to be applied.
    ///   - mark: What is noted of the object that was applied.
    static func keepReason(
        _ live: KubernetesObject, annotations: ObjectAnnotations, fieldManager: String, isPending: Bool = false,
        mark: ObjectMark = ObjectMark()
    ) -> String? {
        if let said = protection(of: live, annotations: annotations) { return "annotated \(said)" }
        // One of that name that was made by somebody else since, and that this manager never applied.
        if mark.sameness(with: live) == .another, !FieldLedger(live).isApplied(by: fieldManager) {
            return "another object has that name now"
        }
        // A namespace's manifest may hold no field that can be owned; what is in it is looked at instead.
        if live.type.groupKind != GroupKind(kind: "Namespace") || isPending,
            let fields = live.metadata["managedFields"]?.arrayValue, !fields.isEmpty,
            !fields.contains(where: { $0["manager"]?.stringValue == fieldManager }),
            isPending || !mark.isStillOurs(live, beside: fieldManager)
        {
            return "\(fieldManager) no longer manages any field of it"
        }
        if live.type.groupKind == GroupKind(kind: "Namespace"),
            ["default", "kube-system", "kube-public", "kube-node-lease"].contains(live.name)
        {
            return "it is a namespace of Kubernetes' own"
        }
        return nil
    }

    /// What on an object says that it is to stay, in Swell's words, Helm's, Argo CD's or Flux's; nil where nothing does. It counts
    /// whoever wrote it, on the cluster too: who holds a deletion back takes nothing from anybody.
    static func protection(of live: KubernetesObject, annotations: ObjectAnnotations) -> String? {
        if live.annotations[annotations.prune] == "keep" { return "\(annotations.prune): keep" }
        let helm = "helm.sh/resource-policy"
        if live.annotations[helm] == "keep" { return "\(helm): keep" }
        for (key, value) in fluxProtections where live.annotations[key]?.lowercased() == value {
            return "\(key): \(value)"
        }
        let argo = "argocd.argoproj.io/sync-options"
        let options = (live.annotations[argo] ?? "").split { $0 == "," || $0 == " " }
        return options.first { argoProtections.contains(String($0)) }.map { "\(argo): \($0)" }
    }

    /// Flux's word for what it leaves, and that of its sources' lifecycle.
    private static let fluxProtections = [
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"), ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ]

    /// Where Argo CD asks somebody, nobody has answered here.
    private static let argoProtections: Set<String> = [
        "Prune=false", "Delete=false", "Prune=confirm", "Delete=confirm",
    ]

    /// Why an object with whose deletion data go is kept; nil where it is told to go, or has none.
    ///
    /// - Parameter isAllowed: Whether the release that was applied allows it. What the object itself says on the cluster does not.
    static func dataReason(
        _ live: KubernetesObject, annotations: ObjectAnnotations, isAllowed: Bool
    ) -> String? {
        guard KindTable.facts(of: live.type.groupKind).prune == .onlyWhenTold, !isAllowed else { return nil }
        return
            "data go with a \(live.kind); a release that has it annotated \(annotations.prune): allow, rolled out before "
            + "it is taken out, has it deleted; or delete it by hand"
    }

    static let definitionType = GroupKind(group: "apiextensions.k8s.io", kind: "CustomResourceDefinition")

    /// Kinds that are in every namespace, or come and go with others: their presence does not make it somebody's.
    static let namespaceDefaults: Set<GroupKind> = [
        GroupKind(kind: "Event"), GroupKind(group: "events.k8s.io", kind: "Event"), GroupKind(kind: "Endpoints"),
        GroupKind(group: "discovery.k8s.io", kind: "EndpointSlice"),
        GroupKind(group: "coordination.k8s.io", kind: "Lease"),
        GroupKind(group: "apps", kind: "ControllerRevision"),
    ]

    /// What servers, meshes and platforms put into every namespace of a cluster.
    private static let platformDefaults: Set<String> = [
        "ConfigMap/kube-root-ca.crt", "ConfigMap/openshift-service-ca.crt", "ConfigMap/istio-ca-root-cert",
        "ConfigMap/istio-ca-crl", "ServiceAccount/default", "ServiceAccount/builder", "ServiceAccount/deployer",
        "RoleBinding/system:image-pullers", "RoleBinding/system:image-builders", "RoleBinding/system:deployers",
    ]

    /// What becomes of an object that is found in a namespace, or of a kind, that is to be pruned.
    enum Verdict: Sendable, Hashable {
        /// It goes, or comes with every namespace: it is nobody's to keep.
        case goes
        /// It is others', and would stay if nothing took it along.
        case stays
        /// It goes with these owners, once all of them are gone.
        case asOwners([OwnerReference])
    }

    /// What becomes of an object if only what is pruned goes.
    ///
    /// - Parameter pruned: What is pruned together with it, and nothing that is kept after all.
    static func verdict(on object: KubernetesObject, pruned: Set<ObjectIdentity>) -> Verdict {
        if namespaceDefaults.contains(object.type.groupKind) { return .goes }
        if platformDefaults.contains("\(object.kind)/\(object.name)") { return .goes }
        // The token of an account goes with it, though no owner is named (servers before 1.24 make one for each).
        if object.kind == "Secret", object["type"] == "kubernetes.io/service-account-token" { return .goes }
        if object.deletionTimestamp != nil { return .goes }
        if pruned.contains(object.reference.identity) { return .goes }
        return object.owners.isEmpty ? .stays : .asOwners(object.owners)
    }
}
