internal import KubernetesObjects

@testable internal import KubernetesSimulator

/// A cluster without HTTP whose clock the test moves.
struct TestCluster {
    var state: ClusterState
    var now = 1_800_000_000.0

    init(timing: ClusterState.Timing = ClusterState.Timing()) {
        state = ClusterState(name: "test", seed: 7, timing: timing, now: 1_800_000_000)
    }

    /// Sends a request and returns status and body.
    @discardableResult
    mutating func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, type: String = "application/json",
        agent: String = "tester/1", as caller: Caller = .administrator
    ) -> (status: Int, body: JSONValue) {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        var query: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            query[sides[0]] = sides.count > 1 ? sides[1] : ""
        }
        var request = APIRequest(
            method: method, path: parts[0].split(separator: "/").map(String.init), query: query, contentType: type,
            userAgent: agent, body: body?.serializedBytes() ?? [])
        request.caller = caller
        let response = state.handle(request, now: now)
        if case .json(let value) = response.body { return (response.status, value) }
        if case .text(let text) = response.body { return (response.status, .string(text)) }
        return (response.status, .null)
    }

    @discardableResult
    mutating func apply(
        _ path: String, _ object: JSONValue, manager: String = "swell", options: String = "",
        as caller: Caller = .administrator
    ) -> (status: Int, body: JSONValue) {
        send(
            "PATCH", "\(path)?fieldManager=\(manager)\(options)", object, type: "application/apply-patch+yaml",
            as: caller)
    }

    mutating func get(_ path: String) -> JSONValue { send("GET", path).body }

    /// Lets time pass in small steps while the controllers run.
    mutating func run(seconds: Double) {
        let end = now + seconds
        while now < end {
            let next = state.reconcile(now: now)
            now = min(end, next ?? end)
        }
        _ = state.reconcile(now: now)
    }

    static func deployment(image: String = "nginx:1.25", replicas: Int? = 2, extra: [String: JSONValue] = [:])
        -> JSONValue
    {
        var spec: [String: JSONValue] = [
            "selector": ["matchLabels": ["app": "web"]],
            "template": [
                "metadata": ["labels": ["app": "web"]],
                "spec": [
                    "containers": [
                        ["name": "main", "image": .string(image), "ports": [["containerPort": 8080]]]
                    ]
                ],
            ],
        ]
        if let replicas { spec["replicas"] = .integer(Int64(replicas)) }
        spec.merge(extra) { $1 }
        return [
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": ["name": "web", "namespace": "default", "labels": ["app": "web"]], "spec": .object(spec),
        ]
    }

    static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    static let web = deployments + "/web"

    static func configMap(_ data: [String: JSONValue], name: String = "shared") -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": .string(name), "namespace": "default"], "data": .object(data),
        ]
    }

    static let shared = "/api/v1/namespaces/default/configmaps/shared"
}
