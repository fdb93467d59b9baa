internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent
@testable internal import SwellCommands

/// The agent as a service account that holds the roles that `swell rbac` prints, on an API server that enforces them.
@Suite(.serialized, .timeLimit(.minutes(3))) struct PermissionTests {
    private struct Lab: Sendable {
        let fleet: SimulatedFleet
        let admin: KubernetesAPI
        let world: AgentWorld
        let cluster: KubernetesCluster

        func object(_ apiVersion: String, _ kind: String, _ name: String) async throws -> KubernetesObject? {
            let type = GroupVersionKind(apiVersion: apiVersion, kind: kind)
            return try await admin.get(ObjectReference(type: type, namespace: "shop", name: name))
        }

        func create(_ kind: String, _ name: String, namespace: String? = nil) async throws {
            let object = KubernetesObject(
                type: GroupVersionKind(version: "v1", kind: kind), namespace: namespace, name: name)
            _ = try await admin.apply(object, ApplyOptions(fieldManager: "operator"))
        }

        /// Grants what `swell rbac` prints for releases, changed as the test likes.
        func grant(
            _ releases: [AssembledRelease], namespaced: Bool = false, without verb: String? = nil,
            of resource: String = ""
        ) async throws -> [KubernetesObject] {
            let views = try releases.map { release in
                let contents = Dictionary(release.documents.map { ($0.digest, $0.content) }) { first, _ in first }
                return try ReleaseContentsView(
                    release.bundle, documents: release.bundle.documents.compactMap { contents[$0] })
            }
            let text = try PermissionRules(application: "shop", releases: views).yaml(namespaced: namespaced)
            var granted: [KubernetesObject] = []
            for document in try YAMLReader.documents(in: text, file: "rbac") {
                var json = document.root.json
                if let rules = json["rules"]?.arrayValue {
                    // A rule without a verb is none, and an API server takes no such.
                    json["rules"] = .array(
                        rules.compactMap { rule -> JSONValue? in
                            guard rule["resources"]?.arrayValue?.contains(.string(resource)) == true else {
                                return rule
                            }
                            let verbs = (rule["verbs"]?.arrayValue ?? []).filter { $0.stringValue != verb }
                            var left = rule
                            left["verbs"] = .array(verbs)
                            return verbs.isEmpty ? nil : left
                        })
                }
                let object = try KubernetesObject(json: json)
                _ = try await admin.apply(object, ApplyOptions(fieldManager: "operator", force: true))
                granted.append(object)
            }
            return granted
        }

        func accesses() async throws -> Set<SimulatedFleet.AccessRecord> { try await fleet.accesses(in: "east-1") }

        func isHealthy(_ generation: Int64) async -> Bool {
            let report = await world.coordinator.last("shop")
            return report?.phase == .healthy && report?.generation == generation
        }
    }

    private func lab(scope: Set<String>? = nil, _ body: @escaping @Sendable (Lab) async throws -> Void) async throws {
        try await withDirectory { directory in
            let fleet = try SimulatedFleet(clusters: [.init(name: "east-1")], pace: .quick)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                try await fleet.ready()
                func api(_ kubeconfig: String) throws -> KubernetesAPI {
                    let config = try Kubeconfig(text: kubeconfig, file: "simulated")
                    return try KubernetesAPI(connection: try config.connection())
                }
                let admin = try api(try await fleet.kubeconfig(for: "east-1"))
                let own = try api(
                    try await fleet.kubeconfig(
                        for: "east-1", serviceAccount: "swell-agent", namespace: "swell-agent"))
                var logger = Logger(label: "test.agent")
                logger.logLevel = .critical
                let cluster = KubernetesCluster(
                    api: own, namespace: "swell-agent", scope: scope.map { NamespaceScope(namespaces: $0) },
                    now: { .wall }, logger: logger)
                let world = try await AgentWorld(directory: directory, cluster: cluster)
                let lab = Lab(fleet: fleet, admin: admin, world: world, cluster: cluster)
                defer { group.cancelAll() }
                do {
                    try await lab.create("Namespace", "swell-agent")
                    try await lab.create("ServiceAccount", "swell-agent", namespace: "swell-agent")
                    try await world.coordinator.serve { try await body(lab) }
                } catch {
                    await own.shutdown()
                    await admin.shutdown()
                    throw error
                }
                await own.shutdown()
                await admin.shutdown()
            }
        }
    }

    private static func web(image: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          progressDeadlineSeconds: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "\(image)"}]}
        ---

        """
    }

    private static let extra = """
        apiVersion: v1
        kind: Secret
        metadata: {name: only-in-one}
        stringData: {a: b}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: migrate
          annotations: {swell.dev/hook: before, swell.dev/hook-timeout: 30s, swell.dev/hook-delete: always}
        spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "m:1"}]}}}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader}
        rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: reader}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
        ---

        """

    /// Feeds, with a definition of their own.
    private static let wide = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: feedz.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {kind: Feed, plural: feedz}
          versions:
            - name: v1
              served: true
              storage: true
              schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---
        apiVersion: example.com/v1
        kind: Feed
        metadata: {name: news}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: papers, annotations: {swell.dev/prune: allow}}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---

        """

    /// Has an autoscaler of somebody's scale the workload.
    private func scale(_ lab: Lab) async throws {
        var scaler = KubernetesObject(
            type: GroupVersionKind(apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler"), namespace: "shop",
            name: "somebodys")
        scaler.spec = [
            "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "minReplicas": 1,
            "maxReplicas": 9,
        ]
        _ = try await lab.admin.create(scaler, fieldManager: "somebody")
        let web = try #require(try await lab.object("apps/v1", "Deployment", "web"))
        _ = try await lab.admin.patch(
            web.reference, .merge(["spec": ["replicas": 4]]), fieldManager: "kube-controller-manager",
            subresource: "scale")
    }

    /// Puts a release out, corrects drift, prunes, and takes a bad release back.
    private func story(_ lab: Lab, namespaced: Bool, extra: String) async throws {
        let (one, first) = try await lab.world.assembledRelease("1.0.0", extra: Self.web(image: "web:1") + extra)
        let (two, second) = try await lab.world.assembledRelease("2.0.0", extra: Self.web(image: "web:2"))
        let (bad, third) = try await lab.world.assembledRelease("3.0.0", extra: Self.web(image: "web:missing"))
        let granted = try await lab.grant([first, second, third], namespaced: namespaced)
        let isAnyWide = granted.contains { $0.kind.hasPrefix("Cluster") }
        #expect(isAnyWide == !namespaced)
        try await lab.world.coordinator.assign(one.assignment(1))
        try await lab.world.withAgent {
            try await eventually("the first is out") { await lab.isHealthy(1) }
            #expect(try await lab.object("rbac.authorization.k8s.io/v1", "RoleBinding", "reader") != nil)
            let settings = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "shop-settings")
            _ = try await lab.admin.patch(settings, .merge(["data": ["version": "tampered"]]))
            try await eventually("drift is corrected") {
                try await lab.admin.get(settings)?["data"]?["version"]?.stringValue == "1.0.0"
            }
            try await scale(lab)
            try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
            try await eventually("the second is out") { await lab.isHealthy(2) }
            let replicas = try await lab.object("apps/v1", "Deployment", "web")?.spec?["replicas"]
            #expect(replicas == 4, "an autoscaler that no release has scaled it")
            #expect(try await lab.object("v1", "Secret", "only-in-one") == nil, "pruned")
            try await lab.world.coordinator.assign(bad.assignment(3, fallback: one))
            try await eventually("reverted") { await lab.world.coordinator.last("shop")?.phase == .reverted }
            #expect(try await lab.object("v1", "Secret", "only-in-one") != nil, "restored")
            var removal = one.assignment(4)
            removal.goal = .remove
            try await lab.world.coordinator.assign(removal)
            try await eventually("removed") { await lab.world.coordinator.last("shop")?.phase == .removed }
        }
        let accesses = try await lab.accesses()
        let refused = accesses.filter { !$0.isAllowed }
        #expect(refused.isEmpty, "the agent asked for what it was not granted")
        // Every verb on every resource that the roles grant is one that the agent used.
        let used = Set(accesses.map { "\($0.verb) \($0.resource).\($0.group)" })
        for rule in granted.flatMap({ $0["rules"]?.arrayValue ?? [] }) {
            func texts(_ field: String) -> [String] { rule[field]?.arrayValue?.compactMap(\.stringValue) ?? [] }
            for resource in texts("resources") {
                for verb in texts("verbs") {
                    let part = "\(verb) \(resource).\(texts("apiGroups").joined())"
                    #expect(used.contains(part) || Self.seldomUsed.contains(part), "granted and not used: \(part)")
                }
            }
        }
    }

    /// What this story does not come to: a pod or replica set is never read by itself, and the helper rule is for all kinds.
    private static let seldomUsed: Set<String> = ["get pods.", "get replicasets.apps"]

    @Test func theRolesPrintedAreEnoughAndNoMore() async throws {
        try await lab { lab in
            try await story(lab, namespaced: false, extra: Self.extra + Self.wide)
            #expect(try await lab.cluster.uid().isEmpty == false)
        }
    }

    @Test func rolesInNamespacesAreEnoughForAnAgentThatKeepsToThem() async throws {
        try await lab(scope: ["shop"]) { lab in
            try await lab.create("Namespace", "shop")
            try await story(lab, namespaced: true, extra: Self.extra)
            let own = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: "swell-agent")
            let uid = try #require(try await lab.admin.get(own)?.uid)
            #expect(try await lab.cluster.uid().hasSuffix("/\(uid)"))
            let wide = try await lab.accesses().filter(\.namespace.isEmpty)
            #expect(wide.isEmpty, "nothing was asked of the whole cluster")
        }
    }

    @Test(arguments: [
        ("create", "deployments", "may not create deployments.apps in namespace shop"),
        ("patch", "configmaps", "may not patch configmaps in namespace shop"),
        ("watch", "deployments", "may not watch deployments.apps in namespace shop"),
        ("create", "namespaces", "may not create namespaces in namespace shop"),
    ])
    func aMissingVerbIsNamed(verb: String, resource: String, message: String) async throws {
        try await lab { lab in
            let (one, release) = try await lab.world.assembledRelease("1.0.0", extra: Self.web(image: "web:1"))
            // The agent's own records are in a Role that keeps all its verbs.
            let granted = try await lab.grant([release], without: verb, of: resource)
            if resource == "configmaps" {
                var own = try #require(granted.first { $0.kind == "Role" })
                own["rules"] = [
                    [
                        "apiGroups": [""], "resources": ["configmaps"],
                        "verbs": ["get", "list", "create", "patch", "delete"],
                    ]
                ]
                _ = try await lab.admin.apply(own, ApplyOptions(fieldManager: "operator", force: true))
            }
            try await lab.world.coordinator.assign(one.assignment(1, selfRollback: false))
            try await lab.world.withAgent {
                try await eventually("told") {
                    await lab.world.coordinator.last("shop")?.message?.contains(message) == true
                }
                let report = await lab.world.coordinator.last("shop")
                #expect(report?.message?.contains("grant it to system:serviceaccount:swell-agent:swell-agent") == true)
                #expect(report?.phase != .healthy)
            }
        }
    }

    @Test func aReleaseWithAKindThatMayNotBeTouchedIsGoneBackFrom() async throws {
        try await lab { lab in
            let (one, first) = try await lab.world.assembledRelease("1.0.0", extra: Self.web(image: "web:1"))
            let (two, _) = try await lab.world.assembledRelease(
                "2.0.0",
                extra: Self.web(image: "web:2") + "apiVersion: v1\nkind: Secret\nmetadata: {name: new}\n---\n")
            _ = try await lab.grant([first])
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("the first is out") { await lab.isHealthy(1) }
                try await lab.world.coordinator.assign(two.assignment(2, fallback: one))
                try await eventually("it went back") { await lab.world.coordinator.last("shop")?.phase == .reverted }
                let message = await lab.world.coordinator.last("shop")?.message ?? ""
                #expect(message.contains("may not get secrets in namespace shop; grant it to system:"), "\(message)")
                #expect(!message.contains("failed too"), "\(message)")
                #expect(try await lab.object("apps/v1", "Deployment", "web")?.generation == 1)
            }
        }
    }

    @Test func whatLiesOutsideOfItsNamespacesIsRefusedBeforeAnythingIsApplied() async throws {
        try await lab(scope: ["shop", "shared"]) { lab in
            try await lab.create("Namespace", "shop")
            let beyond = """
                apiVersion: v1
                kind: Namespace
                metadata: {name: shop}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: far, namespace: edge}
                ---

                """
            let (one, release) = try await lab.world.assembledRelease("1.0.0", extra: Self.web(image: "web:1") + beyond)
            _ = try await lab.grant([release])
            try await lab.world.coordinator.assign(one.assignment(1, selfRollback: false))
            try await lab.world.withAgent {
                try await eventually("told") {
                    await lab.world.coordinator.last("shop")?.reason == "OutsideNamespaces"
                }
                let report = await lab.world.coordinator.last("shop")
                #expect(
                    report?.message
                        == "this agent keeps to namespaces shared, shop, and nothing was applied: Namespace shop lives outside of namespaces, ConfigMap far is for namespace edge"
                )
                #expect(report?.phase == .failed)
                #expect(try await lab.object("v1", "ConfigMap", "shop-settings") == nil)
            }
        }
    }

    /// It may not make a namespace: what it cannot put back it says where people look, not in its log alone.
    @Test func aNamespaceThatIsGoneIsToldByAnAgentThatMayNotMakeIt() async throws {
        try await lab(scope: ["shop"]) { lab in
            try await lab.create("Namespace", "shop")
            let (one, release) = try await lab.world.assembledRelease("1.0.0", extra: Self.web(image: "web:1"))
            _ = try await lab.grant([release], namespaced: true)
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("it is out") { await lab.isHealthy(1) }
                let namespace = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: "shop")
                _ = try await lab.admin.delete(namespace)
                try await eventually("its loss is told as drift that stays", within: .seconds(60)) {
                    let drift = await lab.world.coordinator.reports.last { $0.drift != nil }?.drift
                    return drift?.isCorrected == false && drift?.count ?? 0 > 0
                        && drift?.contention?.contains("shop") == true
                }
                // Told by the watch, a moment before or after.
                try await eventually("its health is told, too", within: .seconds(20)) {
                    await lab.world.coordinator.last("shop")?.health != .healthy
                }
            }
        }
    }

    @Test func aNamespaceThatCannotBeLookedThroughIsKept() async throws {
        try await lab { lab in
            let space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
            let (one, release) = try await lab.world.assembledRelease("1.0.0", extra: space)
            _ = try await lab.grant([release])
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.world.withAgent {
                try await eventually("out") { await lab.isHealthy(1) }
                var removal = one.assignment(2)
                removal.goal = .remove
                try await lab.world.coordinator.assign(removal)
                try await eventually("removed") { await lab.world.coordinator.last("shop")?.phase == .removed }
            }
            let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: "shop")
            #expect(try await lab.admin.get(reference) != nil)
            #expect(try await lab.object("v1", "ConfigMap", "shop-settings") == nil)
        }
    }
}
