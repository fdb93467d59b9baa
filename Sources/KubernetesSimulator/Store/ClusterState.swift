internal import KubernetesObjects

/// Everything that one simulated cluster is: its objects, the kinds it serves, its faults.
///
/// A value: requests and reconcile steps change it, the clock and the seed come from outside.
struct ClusterState: Sendable {
    /// How quickly things happen, in seconds.
    struct Timing: Sendable, Hashable {
        /// From a pod's creation to its readiness: the least, and how much more by chance.
        var podReady = 0.3...1.0
        /// From a pod's deletion to its end.
        var podTermination = 1.2
        /// How long a container of a job runs.
        var jobRun = 0.3
        /// From a pod's creation to its readiness when it is slow.
        var slowPodReady = 20.0
        /// From a definition's creation to its kind being served.
        var definitionEstablishing = 0.1
        /// From a change to the controllers' looking at it.
        var reaction = 0.06
        /// From asking for a volume, address or balancer to having it.
        var provisioning = 0.5
    }

    let name: String
    var timing: Timing
    var faults = FaultPlan.none
    var store = ObjectStore()
    /// The tokens that were issued for service accounts.
    var tokens: [String: IssuedToken] = [:]
    /// What service accounts asked to be allowed.
    var audit = AccessAudit()
    /// The time of the request being answered.
    var instant: Double
    var random: SeededRandom
    /// Kinds by `group/version/plural`.
    private(set) var types: [String: ResourceType] = [:]
    /// The order in which kinds were registered.
    private(set) var typeOrder: [String] = []
    /// How many resources each `apiVersion` has.
    private var resourceCounts: [String: Int] = [:]
    /// The number of simulated nodes.
    let nodeCount: Int

    init(name: String, seed: UInt64, nodes: Int = 3, timing: Timing = Timing(), now: Double) {
        self.name = name
        self.timing = timing
        self.nodeCount = nodes
        instant = now
        random = SeededRandom(seed: seed ^ SeededRandom.hash(name))
        for type in ResourceCatalog.builtIn { register(type) }
        bootstrap(now: now)
    }

    mutating func register(_ type: ResourceType) {
        let id = "\(type.apiVersion)/\(type.plural)"
        if types.updateValue(type, forKey: id) == nil {
            typeOrder.append(id)
            resourceCounts[type.apiVersion, default: 0] += 1
        }
    }

    mutating func unregister(group: String, plural: String) {
        for (id, type) in types where type.group == group && type.plural == plural && type.isCustom {
            types[id] = nil
            resourceCounts[type.apiVersion, default: 0] -= 1
            typeOrder.removeAll { $0 == id }
        }
    }

    /// Every kind served, in the order of registration.
    var servedTypes: [ResourceType] { typeOrder.compactMap { types[$0] } }

    func type(apiVersion: String, plural: String) -> ResourceType? { types["\(apiVersion)/\(plural)"] }

    /// Whether anything is served under an `apiVersion`.
    func serves(apiVersion: String) -> Bool { (resourceCounts[apiVersion] ?? 0) > 0 }

    /// A kind by its apiVersion and kind.
    func type(apiVersion: String, kind: String) -> ResourceType? {
        servedTypes.first { $0.apiVersion == apiVersion && $0.kind == kind }
    }

    /// A built-in kind that controllers work on.
    func builtIn(_ storage: String) -> ResourceType? { ResourceCatalog.stored[storage] }

    private mutating func bootstrap(now: Double) {
        for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            _ = try? createSystemObject("namespaces", ["metadata": ["name": .string(namespace)]], now: now)
        }
        _ = try? createSystemObject(
            "storageclasses.storage.k8s.io",
            [
                "metadata": [
                    "name": "standard", "annotations": ["storageclass.kubernetes.io/is-default-class": "true"],
                ],
                "provisioner": "simulated.example.com/volume",
            ], now: now)
        for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
            _ = try? createSystemObject(
                "priorityclasses.scheduling.k8s.io",
                ["metadata": ["name": .string(name)], "value": .integer(Int64(value))], now: now)
        }
        for index in 0..<nodeCount {
            _ = try? createSystemObject("nodes", node(index, now: now), now: now)
        }
        _ = try? createSystemObject(
            "services",
            [
                "metadata": ["name": "kubernetes", "namespace": "default"],
                "spec": [
                    "clusterIP": "10.96.0.1",
                    "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]],
                ],
            ], now: now)
    }

    private func node(_ index: Int, now: Double) -> JSONValue {
        let time = JSONValue.string(Timestamp.text(now))
        let condition: JSONValue = [
            "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": time, "lastTransitionTime": time,
        ]
        let capacity: JSONValue = ["cpu": "8", "memory": "32Gi", "pods": "110"]
        return [
            "metadata": [
                "name": "node-\(index)",
                "labels": [
                    "kubernetes.io/hostname": "node-\(index)", "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                ],
            ],
            "spec": .object([:]),
            "status": [
                "capacity": capacity, "allocatable": capacity, "conditions": [condition],
                "nodeInfo": [
                    "kubeletVersion": "v1.36.0", "osImage": "simulated", "kernelVersion": "0",
                    "containerRuntimeVersion": "simulated://0", "operatingSystem": "linux", "architecture": "amd64",
                    "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "",
                ],
                "addresses": [["type": "Hostname", "address": "node-\(index)"]],
            ],
        ]
    }
}
