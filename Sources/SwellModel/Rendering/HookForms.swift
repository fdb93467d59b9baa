internal import KubernetesObjects

/// What hooks look like as people have them, made into the one form that a release stores.
///
/// A hook may have `generateName`: its name then ends in what it consists of, so that the same hook has the same name. Argo
/// CD's hooks become Swell's:
///
/// | `argocd.argoproj.io/hook` | of a Job or a Pod | of what else there is |
/// |---|---|---|
/// | `PreSync` | `swell.dev/hook: before` | the same: applied ahead of those, awaited, and kept |
/// | `PostSync` | `swell.dev/hook: after` | `swell.dev/wave: '1000'`: applied once the rest is healthy |
/// | `SyncFail` | `swell.dev/hook: on-failure` | an object like any other, or refused where it would run something |
/// | several of these | each of them: it is made and run again | as the first of them |
/// | `Sync` | an object like any other | the same |
/// | `Skip`, `PreDelete`, `PostDelete` | left out | the same |
/// | `argocd.argoproj.io/hook-delete-policy` | `swell.dev/hook-delete` | not followed: it stays |
/// | its `activeDeadlineSeconds`, or five minutes | `swell.dev/hook-timeout` | |
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

    /// Whether nothing runs because an object of a kind is there: settings, accounts and rights.
    private static func isInert(_ type: GroupKind) -> Bool {
        type.group == "rbac.authorization.k8s.io"
            || ["ConfigMap", "Secret", "ServiceAccount", "Service", "PersistentVolumeClaim"]
                .contains { type == GroupKind(kind: $0) }
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
        let moments = ["before", "after", "on-failure"].filter(Set(events.compactMap { Self.moments[$0] }).contains)
        if moments.isEmpty { return }
        let type = GroupVersionKind(
            apiVersion: written["apiVersion"]?.stringValue ?? "", kind: written["kind"]?.stringValue ?? ""
        ).groupKind
        let annotations = written["metadata"]?["annotations"]
        func add(_ key: String, _ value: String) {
            guard annotations?[key] == nil else { return }
            object?["metadata"]?["annotations"]?[key] = .string(value)
        }
        guard type.runsToItsEnd else {
            if moments.contains("before") {
                add(Self.hook, "before")
                note = "is applied ahead of the hooks, and kept: it is one of Argo CD's for \(word)"
            } else if moments.contains("after") {
                add("swell.dev/wave", "1000")
                note = "is applied once the rest is healthy, and kept: it is one of Argo CD's for \(word)"
            } else if Self.isInert(type) {
                note = "is applied with the rest, and kept: it is one of Argo CD's for \(word)"
            } else {
                throw ModelError(
                    code: .invalidValue,
                    message:
                        "is a hook of Argo CD's for \(word), and where a release failed Swell runs Jobs and Pods; make a "
                        + "Job of it with \(Self.hook): on-failure")
            }
            return
        }
        let deletion = Self.words(annotations?["\(Self.argo)-delete-policy"]?.stringValue ?? "")
        let moment = moments.joined(separator: ", ")
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
