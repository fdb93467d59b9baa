public import KubernetesObjects

/// The annotations under Swell's own prefix, and what each may say.
///
/// A word that nobody knows would do nothing, or the opposite of what was meant (`prune: kep` deletes), and show it only where it
/// is applied, so that it is refused when a release is made.
public enum AnnotationWords {
    /// What is wrong, and where in the object.
    public struct Finding: Sendable, Hashable {
        public let path: FieldPath
        public let message: String
    }

    /// What an annotation may say.
    enum Form: Sendable {
        case word([String])
        /// Some words, separated by commas.
        case words([String])
        case integer(ClosedRange<Int>)
        case duration
        /// Paths of fields, separated by commas.
        case paths
        /// `Kind/name`, separated by commas.
        case objects
    }

    /// The prefix that is Swell's own.
    static let prefix = "swell.dev/"

    /// Every annotation there is, without the prefix. What they do is said where they are honoured, in the agent's client.
    static let forms: [String: Form] = [
        "wave": .integer(-1000...1000),
        "prune": .word(["keep", "allow"]),
        "replace": .word(["allow"]),
        "adopt": .word(["force"]),
        "apply": .word(["once"]),
        "substitute": .word([PlainReferences.disabled]),
        "ignore-fields": .paths,
        "namespace-defaults": .objects,
        "hook": .words(["before", "after", "on-failure"]),
        "hook-timeout": .duration,
        "hook-delete": .word(["never", "on-success", "always"]),
        "hook-on": .words(["install", "upgrade"]),
        "hook-on-return": .word(["run", "skip"]),
    ]

    /// What is wrong with an object's annotations of Swell's. A text that still has references to parameters is not looked at.
    public static func findings(in object: KubernetesObject) -> [Finding] {
        let annotations = object.annotations.filter { isOwn($0.key) }
        var findings: [Finding] = []
        for (key, text) in annotations.sorted(by: { $0.key < $1.key }) {
            guard let problem = problem(of: key, text) else { continue }
            findings.append(Finding(path: path("annotations", key), message: problem))
        }
        for key in object.labels.keys.sorted() where isOwn(key) {
            guard forms[String(key.dropFirst(prefix.count))] != nil else { continue }
            findings.append(
                Finding(path: path("labels", key), message: "the label \(key) does nothing; write it as an annotation"))
        }
        if findings.isEmpty, let problem = hookProblem(of: object) {
            findings.append(Finding(path: path("annotations", "\(prefix)hook"), message: problem))
        }
        return findings
    }

    static func path(_ field: String, _ key: String) -> FieldPath {
        FieldPath([.key("metadata"), .key(field), .key(key)])
    }

    private static func isOwn(_ key: String) -> Bool { key.utf8.starts(with: prefix.utf8) }

    private static func problem(of key: String, _ text: String) -> String? {
        guard !key.contains("${") else { return nil }
        guard let form = forms[String(key.dropFirst(prefix.count))] else {
            return "Swell knows no annotation \(key.prefix(120))"
                + Spelling.advice(for: key, among: forms.keys.map { prefix + $0 })
        }
        guard !text.contains("${"), let wrong = wrong(text, form) else { return nil }
        return "annotation \(key) is \(wrong)"
    }

    /// What is wrong with a text; nil where it is of the form.
    private static func wrong(_ text: String, _ form: Form) -> String? {
        let shown = "'\(text.prefix(80))'"
        switch form {
        case .word(let words):
            return words.contains { ExactText($0) == ExactText(text) } ? nil : shown + advice(text, words)
        case .words(let words):
            let written = list(text)
            if written.isEmpty { return shown + advice(text, words) }
            return written.first { word in !words.contains { ExactText($0) == ExactText(word) } }
                .map { "'\($0.prefix(80))'" + advice($0, words) }
        case .integer(let range):
            if let number = Int(text), range.contains(number) { return nil }
            return "\(shown); write an integer from \(range.lowerBound) to \(range.upperBound)"
        case .duration:
            return isDuration(text) ? nil : "\(shown); write a duration such as 90s, 5m or 1h30m, of a week at most"
        case .paths:
            for part in text.split(separator: ",").map({ String($0).trimmedSpaces }) {
                do {
                    if try !FieldPath(parsing: part).components.isEmpty { continue }
                    return "\(shown); write paths such as spec.replicas, separated by commas"
                } catch {
                    return "\(shown), of which '\(part.prefix(80))' is no path such as spec.replicas: \(error)"
                }
            }
            return text.split(separator: ",").isEmpty ? "\(shown); write paths such as spec.replicas" : nil
        case .objects:
            let names = list(text)
            let isRight = names.allSatisfy { name in
                let parts = name.split(separator: "/", omittingEmptySubsequences: false)
                return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
            }
            guard isRight, !names.isEmpty else {
                return "\(shown); write what goes along as Kind/name, separated by commas: ConfigMap/house-ca"
            }
            let dataKinds = KubernetesObject.dataKinds.map(\.kind)
            return names.first { name in dataKinds.contains { name.hasPrefix("\($0)/") } }.map { name in
                "\(shown); '\(name.prefix(80))' does not go along with a namespace, since data go with it: annotate it "
                    + "\(prefix)prune: allow in the release that brings it, or delete it by hand"
            }
        }
    }

    private static func advice(_ text: String, _ words: [String]) -> String {
        Spelling.advice(for: String(text.prefix(80)), among: words)
    }

    private static func list(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map { String($0) }
    }

    /// Why a hook could not run.
    private static func hookProblem(of object: KubernetesObject) -> String? {
        guard let moment = object.annotations["\(prefix)hook"], !moment.contains("${") else { return nil }
        let type = object.type.groupKind
        guard type.runsToItsEnd else {
            if moment == "before" { return nil }
            return "a hook must be a Job or a Pod, or with before what goes ahead of those; "
                + (moment == "after"
                    ? "write \(prefix)wave: '1000' instead to have it applied once the rest is healthy"
                    : "leave it out to have the object applied with the rest")
        }
        let policy = object.value(at: ["spec", "restartPolicy"])?.stringValue ?? "Always"
        if type.kind == "Pod", policy != "Never", policy != "OnFailure", !policy.contains("${") {
            return
                "a Pod with restartPolicy \(policy.prefix(40)) never ends, so that no hook could be made of it; write "
                + "restartPolicy: Never"
        }
        return object.annotations["\(prefix)hook-timeout"] == nil
            ? "a hook must say how long it may take: \(prefix)hook-timeout, such as 5m" : nil
    }

    /// Whether a text is `90s`, `5m`, `1h30m`: more than nothing, and a week at most.
    private static func isDuration(_ text: String) -> Bool {
        var total = 0
        var number: Int?
        for byte in text.utf8 {
            if (0x30...0x39).contains(byte) {
                number = (number ?? 0) * 10 + Int(byte - 0x30)
                guard number ?? 0 < 1_000_000_000 else { return false }
                continue
            }
            let scales: [UInt8: Int] = [0x73: 1, 0x6D: 60, 0x68: 3_600]
            guard let scale = scales[byte], let value = number else { return false }
            total += value * scale
            guard total <= 7 * 86_400 else { return false }
            number = nil
        }
        return number == nil && total > 0
    }
}

extension String {
    /// Without spaces at either end.
    fileprivate var trimmedSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
