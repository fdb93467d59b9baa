internal import KubernetesObjects
internal import SwellModel

/// What `helm template` prints, taken apart by template, with Helm's annotations made into Swell's.
///
/// | Helm | Swell |
/// |---|---|
/// | a Job or a Pod for `pre-install`, `pre-upgrade` | `swell.dev/hook: before` |
/// | a Job or a Pod for `post-install`, `post-upgrade` | `swell.dev/hook: after` |
/// | one for `pre-…` and `post-…` of the same occasions | `swell.dev/hook: before, after`: made and run again at both |
/// | one for installs only, or for upgrades only | `swell.dev/hook-on` |
/// | one for `pre-rollback`, `post-rollback` besides | `swell.dev/hook-on-return: run` |
/// | what else is for `pre-…`, such as a hook's account | `swell.dev/hook: before`: applied ahead of the hooks, and kept |
/// | what else is for `post-…`, and `crd-install` | an object like any other |
/// | of these two, what is for installs only and not deleted by Helm itself | `swell.dev/apply: once` and `swell.dev/prune: keep` besides: made where it is missing, as a password is that the chart makes up |
/// | `pre-delete`, `post-delete`, `test`, or `pre-rollback` alone | left out |
/// | `helm.sh/hook-weight` | the order of the hooks |
/// | `helm.sh/hook-delete-policy` | `swell.dev/hook-delete` |
/// | a Job's `activeDeadlineSeconds`, or Helm's own five minutes | `swell.dev/hook-timeout` |
/// | `helm.sh/resource-policy: keep` | `swell.dev/prune: keep` |
struct ChartOutput {
    /// One file a template, in the order in which Helm printed them; the hooks, in their own order, last.
    private(set) var files: [SourceFile] = []
    private(set) var warnings: [String] = []

    private let chart: String
    private var hooks: [(weight: Int, name: String, file: SourceFile)] = []

    /// The most refusals that are told at once.
    private static let maximumRefusals = 20

    /// - Throws: ``CommandError`` for hooks that Swell has no form for, all of them.
    init(_ text: String, chart: String) throws {
        self.chart = chart
        var refusals: [String] = []
        for part in Self.parts(of: text) {
            let name = "\(chart)/\(part.template) (helm template)"
            let documents: [YAMLDocument]
            do {
                documents = try YAMLReader.documents(
                    in: part.text, file: name, limits: .release, duplicateKeys: .keepLast)
            } catch {
                // Whoever puts the release together says what is wrong with it, like for any other manifest.
                append(SourceFile(name: name, content: part.text))
                continue
            }
            note(documents.flatMap(\.repeatedKeys), in: name)
            // As helm printed it, so that errors name its lines, where nothing has to be made of it: by what was read, since a key
            // may be written with escapes.
            guard documents.contains(where: { Self.speaksToHelm($0.root) || !$0.repeatedKeys.isEmpty }) else {
                append(SourceFile(name: name, content: part.text))
                continue
            }
            for node in documents.flatMap({ Manifest.items(of: $0.root) }) {
                do {
                    try take(node.json, from: name)
                } catch let error as CommandError {
                    refusals.append(error.message)
                }
            }
        }
        guard refusals.isEmpty else {
            let more = refusals.count - Self.maximumRefusals
            throw CommandError(
                code: .refused,
                message: refusals.prefix(Self.maximumRefusals).joined(separator: "\n")
                    + (more > 0 ? "\nand \(more) more" : ""))
        }
        let ordered = hooks.enumerated().sorted {
            ($0.element.weight, $0.element.name, $0.offset) < ($1.element.weight, $1.element.name, $1.offset)
        }
        for hook in ordered { append(hook.element.file) }
    }

    /// Helm keeps the last of keys that are there twice, and installs such charts; so does this, but says so.
    private mutating func note(_ repeated: [YAMLDocument.RepeatedKey], in name: String) {
        guard let first = repeated.first else { return }
        let more = repeated.count > 1 ? " and \(repeated.count - 1) more like it" : ""
        warnings.append(
            "'\(name)', line \(first.line): \(first.path) is there twice\(more); the last one counts, as with helm")
    }

