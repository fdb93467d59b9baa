internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

extension KubernetesCluster {
    /// What scales workloads on a cluster. An autoscaler of another make, such as KEDA, works through one of these.
    private static let autoscaler = GroupVersionKind(
        group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler")

    /// Says of workloads whose number of pods the release sets that somebody else sets it, too: an autoscaler that is on the cluster and
    /// not of the release, so that nothing in the release told of it. Who may not look is told nothing.
    ///
    /// - Throws: `CancellationError` only.
    func notingAutoscalers(_ changes: [ObjectChange], of release: ClusterRelease) async throws -> [ObjectChange] {
        let objects = release.objects.map { object in
            var placed = object
            placed.namespace = object.namespace ?? release.application.namespace
            return placed
        }
        let own = Set(objects.map(\.reference.identity))
        let left = release.application.ignoreFields
        let scaled = objects.filter { object in
            guard object.spec?["replicas"]?.intValue != nil else { return false }
            return !left.contains { entry in
                let type = GroupVersionKind(apiVersion: entry.apiVersion, kind: entry.kind).groupKind
                return type == object.type.groupKind && (entry.name ?? object.name) == object.name
                    && entry.paths.contains("spec.replicas")
            }
        }
        var scalers: [ObjectIdentity: String] = [:]
        for namespace in Set(scaled.compactMap(\.namespace)).sorted() {
            do {
                let found = try await api.list(ObjectSelection(type: Self.autoscaler, namespace: namespace))
                for object in found.objects where !own.contains(object.reference.identity) {
                    if let target = object.scaleTarget { scalers[target] = object.name }
                }
            } catch is KubernetesError {
                try Task.checkCancellation()
            }
        }
        var changes = changes
        for object in scaled {
            guard let scaler = scalers[object.reference.identity],
                let index = changes.firstIndex(where: { change in
                    change.kind == object.kind && change.name == object.name && change.namespace == object.namespace
                        && change.action != .fail
                })
            else { continue }
            // Once it has scaled it, the number is left to it, and the change says so.
            if changes[index].message?.contains("is left to HorizontalPodAutoscaler \(scaler)") == true { continue }
            let word =
                "HorizontalPodAutoscaler \(scaler), which the release does not have, scales it, and the release sets spec.replicas: "
                + "leave replicas out of the manifest, or put spec.replicas into ignoreFields"
            changes[index].message = [changes[index].message, word].compactMap(\.self).joined(separator: "; ")
        }
        return changes
    }
}
