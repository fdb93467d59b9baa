public import FoundationEssentials

extension ClusterConnection {
    /// The connection that Kubernetes gives every pod: its ServiceAccount's token and the cluster's CA, both files that
    /// are rotated and therefore read again.
    ///
    /// - Parameters:
    ///   - environment: Variables that hold `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///   - directory: Where the ServiceAccount's files are mounted.
    /// - Throws: ``KubernetesError`` when this is no pod, or its token is not mounted.
    public static func inCluster(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String = "/var/run/secrets/kubernetes.io/serviceaccount"
    ) throws -> ClusterConnection {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"],
            !host.isEmpty, !port.isEmpty
        else {
            throw KubernetesError(
                code: .invalidConfiguration,
                message:
                    "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod; give a kubeconfig"
            )
        }
        for name in ["token", "ca.crt"] where !FileManager.default.isReadableFile(atPath: "\(directory)/\(name)") {
            throw KubernetesError(
                code: .invalidConfiguration,
                message: "\(directory)/\(name) cannot be read; is automountServiceAccountToken off?")
        }
        let namespace = try? String(contentsOf: URL(filePath: "\(directory)/namespace"), encoding: .utf8)
        return ClusterConnection(
            server: host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)",
            certificateAuthority: .file("\(directory)/ca.crt"), identity: .token(.file("\(directory)/token")),
            namespace: namespace.flatMap { text in
                let trimmed = text.filter { !$0.isWhitespace }
                return trimmed.isEmpty ? nil : trimmed
            })
    }
}
