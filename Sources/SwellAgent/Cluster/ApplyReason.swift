internal import KubernetesClient
internal import KubernetesObjects

/// How a bundle's failures are put to the operator: one culprit, and what became of the rest.
enum ApplyReason {
    /// A short word for a failure: what is wrong with a pod where one is named, else the API server's own reason.
    static func word(for failure: BundleProgress) -> String {
        if failure.reason == "Forbidden" { return "Forbidden" }
        return ReasonWord.find(in: failure.message) ?? failure.reason ?? "ApplyFailed"
    }

    /// ` (and 2 more failed; 5 skipped: ConfigMap a, Service b, Deployment c …)`, or nothing.
    static func others(in result: BundleResult) -> String {
        let failures = result.failures.count
        let skipped = result.objects.filter { $0.outcome == .skipped }
        var parts: [String] = []
        if failures > 1 { parts.append("and \(failures - 1) more failed") }
        if !skipped.isEmpty {
            let names = skipped.prefix(3).map { "\($0.reference.type.kind) \($0.reference.name)" }
            let more = skipped.count > names.count ? " …" : ""
            parts.append("\(skipped.count) skipped: \(names.joined(separator: ", "))\(more)")
        }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
    }
}
