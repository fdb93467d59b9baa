internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator

/// A simulated cluster and a client for it.
struct SimulatedServer: Sendable {
    let fleet: SimulatedFleet
    let api: KubernetesAPI

    static func run(_ body: @Sendable (SimulatedServer) async throws -> Void) async throws {
        let fleet = try SimulatedFleet(clusters: [.init(name: "one")], pace: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await fleet.ready()
            let kubeconfig = try Kubeconfig(text: try await fleet.kubeconfig(for: "one"), file: "simulated")
            var options = KubernetesAPI.Options()
            options.retry = RetryPolicy(maximumAttempts: 4, base: .milliseconds(50))
            let api = try KubernetesAPI(connection: try kubeconfig.connection(), options: options)
            do {
                try await body(SimulatedServer(fleet: fleet, api: api))
            } catch {
                await api.shutdown()
                group.cancelAll()
                throw error
            }
            await api.shutdown()
            group.cancelAll()
        }
    }

    func applier(_ change: (inout BundleOptions) -> Void = { _ in }) -> BundleApplier {
        var options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "inventory", defaultNamespace: "shop",
            now: { KubernetesTime.current })
        options.healthTimeout = .seconds(20)
        options.settleTimeout = .seconds(10)
        change(&options)
        return BundleApplier(api: api, options: options)
    }

    func exists(_ apiVersion: String, _ kind: String, _ name: String, namespace: String? = "shop") async throws -> Bool
    {
        try await live(apiVersion, kind, name, namespace: namespace) != nil
    }

    func live(
        _ apiVersion: String, _ kind: String, _ name: String, namespace: String? = "shop"
    ) async throws -> KubernetesObject? {
        let type = GroupVersionKind(apiVersion: apiVersion, kind: kind)
        return try await api.get(ObjectReference(type: type, namespace: namespace, name: name))
    }
}

extension KubernetesTime {
    static var current: KubernetesTime {
        KubernetesTime(seconds: Date().timeIntervalSince1970)
    }
}

/// Objects for bundles.
enum Sample {
    static func manifest(_ text: String) throws -> [KubernetesObject] { try Manifest.objects(in: text) }

    static let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"

    static func configMap(_ name: String, _ value: String = "1", annotations: String = "{}") -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: \(name), annotations: \(annotations)}
        data: {key: "\(value)"}
        ---

        """
    }

    static func deployment(_ name: String, image: String = "app:1", wave: Int = 0, selector: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: \(name)
          annotations: {swell.dev/wave: "\(wave)"}
        spec:
          replicas: 2
          selector: {matchLabels: {app: \(name)\(selector)}}
          template:
            metadata: {labels: {app: \(name)\(selector)}}
            spec:
              containers: [{name: app, image: "\(image)"}]
        ---

        """
    }

    /// A hook with more annotations before its time-out: `swell.dev/hook-on: upgrade, `.
    static func hook(_ name: String, _ more: String = "", image: String = "m:1") -> String {
        job(name, image: image).replacing("swell.dev/hook-timeout", with: "\(more)swell.dev/hook-timeout")
    }

    static func job(_ name: String, hook: String = "before", image: String = "migrate:1", timeout: String = "10s")
        -> String
    {
        """
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: \(name)
          annotations: {swell.dev/hook: \(hook), swell.dev/hook-timeout: \(timeout)}
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{name: migrate, image: "\(image)"}]
        ---

        """
    }

    static func hookPod(_ name: String, hook: String = "before", image: String = "check:1", timeout: String = "10s")
        -> String
    {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          annotations: {swell.dev/hook: \(hook), swell.dev/hook-timeout: \(timeout)}
        spec:
          restartPolicy: Never
          containers: [{name: check, image: "\(image)"}]
        ---

        """
    }

    static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
          versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema:
                type: object
                properties: {spec: {type: object, properties: {size: {type: integer}}}}
        ---

        """

    static let widget = """
        apiVersion: example.com/v1
        kind: Widget
        metadata: {name: gadget}
        spec: {size: 3}
        ---

        """
}
