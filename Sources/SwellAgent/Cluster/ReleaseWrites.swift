internal import KubernetesClient
internal import KubernetesObjects
internal import Synchronization

/// What releases may write: asked before every write to the cluster but the agent's own records, whatever it is made for.
///
/// Refused is what lies outside of the namespaces that the agent keeps to, and what the agent itself is: its records, its namespace,
/// its service account and the rights that it has. Whoever may order releases is not thereby who installed the agent.
struct ReleaseWrites: WriteGuard {
    /// The namespaces that it keeps to; nil for the whole cluster.
    let scope: NamespaceScope?
    /// The agent itself, as the cluster has it.
    let own: OwnObjects

    func check(_ write: IntendedWrite) async throws {
        if let reason = reason(outside: write.reference) {
            throw KubernetesError(
                code: .notAllowed, message: "\(reason), and this agent keeps to \(scope?.description ?? "")",
                reason: NamespaceScope.reason)
        }
        if let reason = try await own.reason(against: write) {
            throw KubernetesError(code: .notAllowed, message: reason, reason: OwnObjects.reason)
        }
    }

    /// The same before anything is written, for all that a release brings.
    ///
    /// - Throws: ``ClusterError`` that names them and says why; `KubernetesError` when the server cannot say of which scope a kind is.
    func check(_ objects: [KubernetesObject], api: KubernetesAPI) async throws {
        try await scope?.check(objects, api: api)
        var reasons: [String] = []
        for object in objects {
            // A definition's own objects are placed as they are written; here it is enough not to miss any.
            let write = IntendedWrite(.apply, object.reference, sending: object)
            if let reason = try await own.reason(against: write) { reasons.append(reason) }
        }
        guard !reasons.isEmpty else { return }
        let others = reasons.count > 3 ? "; and \(reasons.count - 3) more" : ""
        throw ClusterError(
            isTransient: false, reason: OwnObjects.reason,
            message: "nothing was applied: " + reasons.prefix(3).joined(separator: "; ") + others)
    }

    private func reason(outside reference: ObjectReference) -> String? {
        guard let scope else { return nil }
        guard let namespace = reference.namespace else { return "\(reference) lives outside of namespaces" }
        return scope.namespaces.contains(namespace) ? nil : "\(reference) is in namespace \(namespace)"
    }
}

/// What the agent itself may write beside releases: its records, and the namespace that they are in.
struct RecordWrites: WriteGuard {
    let namespace: String

    func check(_ write: IntendedWrite) async throws {
        let reference = write.reference
        if reference.type.groupKind == GroupKind(kind: "Namespace"), reference.name == namespace, write.verb == .apply {
            return
        }
        guard OwnObjects.isRecord(reference, in: namespace) else {
            throw KubernetesError(
                code: .notAllowed, message: "\(reference) is no record of the agent's", reason: OwnObjects.reason)
        }
    }
}

/// The agent as its cluster has it, and what of it no release may touch.
final class OwnObjects: Sendable {
    static let reason = "AgentsOwn"
    /// What every role and binding of an agent is called, or begins with and a hyphen.
    static let name = "swell-agent"

    private let api: KubernetesAPI
    private let namespace: String
    /// Whether whoever installed the agent lets releases change it, all but its records.
    private let isManaged: Bool
    /// What bindings were found to be the agent's, and when: by the namespace that they are in, nil for none.
    private let found = Mutex<[String?: (at: ContinuousClock.Instant, rights: Rights)]>([:])
    private static let lifetime: Duration = .seconds(30)

    /// - Parameters:
    ///   - namespace: the agent's own.
    ///   - isManaged: whether releases may change it, all but its records.
    init(api: KubernetesAPI, namespace: String, isManaged: Bool) {
        self.api = api
        self.namespace = namespace
        self.isManaged = isManaged
    }

    /// Why a write is refused; nil where it may be.
    func reason(against write: IntendedWrite) async throws -> String? {
        let reference = write.reference
        if Self.isRecord(reference, in: namespace, object: write.object) {
            return "\(reference) is of the agent's own records, which no release may write: give it another name"
        }
        guard !isManaged else { return nil }
        let advice = "no release may change it unless the agent was started with --manage-itself"
        if reference.namespace == namespace {
            return "\(reference) is in the agent's own namespace, and \(advice)"
        }
        if reference.type.groupKind == GroupKind(kind: "Namespace"), reference.name == namespace {
            return "\(reference) is the agent's own namespace, and \(advice)"
        }
        if [AdmissionReach.admission, AdmissionReach.aggregation].contains(reference.type.group) {
            if Self.isNamedAfterIt(reference) { return "\(reference) is of the agent's own fence, and \(advice)" }
            guard let object = write.object, let reach = try await admissionReach().reason(of: object) else {
                return nil
            }
            return "\(reference) reaches the agent: \(reach); \(advice)"
        }
        guard reference.type.group == Self.rbac, try await isOfItsRights(write) else { return nil }
        return "\(reference) is of the agent's own rights, and \(advice)"
    }

