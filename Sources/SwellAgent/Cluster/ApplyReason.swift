internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

/// How a bundle's failures are put to the operator: one culprit, and what became of the rest.
enum ApplyReason {
    /// The longest message, in Unicode scalars; leaves room for what the agent and the coordinator put before it.
    static let limit = 900

    /// A short word for a failure: the API server's own reason where it refused, else what is wrong with a pod.
    static func word(for failure: BundleProgress) -> String {
        failure.reason ?? ReasonWord.find(in: failure.message) ?? "ApplyFailed"
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

    /// ` (2 more failed: ConfigMap a, Service b; 5 skipped: ConfigMap c, Service d, Deployment e …)`, or nothing.
    private static func others(than culprit: BundleProgress, in result: BundleResult) -> String {
        let failures = result.failures.filter { $0.reference != culprit.reference }
        let skipped = result.objects.filter { $0.outcome == .skipped }
        let parts = [named(failures, "more failed"), named(skipped, "skipped")].compactMap { $0 }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
    }

    private static func named(_ objects: [BundleProgress], _ what: String) -> String? {
        guard !objects.isEmpty else { return nil }
        let names = objects.prefix(3).map { "\($0.reference.type.kind) \($0.reference.name.shortened(to: 80))" }
        let more = objects.count > names.count ? " …" : ""
        return "\(objects.count) \(what): \(names.joined(separator: ", "))\(more)"
    }
}