    /// The documents as printed, and the template that each came from, without the chart's name.
    static func parts(of text: String) -> [(template: String, text: String)] {
        var parts: [(template: String, text: String)] = []
        var lines: [Substring] = []
        func end() {
            defer { lines = [] }
            guard lines.contains(where: { !$0.allSatisfy(\.isWhitespace) && !$0.hasPrefix("#") }) else { return }
            let mark = "# Source: "
            let source = lines.first { $0.hasPrefix(mark) }?.dropFirst(mark.count) ?? "?"
            let template = source.split(separator: "/").dropFirst().joined(separator: "/")
            parts.append((template.isEmpty ? String(source) : template, lines.joined(separator: "\n") + "\n"))
        }
        // A template may have been written where lines end otherwise.
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
            guard line == "---" || line.hasPrefix("--- ") else {
                lines.append(line)
                continue
            }
            end()
            // What stands beside the mark belongs to the document that it begins.
            let rest = line.dropFirst(4).drop(while: \.isWhitespace)
            if !rest.isEmpty { lines.append(rest) }
        }
        end()
        return parts
    }

    /// Warns of templates that a second rendering made otherwise.
    mutating func noteDifferences(_ one: String, _ other: String) {
        func byTemplate(_ text: String) -> [String: [String]] {
            Dictionary(grouping: Self.parts(of: text), by: \.template).mapValues { $0.map(\.text) }
        }
        let second = byTemplate(other)
        let differing = byTemplate(one).filter { $0.value != second[$0.key] }.keys.sorted()
        warnings.append(
            "the chart '\(chart)' renders differently each time (\(differing.joined(separator: ", "))): it uses chance or the "
                + "time, so the same version cannot be made from it twice; give what it makes up in --values")
    }

    private mutating func append(_ file: SourceFile) {
        guard let last = files.last, last.name == file.name else { return files.append(file) }
        files[files.count - 1].content += "---\n" + file.content
    }

    /// Whether an object, or one of a list, has annotations of Helm's.
    private static func speaksToHelm(_ node: YAMLNode) -> Bool {
        Manifest.items(of: node).contains { item in
            item["metadata"]?["annotations"]?.entries?.contains { $0.key.hasPrefix("helm.sh/") } == true
        }
    }

    /// Warns of words that Helm does not know, and so does nothing for.
    private mutating func noteWords(of annotations: [String: JSONValue], _ subject: String, in name: String) {
        func warn(_ message: String?) {
            if let message { warnings.append("'\(name)': \(subject): \(message)") }
        }
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) {
            guard let text = value.stringValue else { continue }
            switch key {
            case "helm.sh/resource-policy": warn(OthersWords.resourcePolicy(text))
            case "helm.sh/hook-delete-policy":
                warn(
                    OthersWords.word(text, OthersWords.helmDeletePolicies).map { "\(key): Helm knows no policy \($0)" })
            case "helm.sh/hook-weight" where Int(text) == nil:
                warn("\(key) is '\(text.prefix(40))', which is no integer: Helm and Swell take it for 0")
            default: warn(OthersWords.misspelt(key))
            }
        }
    }

    private mutating func take(_ object: JSONValue, from name: String) throws {
        var object = object
        let annotations = object["metadata"]?["annotations"]?.objectValue ?? [:]
        func text(_ key: String) -> String? { annotations[key]?.stringValue }
        noteWords(
            of: annotations,
            "\(object["kind"]?.stringValue ?? "object") \(object["metadata"]?["name"]?.stringValue ?? "")", in: name)
        var changed = annotations
        if let policy = text("helm.sh/resource-policy"), OthersWords.isKeeping(policy) {
            changed["swell.dev/prune"] = changed["swell.dev/prune"] ?? "keep"
        }
        guard let events = text("helm.sh/hook") else {
            try object.set(.object(changed), at: ["metadata", "annotations"])
            return append(SourceFile(name: name, content: object.yaml()))
        }
        for key in ["helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy"] { changed[key] = nil }
        let hook = ChartHook(
            kind: object["kind"]?.stringValue ?? "", name: object["metadata"]?["name"]?.stringValue ?? "",
            events: events, deletion: text("helm.sh/hook-delete-policy") ?? "")
        let place: ChartHook.Place
        do {
            place = try hook.place()
        } catch {
            throw CommandError(code: .refused, message: "'\(name)': \(error.message)")
        }
        switch place {
        case .leftOut:
            warnings.append("\(hook.kind) \(hook.name) of the chart '\(chart)' is left out: it is a hook for \(events)")
            return
        case .ordinary: break
        case .ahead: changed["swell.dev/hook"] = changed["swell.dev/hook"] ?? "before"
        case .run(let moment):
            changed["swell.dev/hook"] = changed["swell.dev/hook"] ?? .string(moment)
            let seconds = object["spec"]?["activeDeadlineSeconds"]?.intValue
            let timeout = seconds.map { "\(max(1, $0))s" } ?? "5m"
            changed["swell.dev/hook-timeout"] = changed["swell.dev/hook-timeout"] ?? .string(timeout)
            if let policy = hook.deletePolicy {
                changed["swell.dev/hook-delete"] = changed["swell.dev/hook-delete"] ?? .string(policy)
            }
            if let occasion = hook.occasion {
                changed["swell.dev/hook-on"] = changed["swell.dev/hook-on"] ?? .string(occasion)
            }
            if hook.runsOnReturn {
                changed["swell.dev/hook-on-return"] = changed["swell.dev/hook-on-return"] ?? "run"
            }
        }
        if hook.isMadeOnce {
            changed["swell.dev/apply"] = changed["swell.dev/apply"] ?? "once"
            changed["swell.dev/prune"] = changed["swell.dev/prune"] ?? "keep"
        }
        try object.set(.object(changed), at: ["metadata", "annotations"])
        hooks.append(
            (Int(text("helm.sh/hook-weight") ?? "") ?? 0, hook.name, SourceFile(name: name, content: object.yaml())))
    }
}

