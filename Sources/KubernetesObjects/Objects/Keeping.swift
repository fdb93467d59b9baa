/// What keeps an object where all that came with it is deleted.
extension KubernetesObject {
    /// Kinds with whose deletion data go that nothing brings back: deleted only where a release says so.
    public static let dataKinds: Set<GroupKind> = [
        GroupKind(kind: "PersistentVolumeClaim"), GroupKind(kind: "PersistentVolume"),
    ]

    /// What on the object says that it is to stay, in the words of whoever manages it, Helm's, Argo CD's or Flux's; nil where nothing
    /// does.
    ///
    /// - Parameter own: The manager's own annotation, which says `keep`.
    public func keepingWord(own: String) -> String? {
        if annotations[own] == "keep" { return "\(own): keep" }
        let helm = "helm.sh/resource-policy"
        if annotations[helm].map(Self.isHelmsKeep) == true { return "\(helm): keep" }
        for (key, value) in Self.fluxKeeping where annotations[key]?.lowercased() == value {
            return "\(key): \(value)"
        }
        let argo = "argocd.argoproj.io/sync-options"
        let options = (annotations[argo] ?? "").split { $0 == "," || $0 == " " }
        return options.first { Self.argoKeeping.contains(String($0)) }.map { "\(argo): \($0)" }
    }

    /// Whether a text is the one policy that Helm knows, which it reads in any case and with blanks around it.
    public static func isHelmsKeep(_ text: String) -> Bool {
        let text = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        return String(text).lowercased() == "keep"
    }

    /// Flux's word for what it leaves, and that of its sources' lifecycle.
    private static let fluxKeeping = [
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"), ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ]

    /// Where Argo CD asks somebody, nobody has answered here.
    private static let argoKeeping: Set<String> = ["Prune=false", "Delete=false", "Prune=confirm", "Delete=confirm"]
}
