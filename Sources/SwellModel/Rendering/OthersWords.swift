internal import KubernetesObjects

/// What manifests say to Helm and Argo CD, where it is no word of theirs, or one that is not followed here. Told, and not refused:
/// the words are not ours, and manifests may be for others, too.
public enum OthersWords {
    /// Helm's hooks, as `helm.sh/hook` names them.
    public static let helmHooks = [
        "pre-install", "pre-upgrade", "post-install", "post-upgrade", "pre-delete", "post-delete", "pre-rollback",
        "post-rollback", "test", "test-success", "test-failure", "crd-install",
    ]
    /// When Helm deletes a hook.
    public static let helmDeletePolicies = ["before-hook-creation", "hook-succeeded", "hook-failed"]
    private static let argoHooks = ["PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"]
    private static let argoDeletePolicies = ["BeforeHookCreation", "HookSucceeded", "HookFailed"]
    /// The annotations of each that mean something here.
    private static let keys = [
        "helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy", "helm.sh/resource-policy",
        "argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy", "argocd.argoproj.io/sync-wave",
        "argocd.argoproj.io/sync-options",
    ]

    /// What should be told of one annotation.
    struct Note {
        var key: String
        var message: String
        /// Whether the same is to be said of every object that has the annotation.
        var isGeneral: Bool { key == wave }
    }

    private static let wave = "argocd.argoproj.io/sync-wave"

    /// What should be told of a manifest's annotations.
    static func notes(on object: JSONValue) -> [Note] {
        guard let annotations = object["metadata"]?["annotations"]?.objectValue else { return [] }
        return annotations.sorted { $0.key < $1.key }.compactMap { key, value in
            guard let text = value.stringValue, let message = note(key, text, annotations) else { return nil }
            return Note(key: key, message: message)
        }
    }

    private static func note(_ key: String, _ text: String, _ all: [String: JSONValue]) -> String? {
        switch key {
        case "helm.sh/hook":
            if all["swell.dev/hook"] != nil { return nil }
            return
                "has Helm's annotation \(key)\(unknown(text, helmHooks)), which counts only in a chart that Swell renders (-f CHART): "
                + "here it is an object like any other; make it a hook with swell.dev/hook"
        case "helm.sh/resource-policy": return resourcePolicy(text)
        case "argocd.argoproj.io/hook":
            return word(text, argoHooks).map { "\(key): Argo CD knows no hook \($0); it is an object like any other" }
        case "argocd.argoproj.io/hook-delete-policy":
            return word(text, argoDeletePolicies).map { "\(key): Argo CD knows no policy \($0)" }
        case wave:
            if all["swell.dev/wave"] != nil || text == "0" { return nil }
            return
                "\(key) is not followed: where the order matters beyond kinds and health, write swell.dev/wave: '\(text.prefix(20))'"
        case "argocd.argoproj.io/sync-options":
            let options = text.split { $0 == "," || $0 == " " }
            guard all["swell.dev/replace"] == nil,
                let option = options.first(where: { $0 == "Replace=true" || $0 == "Force=true" })
            else { return nil }
            return
                "\(key): \(option) is not followed: what cannot be changed is made again only where it says swell.dev/replace: allow"
        case "kustomize.toolkit.fluxcd.io/ssa" where text == "IfNotPresent":
            if all["swell.dev/apply"] != nil { return nil }
            return "\(key) is Flux's, and not followed: write swell.dev/apply: once"
        case "kustomize.toolkit.fluxcd.io/reconcile", "kustomize.toolkit.fluxcd.io/ssa":
            return "\(key) is Flux's, and not followed: the object is applied like any other"
        default: return misspelt(key)
        }
    }

    /// What is wrong with `helm.sh/resource-policy`; nil where nothing is.
    public static func resourcePolicy(_ text: String) -> String? {
        isKeeping(text)
            ? nil
            : "helm.sh/resource-policy: Helm knows no policy '\(text.prefix(80))'\(Spelling.advice(for: text, among: ["keep"]))"
    }

    /// Helm reads its one policy in any case, and with blanks around it.
    public static func isKeeping(_ text: String) -> Bool { KubernetesObject.isHelmsKeep(text) }

    /// The first of some words that is none of those known, with the nearest; nil where all are known.
    public static func word(_ text: String, _ known: [String]) -> String? {
        let words = text.split { $0 == "," || $0.isWhitespace }.map { String($0) }
        return words.first { !known.contains($0) }.map { "'\($0.prefix(80))'\(Spelling.advice(for: $0, among: known))" }
    }

    private static func unknown(_ text: String, _ known: [String]) -> String {
        word(text, known).map { " (\($0))" } ?? ""
    }

    /// A key that is nearly one which counts.
    public static func misspelt(_ key: String) -> String? {
        guard key.hasPrefix("helm.sh/") || key.hasPrefix("argocd.argoproj.io/"), !keys.contains(key) else { return nil }
        let prefix = key.prefix { $0 != "/" } + "/"
        let names = keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        guard let nearest = Spelling.nearest(to: String(key.dropFirst(prefix.count)), among: names) else { return nil }
        return "nobody knows the annotation \(key.prefix(120)); did you mean '\(prefix)\(nearest)'?"
    }
}
