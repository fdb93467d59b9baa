internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// What is told of many applications that are watched at once.
private final class Told: Sendable {
    private let health = Mutex<[String: ObservedHealth]>([:])
    private let changes = Mutex<[String: Int]>([:])

    func note(_ value: ObservedHealth, of name: String) { health.withLock { $0[name] = value } }
    func noteChange(of name: String) { changes.withLock { $0[name, default: 0] += 1 } }
    func health(of name: String) -> ObservedHealth? { health.withLock { $0[name] } }
    func changes(of name: String) -> Int { changes.withLock { $0[name] ?? 0 } }
    var healthy: Int { health.withLock { $0.values.count { $0.health == .healthy } } }
}

/// How many objects were told of, and of what nothing will be told any more.
private final class Seen: Sendable {
    private let state = Mutex<(counts: [String: Int], ended: [String])>(([:], []))

    var counts: [String: Int] { state.withLock { $0.counts } }
    var ended: [String] { state.withLock { $0.ended } }

    func note(_ count: Int, of selection: ObjectSelection) {
        state.withLock { $0.counts["\(selection.type.kind) \(selection.namespace ?? "")"] = count }
    }

    func noteEnd(of selection: ObjectSelection) { noteEnd(of: "\(selection.type.kind) \(selection.namespace ?? "")") }

    func noteEnd(of name: String) { state.withLock { $0.ended.append(name) } }
}

