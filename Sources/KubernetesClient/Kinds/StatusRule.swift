internal import KubernetesObjects

/// How the status of a kind says what it is about.
enum StatusRule: Sendable, Hashable {
    /// `status.observedGeneration`, where it is written, is the generation that the status is about.
    case generation
    /// The controller writes `status.observedGeneration` with every status: without one it has not looked.
    case everyGeneration
    /// Each condition says itself what it is about, also those of parents and listeners; without any its controller has not looked.
    case conditions
    /// The status says how things are, not what was made of an assignment; without one nothing is wrong yet.
    case state
    /// Nobody writes a status, though the definition may have room for one.
    case none
}

/// What is known of a kind's status, and why.
struct StatusFacts: Sendable {
    /// The group; every kind of it where `kinds` is empty.
    let group: String
    let kinds: Set<String>
    let rule: StatusRule
    let why: String

    init(_ group: String, _ kinds: Set<String> = [], _ rule: StatusRule, _ why: String) {
        self.group = group
        self.kinds = kinds
        self.rule = rule
        self.why = why
    }

    /// The rule of a kind: of the first row that is for it.
    static func rule(for type: GroupKind) -> StatusRule {
        let row = table.first { $0.group == type.group && ($0.kinds.isEmpty || $0.kinds.contains(type.kind)) }
        return row?.rule ?? .generation
    }

    /// Kinds without a row are under ``StatusRule/generation``, which is the convention of Kubernetes.
    static let table: [StatusFacts] = [
        StatusFacts(
            "apps", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"], .everyGeneration,
            "their controllers write the number with every status, and 0 means none yet"),
        StatusFacts("", .state, "pods, claims, services and namespaces tell what is, and carry no generation of it"),
        StatusFacts("batch", .state, "what a Job runs cannot be changed: its uid tells whose end is told"),
        StatusFacts(
            "autoscaling", .state, "an autoscaler has no generation, and looks up to 15 s after it was written"),
        StatusFacts(
            "gateway.networking.k8s.io",
            ["Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"], .conditions,
            "several controllers share one status, so that each condition carries its own generation"),
        StatusFacts("gateway.networking.k8s.io", ["ReferenceGrant"], .none, "it has no status by its definition"),
        StatusFacts("networking.istio.io", .none, "istiod writes a status only where that is switched on"),
        StatusFacts("security.istio.io", .none, "istiod writes a status only where that is switched on"),
        StatusFacts("telemetry.istio.io", .none, "istiod writes a status only where that is switched on"),
        StatusFacts("extensions.istio.io", .none, "istiod writes a status only where that is switched on"),
        StatusFacts(
            "monitoring.coreos.com",
            ["ServiceMonitor", "PodMonitor", "Probe", "PrometheusRule", "ScrapeConfig", "AlertmanagerConfig"], .none,
            "the operator writes their status only behind a feature gate"),
        StatusFacts(
            "flagger.app", ["MetricTemplate", "AlertProvider"], .none, "they are read by canaries, and never written"),
        StatusFacts(
            "argoproj.io",
            [
                "AppProject", "AnalysisTemplate", "ClusterAnalysisTemplate", "WorkflowTemplate",
                "ClusterWorkflowTemplate",
            ],
            .none, "they are templates and settings that others read"),
        StatusFacts("traefik.io", .none, "its definitions have no status"),
        StatusFacts("traefik.containo.us", .none, "its definitions have no status"),
        StatusFacts(
            "metallb.io", ["L2Advertisement", "BGPAdvertisement", "BGPPeer", "BFDProfile", "Community"], .none,
            "they have room for a status that its controller leaves empty"),
    ]
}

extension StatusFacts {
    fileprivate init(_ group: String, _ rule: StatusRule, _ why: String) { self.init(group, [], rule, why) }
}
