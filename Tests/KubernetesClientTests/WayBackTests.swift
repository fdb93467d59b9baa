internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient

/// A way back brings all that can be brought, and tells the rest.
@Suite(.timeLimit(.minutes(2))) struct WayBackTests {
    private func applier(
        _ server: SimulatedServer, of name: String = "a", through api: KubernetesAPI? = nil,
        _ change: (inout BundleOptions) -> Void = { _ in }
    ) -> BundleApplier {
        let applier = server.applier {
            $0.inventoryPrefix = "inv-"
            $0.inventoryName = "inv-\(name)"
            $0.runsFailureHooks = false
            $0.waitsForHealth = false
            change(&$0)
        }
        return BundleApplier(api: api ?? server.api, records: server.api, options: applier.options)
    }

    private func back(_ server: SimulatedServer, through api: KubernetesAPI? = nil) -> BundleApplier {
        applier(server, through: api) { $0.isReturn = true }
    }

    private func run(_ body: @escaping @Sendable (SimulatedServer) async throws -> Void) async throws {
        try await SimulatedServer.run { server in
            for object in try Sample.manifest(Sample.namespace) { _ = try await server.api.create(object) }
            try await body(server)
        }
    }

    private func key(_ server: SimulatedServer, _ name: String) async throws -> String? {
        try await server.live("v1", "ConfigMap", name)?.value(at: ["data", "key"])?.stringValue
    }

    private func image(_ server: SimulatedServer, _ name: String) async throws -> String? {
        try await server.live("apps/v1", "Deployment", name)?.spec?["template"]?["spec"]?["containers"]?[0]?["image"]?
            .stringValue
    }

    private static func bundle(_ value: String) throws -> [KubernetesObject] {
        func map(_ name: String, _ wave: Int) -> String {
            Sample.configMap(name, value, annotations: "{swell.dev/wave: \"\(wave)\"}")
        }
        return try Sample.manifest(map("a", 0) + map("b", 0) + map("c", 1) + map("d", 2))
    }

    @Test func allIsPutBackThatIsNotRefusedAndAllThatIsRefusedIsTold() async throws {
        try await run { server in
            #expect(try await applier(server).apply(try Self.bundle("1")).succeeded)
            #expect(
                try await applier(server).apply(try Self.bundle("2") + Sample.manifest(Sample.configMap("more")))
                    .succeeded)
            let refusing = RefusingTransport(server.api.transport) {
                $0.hasSuffix("/configmaps/a") || $0.hasSuffix("/configmaps/c")
            }
            let api = KubernetesAPI(transport: refusing, options: server.api.options)
            let result = try await back(server, through: api).apply(try Self.bundle("1"))
            #expect(Set(result.failures.map(\.reference.name)) == ["a", "c"], "\(result.objects)")
            #expect(!result.objects.contains { $0.outcome == .skipped }, "\(result.objects)")
            #expect(try await key(server, "b") == "1")
            #expect(try await key(server, "d") == "1")
            // What is left may still need it.
            #expect(try await server.exists("v1", "ConfigMap", "more"))
            let again = try await back(server).apply(try Self.bundle("1"))
            #expect(again.succeeded)
            #expect(try await key(server, "a") == "1")
            #expect(try await server.exists("v1", "ConfigMap", "more") == false)
        }
    }

    // MARK: Claims

    private static func claim(_ size: String) -> String {
        """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data}
        spec: {accessModes: [ReadWriteOnce], storageClassName: exp, resources: {requests: {storage: \(size)}}}
        ---

        """
    }

    private static let storageClass = """
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: exp}
        provisioner: example.com/disk
        allowVolumeExpansion: true
        volumeBindingMode: Immediate
        ---

        """

    @Test func aClaimThatHasGrownKeepsItsSize() async throws {
        try await run { server in
            for object in try Sample.manifest(Self.storageClass) { _ = try await server.api.create(object) }
            let one = try Sample.manifest(Self.claim("1Gi") + Sample.configMap("a", "1"))
            #expect(try await applier(server).apply(one).succeeded)
            let grown = try await applier(server).apply(
                try Sample.manifest(Self.claim("2Gi") + Sample.configMap("a", "2")))
            #expect(grown.succeeded, "\(grown.objects)")
            let looked = try await back(server).preview(one)
            #expect(looked.report("data")?.outcome != .failed, "\(looked.objects)")
            let result = try await back(server).apply(one)
            #expect(result.succeeded, "\(result.objects)")
            #expect(result.message("data").contains("2Gi"), "\(result.objects)")
            let size = try await server.live("v1", "PersistentVolumeClaim", "data")?.spec?["resources"]?["requests"]
            #expect(size == ["storage": "2Gi"])
            #expect(try await key(server, "a") == "1")
            let drift = try await applier(server).differences(from: one)
            #expect(drift.objects.allSatisfy { $0.outcome == .unchanged }, "\(drift.objects)")
        }
    }

    // MARK: What must be replaced

    @Test func whatTheOtherReleaseAllowedToReplaceIsReplacedOnTheWayBack() async throws {
        try await run { server in
            let one = try Sample.manifest(Sample.deployment("web", image: "app:1"))
            #expect(try await applier(server).apply(one).succeeded)
            let uid = try await server.live("apps/v1", "Deployment", "web")?.uid
            let allowing = Sample.deployment("web", image: "app:2", selector: "2").replacing(
                "swell.dev/wave:", with: "swell.dev/replace: allow, swell.dev/wave:")
            let two = try Sample.manifest(allowing)
            let replaced = try await applier(server).apply(two)
            #expect(replaced.report("web")?.outcome == .replaced, "\(replaced.objects)")
            let second = try await server.live("apps/v1", "Deployment", "web")?.uid
            #expect(second != uid)
            let result = try await back(server).apply(one)
            #expect(result.report("web")?.outcome == .replaced, "\(result.objects)")
            #expect(try await image(server, "web") == "app:1")
            // What it allowed ended with it.
            let other = try await back(server).apply(
                try Sample.manifest(Sample.deployment("web", image: "app:3", selector: "3")))
            #expect(other.report("web")?.outcome == .failed, "\(other.objects)")
        }
    }

    @Test func whatSomebodyWroteOnTheClusterAllowsNothing() async throws {
        try await run { server in
            let one = try Sample.manifest(Sample.deployment("web", image: "app:1"))
            #expect(try await applier(server).apply(one).succeeded)
            let live = try #require(try await server.live("apps/v1", "Deployment", "web"))
            _ = try await server.api.patch(
                live.reference, .merge(["metadata": ["annotations": ["swell.dev/replace": "allow"]]]),
                fieldManager: "kubectl-edit")
            let other = try Sample.manifest(Sample.deployment("web", image: "app:1", selector: "2"))
            let result = try await back(server).apply(other)
            #expect(result.report("web")?.outcome == .failed, "\(result.objects)")
            #expect(try await server.live("apps/v1", "Deployment", "web")?.uid == live.uid)
        }
    }

    // MARK: What others took

    @Test func whatAnotherApplicationTookMeanwhileIsLeftAndTold() async throws {
        try await run { server in
            func bundle(_ value: String) throws -> [KubernetesObject] {
                try Sample.manifest(Sample.configMap("x", value) + Sample.configMap("other", value))
            }
            #expect(try await applier(server).apply(try bundle("1")).succeeded)
            let taking = try Sample.manifest(Sample.configMap("x", "b", annotations: "{swell.dev/adopt: force}"))
            #expect(try await applier(server, of: "b").apply(taking).succeeded)
            #expect(try await applier(server).apply(try Sample.manifest(Sample.configMap("other", "2"))).succeeded)
            let looked = try await back(server).preview(try bundle("1"))
            #expect(looked.report("x")?.outcome == .kept, "\(looked.objects)")
            let result = try await back(server).apply(try bundle("1"))
            #expect(result.succeeded, "\(result.objects)")
            #expect(result.report("x")?.outcome == .kept, "\(result.objects)")
            #expect(result.message("x").contains("application b"), "\(result.objects)")
            #expect(try await key(server, "x") == "b")
            #expect(try await key(server, "other") == "1")
            let store = InventoryStore(api: server.api, options: applier(server).options)
            #expect(try await store.read().inventory.references.map(\.name) == ["other"])
            // The bundle that is here again wants it, should it be given up there.
            let removed = try await applier(server, of: "b") { $0.allowsEmpty = true }.apply([])
            #expect(removed.report("x")?.outcome == .kept, "\(removed.objects)")
            #expect(try await store.read().inventory.references.map(\.name).sorted() == ["other", "x"])
        }
    }

    // MARK: What judges requests

    @Test func whatJudgesRequestsGoesBeforeAnythingIsPutBack() async throws {
        try await run { server in
            let policy = """
                apiVersion: admissionregistration.k8s.io/v1
                kind: ValidatingAdmissionPolicy
                metadata: {name: no-more}
                spec:
                  failurePolicy: Fail
                  matchConstraints:
                    resourceRules:
                    - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [configmaps]}
                  validations: [{expression: "true"}]
                ---

                """
            let quota = """
                apiVersion: v1
                kind: ResourceQuota
                metadata: {name: little}
                spec: {hard: {configmaps: "20"}}
                ---

                """
            let one = try Sample.manifest(Sample.configMap("a", "1"))
            #expect(try await applier(server).apply(one).succeeded)
            let two = try Sample.manifest(Sample.configMap("a", "2") + policy + quota)
            let second = try await applier(server).apply(two)
            #expect(second.succeeded, "\(second.objects)")
            // As a webhook whose program is away: nothing is written as long as it is there.
            let judged = JudgedTransport(server.api.transport, by: ["/no-more", "/little"]) {
                $0.hasSuffix("/configmaps/a")
            }
            let api = KubernetesAPI(transport: judged, options: server.api.options)
            let result = try await back(server, through: api).apply(one)
            #expect(result.succeeded, "\(result.objects)")
            #expect(try await key(server, "a") == "1")
            #expect(result.report("no-more")?.outcome == .pruned)
            #expect(result.objects.count { $0.reference.name == "no-more" } == 1, "\(result.objects)")
        }
    }
}

