internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects

/// Looks into the simulated clusters.
extension Fleet {
    /// A client of a cluster's API server that may do everything; whoever takes it shuts it down.
    nonisolated func api(_ cluster: String) throws -> KubernetesAPI {
        let file = folder.appending(path: "kubeconfigs/\(cluster).yaml")
        let kubeconfig = try Kubeconfig(text: String(contentsOf: file, encoding: .utf8), file: file.path)
        return try KubernetesAPI(connection: try kubeconfig.connection())
    }

    /// Runs a body with such a client.
    nonisolated func withAPI<Result>(
        _ cluster: String, _ body: (KubernetesAPI) async throws -> Result
    ) async throws -> Result {
        let api = try api(cluster)
        do {
            let result = try await body(api)
            await api.shutdown()
            return result
        } catch {
            await api.shutdown()
            throw error
        }
    }
}

extension ObjectReference {
    /// An object by the words of its manifest.
    init(_ apiVersion: String, _ kind: String, _ name: String, in namespace: String? = nil) {
        self.init(type: GroupVersionKind(apiVersion: apiVersion, kind: kind), namespace: namespace, name: name)
    }
}
