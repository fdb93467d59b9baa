internal import FoundationEssentials
internal import KubernetesObjects

/// A kubeconfig file: clusters, users, and the contexts that join them.
public struct Kubeconfig: Sendable {
    private let document: YAMLDocument
    private let directory: String

    /// Reads a kubeconfig file; relative paths in it are taken from its directory.
    ///
    /// - Throws: ``KubernetesError`` naming file, line and column.
    public init(path: String) throws {
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            try self.init(text: String(decoding: data, as: UTF8.self), file: path)
        } catch let error as KubernetesError {
            throw error
        } catch {
            throw KubernetesError(
                code: .invalidConfiguration, message: "kubeconfig \(path) cannot be read", cause: error)
        }
    }

    /// Reads a kubeconfig's text.
    ///
    /// - Parameters:
    ///   - text: The YAML or JSON text.
    ///   - file: The file's path, for errors and for relative paths in it.
    public init(text: String, file: String) throws {
        do {
            self.document = try YAMLReader.document(in: text, file: file)
        } catch {
            throw KubernetesError(code: .invalidConfiguration, message: "\(error)", cause: error)
        }
        self.directory = URL(filePath: file).deletingLastPathComponent().path
    }

    /// The names of the contexts.
    public var contexts: [String] {
        (document.root["contexts"]?.elements ?? []).compactMap { $0["name"]?.text }
    }

    /// The context that commands use unless told otherwise.
    public var currentContext: String? {
        document.root["current-context"]?.text.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The connection of a context.
    ///
    /// - Parameter context: Its name; nil for the current one.
    /// - Throws: ``KubernetesError`` naming what is missing or cannot be used, such as an exec plugin.
    public func connection(context: String? = nil) throws -> ClusterConnection {
        guard let name = context ?? currentContext else {
            throw failure(document.root, "there is no current-context; the contexts are: \(list(contexts))")
        }
        let chosen = try entry("contexts", name, "context")
        let clusterName = try text(chosen, "cluster", of: "context \"\(name)\"")
        let cluster = try entry("clusters", clusterName, "cluster")
        var connection = ClusterConnection(server: try text(cluster, "server", of: "cluster \"\(clusterName)\""))
        connection.namespace = chosen["namespace"]?.text
        connection.tlsServerName = cluster["tls-server-name"]?.text
        connection.skipsVerification = cluster["insecure-skip-tls-verify"]?.scalar?.boolValue ?? false
        connection.certificateAuthority = try material(cluster, "certificate-authority")
        if let proxy = cluster["proxy-url"] {
            throw failure(proxy, "proxy-url is not supported; reach the API server directly")
        }
        if let userName = chosen["user"]?.text, !userName.isEmpty {
            try addIdentity(try entry("users", userName, "user"), named: userName, to: &connection)
        }
        return connection
    }

    private func addIdentity(_ user: YAMLNode, named name: String, to connection: inout ClusterConnection) throws {
        for unsupported in ["exec", "auth-provider"] {
            guard let node = user[unsupported] else { continue }
            let command = node["command"]?.text.map { " (\($0))" } ?? ""
            throw failure(
                node,
                "user \"\(name)\" gets its credentials from an \(unsupported) plugin\(command), which is not supported; "
                    + "use a ServiceAccount's token (token or tokenFile) or a client certificate")
        }
        let chain = try material(user, "client-certificate")
        let key = try material(user, "client-key")
        switch (chain, key) {
        case (.some(let chain), .some(let key)): connection.clientCertificate = (chain, key)
        case (nil, nil): break
        default: throw failure(user, "user \"\(name)\" needs both client-certificate and client-key")
        }
        if let file = user["tokenFile"]?.text {
            connection.identity = .token(.file(resolved(file)))
        } else if let token = user["token"]?.text {
            connection.identity = .token(.inline(Array(token.utf8)))
        } else if let userName = user["username"]?.text {
            connection.identity = .password(user: userName, password: user["password"]?.text ?? "")
        }
    }

    /// `<key>-data` in base64, or `<key>` as a path; the former wins, as with kubectl.
    private func material(_ node: YAMLNode, _ key: String) throws -> ClusterConnection.Material? {
        if let inline = node["\(key)-data"], let text = inline.text, !text.isEmpty {
            guard let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
                throw failure(inline, "\(key)-data is not base64")
            }
            return .inline(Array(data))
        }
        guard let path = node[key]?.text, !path.isEmpty else { return nil }
        return .file(resolved(path))
    }

    private func resolved(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }

    /// The inner mapping of a named entry: `clusters[name].cluster`.
    private func entry(_ section: String, _ name: String, _ key: String) throws -> YAMLNode {
        let entries = document.root[section]?.elements ?? []
        guard let entry = entries.first(where: { $0["name"]?.text == name }) else {
            let names = entries.compactMap { $0["name"]?.text }
            throw failure(
                document.root[section] ?? document.root, "there is no \(key) \"\(name)\", only: \(list(names))")
        }
        guard let inner = entry[key], inner.kind == .mapping else {
            throw failure(entry, "\(key) \"\(name)\" has no \(key) mapping")
        }
        return inner
    }

    private func text(_ node: YAMLNode, _ key: String, of what: String) throws -> String {
        guard let text = node[key]?.text, !text.isEmpty else { throw failure(node, "\(what) has no \(key)") }
        return text
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    private func failure(_ node: YAMLNode, _ what: String) -> KubernetesError {
        KubernetesError(code: .invalidConfiguration, message: "\(document.location(of: node)): \(what)")
    }
}
