internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// The memory that spares dry runs must never say "nothing to do" where the server would do something.
@Suite(.timeLimit(.minutes(3))) struct SettledObjectsTests {
    private static let manager = "swell"

    /// Objects with what makes comparing hard: quantities, defaulted keys of lists, atomic lists, empty members, nulls.
    private static func objects() throws -> [KubernetesObject] {
        try Sample.manifest(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: one, labels: {app: one}, annotations: {note: x}}
            data: {a: "1", b: "2"}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: one}
            stringData: {password: swell}
            data: {token: c3dlbGw=}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: one, labels: {app: one}}
            spec:
              selector: {app: one}
              ports: [{name: http, port: 80, targetPort: 8080}, {name: metrics, port: 9090}]
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: one, labels: {app: one}}
            spec:
              replicas: 1
              selector: {matchLabels: {app: one}}
              template:
                metadata: {creationTimestamp: null, labels: {app: one}}
                spec:
                  securityContext: {}
                  containers:
                  - name: main
                    image: app:1
                    args: [--one, --two]
                    ports: [{containerPort: 8080}]
                    env: [{name: A, value: "1"}, {name: B, value: "2"}]
                    resources: {requests: {cpu: 1000m, memory: 1024Mi}}
                  - {name: side, image: "side:1"}
                  volumes: [{name: tmp, emptyDir: {}}]
            ---
            """)
    }

    /// What anybody may do to such objects: a merge patch in YAML, by kind.
    private static let patches: [String: [String]] = [
        "ConfigMap": [
            "{data: {a: theirs}}", "{data: {c: theirs}}", "{data: {a: null}}", "{metadata: {labels: {app: theirs}}}",
            "{metadata: {labels: {other: x}}}", "{metadata: {annotations: {note: null}}}",
        ],
        "Secret": [
            "{data: {token: eA==}}", "{data: {password: eA==}}", "{data: {more: eA==}}", "{data: {password: null}}",
        ],
        "Service": [
            "{spec: {selector: {app: other}}}", "{spec: {selector: {more: x}}}", "{spec: {sessionAffinity: ClientIP}}",
            "{spec: {ports: [{name: http, port: 80, targetPort: 9999}]}}", "{metadata: {annotations: {lb: x}}}",
        ],
        "Deployment": [
            "{spec: {replicas: 3}}", "{spec: {minReadySeconds: 2}}", "{metadata: {annotations: {revision: x}}}",
            "{spec: {template: {metadata: {annotations: {restartedAt: now}}}}}", "{spec: {paused: true}}",
            "{spec: {template: {spec: {containers: [{name: main, image: other}]}}}}",
            "{spec: {template: {spec: {terminationGracePeriodSeconds: 5, volumes: null}}}}",
        ],
    ]

    /// What a later release may want otherwise, by kind.
    private static let changes: [String: [String]] = [
        "ConfigMap": [
            "{data: {a: \"9\"}}", "{data: {b: null}}", "{data: {c: theirs}}", "{metadata: {labels: {other: x}}}",
        ],
        "Secret": ["{stringData: {password: other}}", "{stringData: null}", "{data: {more: eA==}}"],
        "Service": [
            "{spec: {sessionAffinity: ClientIP}}", "{metadata: {labels: null}}", "{metadata: {annotations: {lb: x}}}",
        ],
        "Deployment": [
            "{spec: {replicas: null}}", "{spec: {replicas: 3}}", "{spec: {minReadySeconds: 2}}",
            "{spec: {template: {spec: {volumes: null}}}}",
            "{spec: {template: {metadata: {annotations: {restartedAt: now}}}}}",
        ],
    ]

    private static func patch(_ text: String) throws -> JSONValue {
        try YAMLReader.document(in: text, file: "patch").root.json
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func neverSpareARequestThatWouldHaveChangedSomething(seed: UInt64)
        async throws
    {
        try await SimulatedServer.run { server in
            var random = SplitMix(seed)
            let api = server.api
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            var spared = 0
            var asked = 0
            for original in try Self.objects() {
                var wanted = original
                wanted.namespace = "shop"
                let first = try await api.apply(wanted, ApplyOptions(fieldManager: Self.manager, force: true))
                await api.settled.remember(wanted, live: first, answer: first, manager: Self.manager)
                for _ in 0..<12 {
                    switch random.next() % 4 {
                    case 0: break
                    case 1, 2:
                        let patches = try #require(Self.patches[wanted.kind])
                        let patch = try Self.patch(patches[Int(random.next() % UInt64(patches.count))])
                        // What the server refuses has changed nothing.
                        _ = try? await api.patch(wanted.reference, .merge(patch), fieldManager: "hand")
                    default:
                        let changes = try #require(Self.changes[wanted.kind])
                        let change = try Self.patch(changes[Int(random.next() % UInt64(changes.count))])
                        wanted = try KubernetesObject(json: wanted.json.applying(mergePatch: change))
                    }
                    let live = try #require(try await api.get(wanted.reference))
                    let isSpared = await api.settled.contains(wanted, live: live, manager: Self.manager)
                    let preview = try await api.apply(
                        wanted, ApplyOptions(fieldManager: Self.manager, force: true, dryRun: true))
                    let after = try #require(try await api.get(wanted.reference))
                    // A controller that writes in between says nothing of the memory.
                    guard after.resourceVersion == live.resourceVersion else { continue }
                    var mask = SecretMask()
                    let changes = ObjectDifference.changes(from: live, to: preview, mask: &mask)
                    if isSpared {
                        spared += 1
                        #expect(changes.isEmpty, "\(wanted.reference): \(changes)")
                    } else {
                        asked += 1
                        // As the applier does: remember what is in place, put right what is not, now and then.
                        if changes.isEmpty {
                            await api.settled.remember(wanted, live: live, answer: preview, manager: Self.manager)
                        } else if random.next() % 2 == 0 {
                            let applied = try await api.apply(
                                wanted, ApplyOptions(fieldManager: Self.manager, force: true))
                            await api.settled.remember(wanted, live: applied, answer: applied, manager: Self.manager)
                        }
                    }
                }
            }
            #expect(spared > 2 && asked > 5, "spared \(spared), asked \(asked)")
        }
    }

    @Test func whatAControllerWritesBesideCostsNoRequest() async throws {
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(
                Sample.namespace + (1...5).map { Sample.deployment("web-\($0)") }.joined())
            _ = try await server.applier().apply(objects)
            let live = try #require(try await server.live("apps/v1", "Deployment", "web-1"))
            #expect(live.annotations["deployment.kubernetes.io/revision"] == "1")
            let manager = Self.manager
            var wanted = try #require(objects.last)
            wanted.namespace = "shop"
            let settled = try #require(try await server.live("apps/v1", "Deployment", "web-5"))
            #expect(await server.api.settled.contains(wanted, live: settled, manager: manager))
            _ = try await server.api.patch(
                wanted.reference, .merge(["spec": ["replicas": 5]]), fieldManager: "hand")
            let touched = try #require(try await server.live("apps/v1", "Deployment", "web-5"))
            #expect(await !server.api.settled.contains(wanted, live: touched, manager: manager))
        }
    }
}

/// A small random source with a seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