/// A connection to a server that refuses to write some objects.
private final class RefusingTransport: KubernetesTransport {
    private let inner: any KubernetesTransport
    private let refuses: @Sendable (String) -> Bool

    init(_ inner: any KubernetesTransport, _ refuses: @escaping @Sendable (String) -> Bool) {
        self.inner = inner
        self.refuses = refuses
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let path = request.path.split(separator: "?").first.map(String.init) ?? ""
        guard request.method == .PATCH, refuses(path) else { return try await inner.send(request) }
        let refusal: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422,
            "message": "it is invalid: data.key: Invalid value",
        ]
        return KubernetesResponse(status: 422, headers: [:], body: ResponseBody(refusal.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}

/// A connection to a server that writes some objects only once others are deleted.
private final class JudgedTransport: KubernetesTransport {
    private let inner: any KubernetesTransport
    private let judges: Mutex<Set<String>>
    private let isJudged: @Sendable (String) -> Bool

    init(_ inner: any KubernetesTransport, by judges: Set<String>, _ isJudged: @escaping @Sendable (String) -> Bool) {
        self.inner = inner
        self.judges = Mutex(judges)
        self.isJudged = isJudged
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let path = request.path.split(separator: "?").first.map(String.init) ?? ""
        if request.method == .DELETE {
            judges.withLock { judges in judges = judges.filter { !path.hasSuffix($0) } }
        }
        guard request.method == .PATCH, isJudged(path), !judges.withLock({ $0.isEmpty }) else {
            return try await inner.send(request)
        }
        let refusal: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": "configmaps \"a\" is forbidden: a policy denied the request",
        ]
        return KubernetesResponse(status: 403, headers: [:], body: ResponseBody(refusal.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
