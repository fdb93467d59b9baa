internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

/// How a bundle's failures are put to the operator: one culprit, and what became of the rest.
enum ApplyReason {
    /// The longest message, in Unicode scalars; leaves room for what the agent and the coordinator put before it.
    static let limit = 900

    /// A short word for a failure: the API server's own reason where it refused, else what is wrong with a pod.
    static func word(for failure: BundleProgress) -> String {
        if isMistyped(failure.message) { return "Invalid" }
        return failure.reason ?? ReasonWord.find(in: failure.message) ?? "ApplyFailed"
    }

    /// The culprit with what is said of it, and the rest. Where that is too long, it is the culprit's message that gives way.
    static func message(for culprit: BundleProgress, in result: BundleResult) -> String {
        let others = others(than: culprit, in: result)
        let subject = "\(culprit.reference): "
        let room = limit - subject.unicodeScalars.count - others.unicodeScalars.count
        return (subject + culprit.message.shortened(to: max(room, limit / 3)) + others).shortened(to: limit)
    }

    /// What a removal has left in the cluster, each with why, as far as there is room; nil for nothing.
    static func left(by result: BundleResult) -> String? {
        let kept = result.objects.filter { $0.outcome == .kept }
        guard !kept.isEmpty else { return nil }
        var (text, count) = ("left in the cluster: ", 0)
        for object in kept {
            let name = [object.reference.namespace, object.reference.name].compactMap { $0 }.joined(separator: "/")
            let entry =
                "\(count == 0 ? "" : ", ")\(object.reference.type.kind) \(name) (\(object.message.shortened(to: 240)))"
            if count > 0, text.unicodeScalars.count + entry.unicodeScalars.count > limit - 60 { break }
            text += entry
            count += 1
        }
        if count < kept.count { text += " and \(kept.count - count) more, which the agent's log names" }
        return text.shortened(to: limit)
    }

    /// What was taken over from other applications, or left to them, as far as there is room; nil for nothing that was not told before.
    static func dealings(in result: BundleResult, after former: String?) -> String? {
        let told = Set((former ?? "").split(separator: "; ").map { String($0) })
        let news = result.dealings.filter { !told.contains($0) }
        guard !news.isEmpty else { return nil }
        return ([former].compactMap { $0 } + news).joined(separator: "; ").shortened(to: limit / 2)
    }

    /// What is still so of what was taken over and left, by what the inventory holds now; nil for nothing.
    static func dealings(_ told: String, held: [ObjectReference]) -> String? {
        let places = Set(
            held.map { "\($0.type.kind) \([$0.namespace, $0.name].compactMap { $0 }.joined(separator: "/"))" })
        func isSo(_ words: Substring) -> Bool {
            if let end = words.firstRange(of: " is taken over from application ") {
                return places.contains(String(words[..<end.lowerBound]))
            }
            if let end = words.firstRange(of: " is left to application ") {
                return !places.contains(String(words[..<end.lowerBound]))
            }
            return true
        }
        let standing = told.split(separator: "; ").filter(isSo)
        return standing.isEmpty ? nil : standing.joined(separator: "; ")
    }

    /// Whether a server says that an object has a field that there is not, or a value of another type; under server-side apply it does
    /// so as if it were a fault of its own.
    static func isMistyped(_ message: String) -> Bool { message.contains("failed to create typed patch object") }

    /// ` (2 more failed: ConfigMap a: no, Service b: no; 5 skipped: ConfigMap c, Service d, Deployment e …)`, or nothing.
    private static func others(than culprit: BundleProgress, in result: BundleResult) -> String {
        let failures = result.failures.filter { $0.reference != culprit.reference }
        let skipped = result.objects.filter { $0.outcome == .skipped }
        let parts = [named(failures, "more failed"), named(skipped, "skipped")].compactMap { $0 }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
    }

    /// What is said of one more failure: without the request, which is the same for all but for the name.
    private static func brief(_ message: String) -> String {
        guard message.hasPrefix("PATCH "), let end = message.firstRange(of: ": ") else {
            return message.shortened(to: 140)
        }
        return String(message[end.upperBound...]).shortened(to: 140)
    }

    private static func named(_ objects: [BundleProgress], _ what: String) -> String? {
        guard !objects.isEmpty else { return nil }
        // Of what failed each is to be named, as far as there is room: whoever goes on with it has to look at all of them.
        let names = objects.prefix(objects.first?.outcome == .failed ? 8 : 3).enumerated().map { index, object in
            let says = index < 3 && object.outcome == .failed && !object.message.isEmpty
            let why = says ? ": \(brief(object.message))" : ""
            return "\(object.reference.type.kind) \(object.reference.name.shortened(to: says ? 80 : 40))\(why)"
        }
        let more = objects.count > names.count ? " …" : ""
        return "\(objects.count) \(what): \(names.joined(separator: ", "))\(more)"
    }
}
