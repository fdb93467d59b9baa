internal import KubernetesObjects

/// Who writes, and through which endpoint.
struct Author: Sendable {
    var manager: String
    /// `status`, `scale`, or empty for the object itself.
    var subresource = ""
    /// Whether the write is an apply.
    var applies = false
    /// Whether conflicts of an apply are overruled.
    var forces = false

    /// The version that the client wrote in, where that is not the one stored.
    var apiVersion: String?

    static let controllerManager = Author(manager: "kube-controller-manager")
    static let apiServer = Author(manager: "kube-apiserver")
    static let apiServerStatus = Author(manager: "kube-apiserver", subresource: "status")
    static let kubelet = Author(manager: "kubelet", subresource: "status")

    func identity(_ resource: ResourceType) -> FieldManager.Identity {
        FieldManager.Identity(
            name: manager, isApply: applies, apiVersion: apiVersion ?? resource.apiVersion, subresource: subresource)
    }

    /// What writes through this endpoint never change.
    func ignoredFields(_ resource: ResourceType) -> [[PathElement]] {
        switch subresource {
        case "status": return [[.field("spec")], [.field("metadata"), .field("labels")]]
        case "": return resource.hasStatus ? [[.field("status")]] : []
        default: return []
        }
    }
}
