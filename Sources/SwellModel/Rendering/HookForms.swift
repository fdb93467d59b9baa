internal import KubernetesObjects

/// What hooks look like as people have them, made into the one form that a release stores.
///
/// A hook may have `generateName`: its name then ends in what it consists of, so that the same hook has the same name. Argo
/// CD's hooks become Swell's:
///
/// | `argocd.argoproj.io/hook` of a Job | Swell |
/// |---|---|
/// | `PreSync` | `swell.dev/hook: before` |
/// | `PostSync` | `swell.dev/hook: after` |
/// | `SyncFail` | `swell.dev/hook: on-failure` |
/// | `Sync` | an object like any other |
/// | `Skip`, `PreDelete`, `PostDelete` | left out |
/// | `argocd.argoproj.io/hook-delete-policy` | `swell.dev/hook-delete` |
/// | its `activeDeadlineSeconds`, or five minutes | `swell.dev/hook-timeout` |
struct HookForms {
    /// The object; nil where it is left out.
    private(set) var object: JSONValue?
    /// What was made of it, for people.
    private(set) var note: String?

    private static let hook = "swell.dev/hook"
    private static let argo = "argocd.argoproj.io/hook"
    private static let moments = ["PreSync": "before", "PostSync": "after", "SyncFail": "on-failure"]
    private static let leftOut: Set<String> = ["Skip", "PreDelete", "PostDelete"]
    /// What a generated name may have, so that a Job's pods can be named after it.
    private static let longestPrefix = 52

    /// - Throws: What is wrong, without a place.
    init(_ written: JSONValue) throws(ModelError) {
        object = written
        let annotations = written["metadata"]?["annotations"]
        let events = annotations?[Self.argo]?.stringValue.map(Self.words) ?? []
        if annotations?[Self.hook] == nil, !events.isEmpty { try takeArgo(events) }
        guard let metadata = object?["metadata"], metadata["name"]?.stringValue ?? "" == "",
            let prefix = metadata["generateName"]?.stringValue
        else { return }
        guard metadata["annotations"]?[Self.hook] != nil || !events.isEmpty else {
            throw ModelError(
                code: .invalidValue,
                message: "metadata.name is missing: generateName makes another object each time, which only a hook "
                    + "(\(Self.hook)) may be; give it a name")
        }
        let digest = ContentDigest(of: (object ?? .null).serializedBytes()).short.prefix(10)
        object?["metadata"]?["name"] = .string("\(prefix.prefix(Self.longestPrefix))\(digest)")
        object?["metadata"]?["generateName"] = nil
    }

    private static func words(_ text: String) -> Set<String> {
        Set(text.split { $0 == "," || $0 == " " }.map(String.init))
    }

    private mutating func takeArgo(_ events: Set<String>) throws(ModelError) {
        guard let written = object else { return }
        let word = events.sorted().joined(separator: ", ")
        let unknown = events.subtracting(Self.moments.keys).subtracting(Self.leftOut).subtracting(["Sync"])
        guard unknown.isEmpty else { return }
        if !events.isDisjoint(with: Self.leftOut) {
            object = nil
            note = "is left out: it is a hook of Argo CD's for \(word)"
            return
        }
        let moments = Set(events.compactMap { Self.moments[$0] })
        guard let moment = moments.first else { return }
        guard moments.count == 1, written["kind"] == "Job" else {
            throw ModelError(
                code: .invalidValue,
                message: "is a hook of Argo CD's for \(word), and Swell runs a Job as a hook, at one moment; "
                    + "make a Job of it for each, with \(Self.hook)")
        }
        let annotations = written["metadata"]?["annotations"]
        let deletion = Self.words(annotations?["\(Self.argo)-delete-policy"]?.stringValue ?? "")
        func add(_ key: String, _ value: String) {
            guard annotations?[key] == nil else { return }
            object?["metadata"]?["annotations"]?[key] = .string(value)
        }
        add(Self.hook, moment)
        add(
            "\(Self.hook)-timeout", written["spec"]?["activeDeadlineSeconds"]?.intValue.map { "\(max(1, $0))s" } ?? "5m"
        )
        if deletion.contains("HookSucceeded") {
            add("\(Self.hook)-delete", deletion.contains("HookFailed") ? "always" : "on-success")
        }
        note = "is run as a hook (\(moment)): it is one of Argo CD's for \(word)"
    }
}