    private static func isNamedAfterIt(_ reference: ObjectReference) -> Bool { isNamedAfterIt(reference.name) }

    private static func isNamedAfterIt(_ other: String) -> Bool { other == name || other.hasPrefix("\(name)-") }

    /// By the labels that the agent's namespace has now.
    private func admissionReach() async throws -> AdmissionReach {
        let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: namespace)
        do {
            return AdmissionReach(namespace: namespace, labels: try await api.get(reference)?.labels ?? [:])
        } catch let error as KubernetesError where error.status == 403 {
            return AdmissionReach(namespace: namespace, labels: nil)
        }
    }

    private static let rbac = "rbac.authorization.k8s.io"

    /// Whether an object is a record, by its name or by what is sent of it: an inventory, a part of one, or what is remembered of an
    /// application.
    static func isRecord(
        _ reference: ObjectReference, in namespace: String, object: KubernetesObject? = nil
    ) -> Bool {
        guard reference.type.groupKind == GroupKind(kind: "ConfigMap"), reference.namespace == namespace else {
            return false
        }
        let name = reference.name
        return [KubernetesCluster.inventoryPrefix, ClusterRecords.prefix].contains(where: name.hasPrefix)
            || name.wholeMatch(of: /[0-9a-f]{16}\.[0-9a-f]{16}/) != nil
            || object?.labels.keys.contains { [ClusterRecords.label, "swell.dev/inventory-part"].contains($0) } == true
            || object?.labels["app.kubernetes.io/managed-by"] == KubernetesCluster.fieldManager
    }

    // MARK: - Rights

    /// What gives the agent its rights, in one namespace or the whole cluster.
    private struct Rights: Sendable {
        var bindings: Set<String> = []
        /// The roles that the bindings name.
        var roles: Set<String> = []
    }

    private func isOfItsRights(_ write: IntendedWrite) async throws -> Bool {
        let (reference, kind) = (write.reference, write.reference.type.kind)
        if Self.isNamedAfterIt(reference) { return true }
        // Whoever writes a binding says whom it binds; whom it has bound so far, the cluster knows.
        if kind.hasSuffix("Binding"), let object = write.object {
            // Nor is anybody made what the agent is.
            let role = object["roleRef"]?["name"]?.stringValue ?? ""
            if binds(object) || Self.isNamedAfterIt(role) { return true }
        }
        let rights = try await rights(in: reference.namespace)
        return kind.hasSuffix("Binding")
            ? rights.bindings.contains(reference.name) : rights.roles.contains("\(kind)/\(reference.name)")
    }

    /// Whether a binding is the agent's alone, or its namespace's. What everybody is given is nobody's own.
    private func binds(_ binding: KubernetesObject) -> Bool {
        let accounts = "system:serviceaccount"
        return (binding["subjects"]?.arrayValue ?? []).contains { subject in
            let name = subject["name"]?.stringValue ?? ""
            switch subject["kind"]?.stringValue {
            case "ServiceAccount":
                return (subject["namespace"]?.stringValue ?? binding.namespace) == namespace
            case "Group": return name == "\(accounts)s:\(namespace)"
            case "User": return name.hasPrefix("\(accounts):\(namespace):")
            default: return false
            }
        }
    }

    /// The bindings that are the agent's. Who may not list them knows its own by their names alone.
    private func rights(in place: String?) async throws -> Rights {
        let now = ContinuousClock.now
        if let known = found.withLock({ $0[place] }), now - known.at < Self.lifetime { return known.rights }
        var rights = Rights()
        let kind = place == nil ? "ClusterRoleBinding" : "RoleBinding"
        do {
            let type = GroupVersionKind(group: Self.rbac, version: "v1", kind: kind)
            for binding in try await api.list(ObjectSelection(type: type, namespace: place)).objects
            where binds(binding) {
                rights.bindings.insert(binding.name)
                if let role = binding["roleRef"], let kind = role["kind"]?.stringValue,
                    let name = role["name"]?.stringValue
                {
                    rights.roles.insert("\(kind)/\(name)")
                }
            }
        } catch let error as KubernetesError where error.status == 403 || error.code == .unknownKind {}
        let result = rights
        found.withLock { found in
            if found.count >= 256 { found = [:] }
            found[place] = (now, result)
        }
        return rights
    }
}
