internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What the guards say, case by case.
@Suite struct PruneGuardRuleTests {
    private let annotations = ObjectAnnotations()

    private func object(
        _ apiVersion: String, _ kind: String, _ name: String, namespace: String? = nil,
        annotations: [String: String] = [:]
    ) -> KubernetesObject {
        var object = KubernetesObject(
            type: GroupVersionKind(apiVersion: apiVersion, kind: kind), namespace: namespace, name: name)
        object.annotations = annotations
        return object
    }

    @Test func refusesToPruneEverythingUnasked() {
        let old = Inventory([object("v1", "ConfigMap", "a", namespace: "x").reference])
        #expect(
            PruneGuard.refusal(old: old, new: Inventory(), allowsEmpty: false)?.contains("1 objects are kept") == true)
        #expect(PruneGuard.refusal(old: old, new: Inventory(), allowsEmpty: true) == nil)
        #expect(PruneGuard.refusal(old: old, new: old, allowsEmpty: false) == nil)
    }

    @Test func whatHasDataIsTheSameForAll() {
        let kinds = KindTable.rows.filter { $0.prune == .onlyWhenTold }.map(\.kind)
        #expect(Set(kinds) == KubernetesObject.dataKinds)
    }

    @Test func keepsWhatIsAnnotatedOrSomebodyElses() throws {
        func reason(_ object: KubernetesObject) -> String? {
            PruneGuard.keepReason(object, annotations: annotations, fieldManager: "swell")
        }
        #expect(reason(object("v1", "ConfigMap", "a", annotations: ["swell.dev/prune": "keep"])) != nil)
        #expect(reason(object("v1", "ConfigMap", "a")) == nil)
        // As Helm reads it.
        for word in ["keep", "Keep", " keep", "KEEP "] {
            let kept = object("v1", "ConfigMap", "a", annotations: ["helm.sh/resource-policy": word])
            #expect(reason(kept) == "annotated helm.sh/resource-policy: keep", "'\(word)'")
        }
        #expect(reason(object("v1", "ConfigMap", "a", annotations: ["helm.sh/resource-policy": "k eep"])) == nil)
        #expect(reason(object("v1", "Namespace", "kube-system")) != nil)
        var adopted = object("v1", "ConfigMap", "a")
        adopted.setMetadata("managedFields", [["manager": "helm"]])
        #expect(reason(adopted)?.contains("no longer manages") == true)
        var namespace = object("v1", "Namespace", "shop")
        namespace.setMetadata("managedFields", [["manager": "kube-controller-manager"]])
        #expect(reason(namespace) == nil)
    }

    @Test func tellsForeignObjectsFromFurniture() {
        let pruned: Set<ObjectIdentity> = [object("v1", "ConfigMap", "ours", namespace: "x").reference.identity]
        func verdict(_ object: KubernetesObject) -> PruneGuard.Verdict {
            PruneGuard.verdict(on: object, pruned: pruned)
        }
        #expect(verdict(object("v1", "ConfigMap", "theirs", namespace: "x")) == .stays)
        #expect(verdict(object("v1", "ConfigMap", "ours", namespace: "x")) == .goes)
        #expect(verdict(object("v1", "ConfigMap", "kube-root-ca.crt", namespace: "x")) == .goes)
        #expect(verdict(object("v1", "ServiceAccount", "default", namespace: "x")) == .goes)
        #expect(verdict(object("events.k8s.io/v1", "Event", "e", namespace: "x")) == .goes)
        var token = object("v1", "Secret", "default-token-x", namespace: "x")
        token["type"] = "kubernetes.io/service-account-token"
        #expect(verdict(token) == .goes)
        var owned = object("v1", "Pod", "p", namespace: "x")
        owned.setMetadata("ownerReferences", [["uid": "u", "kind": "ReplicaSet", "name": "r"]])
        #expect(verdict(owned) == .asOwners(owned.owners))
        #expect(owned.owners.map(\.name) == ["r"])
        owned.setMetadata("deletionTimestamp", "2026-01-01T00:00:00Z")
        #expect(verdict(owned) == .goes)
    }
}