/// One of Helm's hooks.
private struct ChartHook {
    enum Place {
        /// Run to its end.
        case run(moment: String)
        /// Applied ahead of the hooks that run before the rest.
        case ahead
        case ordinary
        case leftOut
    }

    let kind: String
    let name: String
    let events: Set<String>
    let deletion: Set<String>

    private static let before: Set<String> = ["pre-install", "pre-upgrade"]
    private static let after: Set<String> = ["post-install", "post-upgrade"]
    private static let others: Set<String> = [
        "pre-delete", "post-delete", "pre-rollback", "post-rollback", "test", "test-success", "test-failure",
    ]

    init(kind: String, name: String, events: String, deletion: String) {
        func words(_ text: String) -> Set<String> { Set(text.split(separator: ",").map { String($0).trimmed }) }
        self.kind = kind
        self.name = name
        self.events = words(events)
        self.deletion = words(deletion)
    }

    /// The only occasion at which Helm would run it, the first install or upgrades; nil where it runs at both.
    var occasion: String? {
        let isForInstall = !events.isDisjoint(with: ["pre-install", "post-install"])
        let isForUpgrade = !events.isDisjoint(with: ["pre-upgrade", "post-upgrade"])
        if isForInstall == isForUpgrade { return nil }
        return isForInstall ? "install" : "upgrade"
    }

    /// Whether it is an object that Helm makes at the first install alone, and neither changes nor deletes from then on.
    var isMadeOnce: Bool {
        !["Job", "Pod"].contains(kind) && occasion == "install" && !runsOnReturn && !events.contains("crd-install")
            && deletion.isDisjoint(with: ["hook-succeeded"])
    }

    /// Of installs and upgrades, those around which it runs on one side.
    private static func occasions(_ events: Set<String>, _ side: String) -> Set<String> {
        Set(["install", "upgrade"].filter { events.contains(side + $0) })
    }

    /// Whether Helm would run it on the way back, too.
    var runsOnReturn: Bool { !events.isDisjoint(with: ["pre-rollback", "post-rollback"]) }

    /// As Swell's annotation has it; nil for its default, which keeps the Job until the next run of it.
    var deletePolicy: String? {
        if deletion.contains("hook-succeeded") { return deletion.contains("hook-failed") ? "always" : "on-success" }
        return nil
    }

    /// - Throws: ``CommandError`` whose message names the hook and not the file.
    func place() throws(CommandError) -> Place {
        func refusal(_ reason: String) -> CommandError {
            CommandError(code: .refused, message: "\(kind) \(name) \(reason)")
        }
        let unknown = events.subtracting(Self.before).subtracting(Self.after).subtracting(Self.others)
            .subtracting(["crd-install"])
        guard unknown.isEmpty else {
            let words = unknown.sorted()
            throw refusal(
                "is a hook for '\(words.joined(separator: ", "))', which Helm does not know either"
                    + Spelling.advice(for: words[0], among: OthersWords.helmHooks))
        }
        let isBefore = !events.isDisjoint(with: Self.before)
        let isAfter = !events.isDisjoint(with: Self.after)
        if events.contains("crd-install") { return .ordinary }
        guard isBefore || isAfter else { return .leftOut }
        switch kind {
        case "Job", "Pod":
            guard isBefore, isAfter else { return .run(moment: isBefore ? "before" : "after") }
            // As Swell has it, what runs at both moments does so on each of its occasions.
            guard Self.occasions(events, "pre-") == Self.occasions(events, "post-") else {
                throw refusal(
                    "is a hook for \(events.sorted().joined(separator: ", ")), before on one occasion and after on another; "
                        + "make two \(kind)s of it")
            }
            return .run(moment: "before, after")
        default: return isBefore ? .ahead : .ordinary
        }
    }
}
