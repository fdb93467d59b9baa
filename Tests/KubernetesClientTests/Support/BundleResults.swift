internal import KubernetesClient
internal import KubernetesObjects

/// What became of an apply or a preview, as tests ask it.
extension BundleResult {
    /// `Deployment web created`, in order.
    var summary: [String] {
        objects.map { "\($0.reference.type.kind) \($0.reference.name) \($0.outcome.rawValue)" }
    }

    /// The last word on the object of a name.
    func report(_ name: String) -> BundleProgress? { objects.last { $0.reference.name == name } }

    func message(_ name: String) -> String { report(name)?.message ?? "" }
}
