/// The variables that a program runs with which renders manifests: no credentials, no home of the user's, no settings that
/// could name programs to run, and no way out to a network unless that was asked for.
enum RenderingEnvironment {
    /// What is passed on as it is.
    private static let passed: Set<String> = ["LANG", "LANGUAGE", "TZ", "TMPDIR"]
    /// What a way out to a network takes.
    private static let network: Set<String> = [
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
    ]
    /// Nothing listens there: whatever asks for something remote fails at once.
    private static let nowhere = "http://127.0.0.1:9"

    /// - Parameters:
    ///   - environment: The user's own.
    ///   - home: An empty folder.
    ///   - allowsRemote: Whether the program may fetch things.
    static func variables(
        from environment: [String: String], home: String, allowsRemote: Bool
    ) -> [String: String] {
        var variables = environment.filter { passed.contains($0.key) || $0.key.hasPrefix("LC_") }
        // A folder that is named from where one stands may hold programs of the manifests' author.
        let path = (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
        variables["PATH"] = path.joined(separator: ":")
        variables["HOME"] = home
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data"),
            ("HELM_CONFIG_HOME", "helm/config"), ("HELM_CACHE_HOME", "helm/cache"), ("HELM_DATA_HOME", "helm/data"),
            ("HELM_PLUGINS", "helm/plugins"), ("KUSTOMIZE_PLUGIN_HOME", "kustomize"), ("KUBECONFIG", "kubeconfig"),
        ] {
            variables[name] = "\(home)/\(folder)"
        }
        variables["GIT_TERMINAL_PROMPT"] = "0"
        if allowsRemote {
            variables.merge(environment.filter { network.contains($0.key) }) { _, users in users }
        } else {
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
                variables[name] = nowhere
                variables[name.lowercased()] = nowhere
            }
            // Git knows no protocol of this name, so it fetches nothing.
            variables["GIT_ALLOW_PROTOCOL"] = "none"
        }
        return variables
    }
}