/// Watches are one a kind, however many applications there are.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SharedWatchTests {
    private static let count = 100

    private static func release(_ name: String, in namespace: String, extra: [KubernetesObject] = []) -> ClusterRelease
    {
        let deployment = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
        var web = KubernetesObject(type: deployment, namespace: namespace, name: name)
        web.spec = [
            "replicas": 1, "selector": ["matchLabels": ["app": .string(name)]],
            "template": [
                "metadata": ["labels": ["app": .string(name)]],
                "spec": ["containers": [["name": "app", "image": "web:1"]]],
            ],
        ]
        var settings = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: namespace, name: "\(name)-settings")
        settings["data"] = ["version": "1"]
        var service = KubernetesObject(
            type: GroupVersionKind(version: "v1", kind: "Service"), namespace: namespace, name: name)
        service.spec = ["selector": ["app": .string(name)], "ports": [["port": 80]]]
        guard let application = try? ApplicationName(name) else { fatalError("a name of a test") }
        return ClusterRelease(
            application: Application(name: application, namespace: namespace),
            release: ReleaseReference(version: "1.0.0", digest: ContentDigest(of: Array(name.utf8))), generation: 1,
            epoch: 1, objects: [web, settings, service] + extra)
    }

    private static func cluster(
        _ api: KubernetesAPI, scope: NamespaceScope? = nil
    ) -> KubernetesCluster {
        KubernetesCluster(
            api: api, namespace: "swell-system", scope: scope, sharesWatches: true, now: { .wall },
            logger: Logger(label: "test.watches", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private static func write(_ releases: [ClusterRelease], _ api: KubernetesAPI) async throws {
        for namespace in Set(releases.map(\.application.namespace)) {
            try await api.ensureNamespace(namespace, fieldManager: "test")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for object in releases.flatMap(\.objects) {
                group.addTask { _ = try await api.apply(object, ApplyOptions(fieldManager: "test")) }
            }
            try await group.waitForAll()
        }
    }

    /// Watches releases while `body` runs, each until its name is in `ended`.
    private static func watching(
        _ releases: [ClusterRelease], _ cluster: KubernetesCluster, _ told: Told,
        ending: (@Sendable (String) async -> Void)? = nil, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await cluster.run() }
            for release in releases {
                let name = "\(release.application.name)"
                group.addTask {
                    await withDiscardingTaskGroup { one in
                        one.addTask {
                            while !Task.isCancelled {
                                try? await cluster.watch(release, isApplying: false) {
                                    told.note($0, of: name)
                                } onChange: {
                                    told.noteChange(of: name)
                                }
                                try? await Task.sleep(for: .milliseconds(100))
                            }
                        }
                        guard let ending else { return }
                        await ending(name)
                        one.cancelAll()
                    }
                }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private static func watches(_ lab: SimulatedLab) async throws -> Int {
        try await lab.fleet.openWatches(in: "east-1")
    }

    @Test(arguments: [true, false]) func aHundredApplicationsOpenAsManyWatchesAsOne(inOneNamespace: Bool) async throws {
        try await SimulatedLab.run { lab in
            let releases = (0..<Self.count).map { Self.release("a\($0)", in: inOneNamespace ? "shop" : "shop-\($0)") }
            try await Self.write(releases, lab.api)
            let alone = Told()
            try await Self.watching([releases[0]], Self.cluster(lab.api), alone) {
                try await eventually("one is healthy", within: .seconds(90)) { alone.healthy == 1 }
                #expect(try await Self.watches(lab) == 5, "three kinds, pods and replica sets")
            }
            let told = Told()
            try await Self.watching(releases, Self.cluster(lab.api), told) {
                try await eventually("all are healthy", within: .seconds(90)) { told.healthy == Self.count }
                try await eventually("as many watches as of one") { try await Self.watches(lab) == 5 }
                // Drift and health of each are seen, and nobody else's.
                for number in [0, 57, 99] {
                    let namespace = inOneNamespace ? "shop" : "shop-\(number)"
                    let before = told.changes(of: "a\(number)")
                    let other = told.changes(of: "a\(number / 2 + 1)")
                    let map = ObjectReference(
                        type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: namespace,
                        name: "a\(number)-settings")
                    _ = try await lab.api.patch(map, .merge(["data": ["version": "others'"]]))
                    try await eventually("drift of \(number)") { told.changes(of: "a\(number)") > before }
                    #expect(told.changes(of: "a\(number / 2 + 1)") == other)
                    let web = ObjectReference(
                        type: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment"), namespace: namespace,
                        name: "a\(number)")
                    let broken: JSONValue = [
                        "spec": ["template": ["spec": ["containers": [["name": "app", "image": "web:missing"]]]]]
                    ]
                    _ = try await lab.api.patch(web, .merge(broken))
                    try await eventually("health of \(number), with the pod that is to blame") {
                        let health = told.health(of: "a\(number)")
                        return health?.health != .healthy && health?.message?.contains("Pull") == true
                    }
                    #expect(told.healthy >= Self.count - 3)
                }
                #expect(try await Self.watches(lab) == 5)
            }
            try await eventually("none is left") { try await Self.watches(lab) == 0 }
        }
    }

    @Test func oneThatIsRemovedDisturbsNoOther() async throws {
        try await SimulatedLab.run { lab in
            let releases = (0..<12).map { Self.release("a\($0)", in: "shop") }
            try await Self.write(releases, lab.api)
            let told = Told()
            let gone = Seen()
            try await Self.watching(releases, Self.cluster(lab.api), told) { name in
                while !Task.isCancelled, !gone.ended.contains(name) {
                    try? await Task.sleep(for: .milliseconds(20))
                }
            } _: {
                try await eventually("all are healthy") { told.healthy == 12 }
                for number in 0..<11 {
                    gone.noteEnd(of: "a\(number)")
                    let web = releases[number].objects[0].reference
                    _ = try await lab.api.delete(web)
                }
                let last = releases[11].objects[0].reference
                _ = try await lab.api.patch(last, .merge(["spec": ["replicas": 2]]))
                try await eventually("the last one's drift is seen") { told.changes(of: "a11") > 0 }
                try await eventually("and its health") { told.health(of: "a11")?.health == .healthy }
                #expect(try await Self.watches(lab) == 5)
            }
        }
    }

    @Test func aWatchThatIsTooLateListsAgainForAll() async throws {
        try await SimulatedLab.run { lab in
            let releases = (0..<20).map { Self.release("a\($0)", in: "shop-\($0)") }
            try await Self.write(releases, lab.api)
            let told = Told()
            try await Self.watching(releases, Self.cluster(lab.api), told) {
                try await eventually("all are healthy") { told.healthy == 20 }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    // Others write meanwhile.
                    group.addTask {
                        var number = 0
                        while !Task.isCancelled {
                            number += 1
                            var map = KubernetesObject(
                                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "default",
                                name: "other")
                            map["data"] = ["number": .string("\(number)")]
                            _ = try await lab.api.apply(map, ApplyOptions(fieldManager: "other"))
                        }
                    }
                    for round in 0..<3 {
                        try await lab.fleet.setFaults(FaultPlan(outage: .reset), in: "east-1")
                        try await eventually("the watches are cut") { try await Self.watches(lab) == 0 }
                        try await lab.fleet.setFaults(.none, in: "east-1")
                        try await lab.fleet.compact("east-1")
                        for number in 0..<20 {
                            let map = releases[number].objects[1].reference
                            let before = told.changes(of: "a\(number)")
                            try await eventually("written") {
                                (try? await lab.api.patch(map, .merge(["data": ["round": .string("\(round)")]]))) != nil
                            }
                            try await eventually("drift of \(number) in round \(round)", within: .seconds(60)) {
                                told.changes(of: "a\(number)") > before
                            }
                        }
                    }
                    group.cancelAll()
                    while (try? await group.next()) != nil {}
                }
                try await eventually("all are healthy", within: .seconds(60)) { told.healthy == 20 }
            }
        }
    }

    @Test func whatIsForbiddenEverywhereIsSeenInNamespaces() async throws {
        try await SimulatedLab.run { lab in
            let releases = (0..<12).map { Self.release("a\($0)", in: "shop-\($0)") }
            try await Self.write(releases, lab.api)
            let admin = lab.api
            let group = "rbac.authorization.k8s.io"
            func make(_ kind: String, _ name: String, _ namespace: String?, _ members: [String: JSONValue]) async throws
            {
                let type =
                    kind == "ServiceAccount"
                    ? GroupVersionKind(version: "v1", kind: kind)
                    : GroupVersionKind(group: group, version: "v1", kind: kind)
                var object = KubernetesObject(type: type, namespace: namespace, name: name)
                for (key, value) in members { object[key] = value }
                _ = try await admin.apply(object, ApplyOptions(fieldManager: "test"))
            }
            try await admin.ensureNamespace("swell-system", fieldManager: "test")
            try await make("ServiceAccount", "agent", "swell-system", [:])
            for number in 0..<12 {
                // Pods may be read in no namespace but the first.
                let resources: JSONValue =
                    number == 0
                    ? ["deployments", "configmaps", "services", "replicasets", "pods"]
                    : ["deployments", "configmaps", "services", "replicasets"]
                let rule: JSONValue = [
                    "apiGroups": ["", "apps"], "resources": resources, "verbs": ["get", "list", "watch"],
                ]
                try await make("Role", "reader", "shop-\(number)", ["rules": [rule]])
                let account: JSONValue = ["kind": "ServiceAccount", "name": "agent", "namespace": "swell-system"]
                try await make(
                    "RoleBinding", "reader", "shop-\(number)",
                    [
                        "subjects": [account],
                        "roleRef": ["apiGroup": .string(group), "kind": "Role", "name": "reader"],
                    ])
            }
            let text = try await lab.fleet.kubeconfig(for: "east-1", serviceAccount: "agent", namespace: "swell-system")
            let own = try KubernetesAPI(connection: try Kubeconfig(text: text, file: "simulated").connection())
            let watches = SharedWatches(api: own)
            let seen = Seen()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await watches.run() }
                for release in releases {
                    group.addTask {
                        try await own.sharing(watches).follow(
                            HealthWatches(for: release.objects), evidence: EvidenceLedger()
                        ) {
                            update, selection in
                            guard case .listed(let objects) = update else { return }
                            seen.note(objects.count, of: selection)
                        } onEnd: { selection, error in
                            #expect(error.status == 403)
                            seen.noteEnd(of: selection)
                        }
                    }
                }
                defer { group.cancelAll() }
                try await eventually("each is seen") {
                    let seen = seen.counts
                    return (0..<12).allSatisfy { number in
                        ["Deployment", "ConfigMap", "Service"].allSatisfy { seen["\($0) shop-\(number)"] == 1 }
                    }
                }
                try await eventually("what may not be read is said") { seen.ended.count == 11 }
                #expect(Set(seen.ended) == Set((1..<12).map { "Pod shop-\($0)" }))
                #expect(seen.counts["Pod shop-0"] == 1)
            }
            await own.shutdown()
        }
    }

    @Test func aKindThatAReleaseBringsIsSeenOnceItIsServed() async throws {
        try await SimulatedLab.run { lab in
            let type = GroupVersionKind(group: "example.com", version: "v1", kind: "Probe")
            var made = KubernetesObject(type: type, namespace: "shop", name: "kafka")
            made.spec = ["url": "http://kafka"]
            let probe = made
            let releases = [Self.release("a0", in: "shop", extra: [probe]), Self.release("a1", in: "shop")]
            try await Self.write([releases[1]], lab.api)
            try await Self.write([Self.release("a0", in: "shop")], lab.api)
            let told = Told()
            let cluster = Self.cluster(lab.api)
            try await Self.watching(releases, cluster, told) {
                try await eventually("the other is healthy") { told.health(of: "a1")?.health == .healthy }
                try await eventually("it waits for the kind") {
                    told.health(of: "a0")?.message?.contains("not served") == true
                }
                let definition = """
                    apiVersion: apiextensions.k8s.io/v1
                    kind: CustomResourceDefinition
                    metadata: {name: probes.example.com}
                    spec:
                      group: example.com
                      scope: Namespaced
                      names: {kind: Probe, plural: probes, singular: probe}
                      versions:
                        - name: v1
                          served: true
                          storage: true
                          schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
                    """
                for document in try YAMLReader.documents(in: definition, file: "test") {
                    _ = try await lab.api.apply(
                        try KubernetesObject(json: document.root.json), ApplyOptions(fieldManager: "test"))
                }
                try await eventually("made") {
                    (try? await lab.api.apply(probe, ApplyOptions(fieldManager: "test"))) != nil
                }
                try await eventually("it is healthy too") { told.health(of: "a0")?.health == .healthy }
                #expect(try await Self.watches(lab) == 6)
            }
        }
    }
}
