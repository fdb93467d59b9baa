internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Values")
struct ValueTests {
    @Test(
        "quantities are written one way",
        arguments: [
            ("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1.5", "1500m"), ("2000", "2k"), ("0", "0"),
            ("100M", "100M"), ("1e", "1e"), ("128Mi", "128Mi"),
        ])
    func quantities(text: String, canonical: String) {
        #expect(Quantity.canonical(.string(text)) == .string(canonical))
    }

    @Test("instants are written and read", arguments: [0.0, 951_782_400, 1_800_000_000, 4_107_542_399])
    func timestamps(instant: Double) {
        #expect(Timestamp.instant(Timestamp.text(instant)) == instant)
    }

    @Test("an instant has the spelling of RFC 3339")
    func spelling() {
        #expect(Timestamp.text(951_827_696.9) == "2000-02-29T12:34:56Z")
    }

    @Test("faults: annotation before order before tag")
    func behaviours() {
        var plan = FaultPlan()
        #expect(plan.behaviour(image: "registry.example.com/crash/app:1", annotation: nil) == .healthy)
        #expect(plan.behaviour(image: "app:1-broken", annotation: nil) == .crashLoop)
        plan = FaultOrder(change: .image(.init(contains: "app", behaviour: .slow))).changing(plan)
        #expect(plan.behaviour(image: "app:1-broken", annotation: nil) == .slow)
        #expect(plan.behaviour(image: "app:1-broken", annotation: "never-ready") == .neverReady)
        #expect(FaultOrder(change: .clear).changing(plan) == .none)
    }

    @Test("orders survive being written and read")
    func orders() throws {
        let changes: [FaultOrder.Change] = [
            .clear, .outage(.hang), .outage(nil), .latency(1.5), .errors(.init(rate: 0.25, status: 500)),
            .image(.init(contains: "web", behaviour: .pullError)),
        ]
        for change in changes {
            let order = FaultOrder(clusters: ["a"], change: change)
            #expect(try FaultOrder(json: order.json) == order)
        }
        #expect(throws: SimulatorError.self) { try FaultOrder(json: ["change": "outage", "outage": "boom"]) }
    }

    @Test("the same seed gives the same cluster")
    func seeds() {
        var first = TestCluster()
        var second = TestCluster()
        first.apply(TestCluster.web, TestCluster.deployment())
        second.apply(TestCluster.web, TestCluster.deployment())
        first.run(seconds: 3)
        second.run(seconds: 3)
        #expect(first.get("/api/v1/pods") == second.get("/api/v1/pods"))
    }

    @Test("field sets survive being written and read")
    func fieldSets() {
        let text: JSONValue = [
            "f:spec": [
                "f:list": [".": .object([:]), #"k:{"name":"a"}"#: [".": .object([:]), "f:image": .object([:])]],
                "f:set": [#"v:"x""#: .object([:])], "f:leaf": .object([:]),
            ]
        ]
        #expect(FieldSet(fieldsV1: text).fieldsV1 == text)
    }
}

@Suite("Protobuf bodies")
struct ProtobufTests {
    /// A field of bytes or text; lengths stay below 128 here.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    @Test("a config map as kubectl creates it")
    func configMap() throws {
        let metadata = field(1, Array("cm".utf8)) + field(2, []) + field(8, [])
        let entry = field(1, Array("a".utf8)) + field(2, Array("b".utf8))
        let kind = field(1, Array("v1".utf8)) + field(2, Array("ConfigMap".utf8))
        let body = ProtobufDecoding.magic + field(1, kind) + field(2, field(1, metadata) + field(2, entry))
        let object = try ProtobufDecoding.object(from: body)
        #expect(
            object == ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "cm"], "data": ["a": "b"]])
        #expect(throws: (any Error).self) { try ProtobufDecoding.object(from: Array(body.dropLast())) }
        var cluster = TestCluster()
        let request = APIRequest(
            method: "POST", path: ["api", "v1", "namespaces", "default", "configmaps"],
            contentType: "application/vnd.kubernetes.protobuf", body: body)
        #expect(cluster.state.handle(request, now: cluster.now).status == 201)
    }
}
