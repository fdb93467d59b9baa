internal import AsyncHTTPClient
internal import KubernetesObjects
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Testing

@testable internal import KubernetesSimulator

@Suite("A fleet over HTTPS", .timeLimit(.minutes(1)))
struct FleetTests {
    /// Runs a fleet and a client that trusts it, for as long as the body runs.
    private func withFleet(
        _ names: [String], _ body: @escaping @Sendable (SimulatedFleet, HTTPClient) async throws -> Void
    ) async throws {
        let fleet = try SimulatedFleet(clusters: names.map { .init(name: $0) }, pace: .quick)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(fleet.certificateAuthorityPEM.utf8)))
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.timeout.connect = .seconds(5)
        try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                try await fleet.ready()
                try await body(fleet, client)
                group.cancelAll()
            }
        }
    }

    private static func request(
        _ fleet: SimulatedFleet, _ cluster: String, _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil,
        token: String? = nil
    ) async throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: try await fleet.server(of: cluster) + path)
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(token ?? fleet.token)")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/apply-patch+yaml")
            request.body = .bytes(ByteBuffer(bytes: body.serializedBytes()))
        }
        return request
    }

    private static func send(
        _ client: HTTPClient, _ request: HTTPClientRequest
    ) async throws -> (status: UInt, body: JSONValue) {
        let response = try await client.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: 1 << 22)
        return (response.status.code, (try? JSONValue(parsing: Array(bytes.readableBytesView))) ?? .null)
    }

    @Test("clusters are apart, and only the token's holder gets in")
    func clusters() async throws {
        try await withFleet(["one", "two"]) { fleet, client in
            let path = "\(TestCluster.shared)?fieldManager=test"
            let object = TestCluster.configMap(["a": "1"])
            let created = try await Self.send(client, Self.request(fleet, "one", .PATCH, path, object))
            #expect(created.status == 201)
            #expect(try await Self.send(client, Self.request(fleet, "one", .GET, TestCluster.shared)).status == 200)
            #expect(try await Self.send(client, Self.request(fleet, "two", .GET, TestCluster.shared)).status == 404)
            let wrong = try await Self.send(
                client, Self.request(fleet, "one", .GET, TestCluster.shared, token: "wrong"))
            #expect(wrong.status == 401)
            var anonymous = HTTPClientRequest(url: try await fleet.server(of: "one") + "/api/v1/namespaces")
            anonymous.method = .GET
            let refused = try await Self.send(client, anonymous)
            #expect(refused.status == 403)
            #expect(
                refused.body["message"]
                    == "namespaces is forbidden: User \"system:anonymous\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope"
            )
            let config = try await fleet.kubeconfig(for: "two")
            #expect(config.contains(try await fleet.server(of: "two")))
        }
    }

    @Test("a watch follows a deployment to availability and ends with its client")
    func watch() async throws {
        try await withFleet(["one"]) { fleet, client in
            let path = TestCluster.web + "?fieldManager=test"
            _ = try await Self.send(client, Self.request(fleet, "one", .PATCH, path, TestCluster.deployment()))
            let watch = try await Self.request(
                fleet, "one", .GET, TestCluster.deployments + "?watch=true&timeoutSeconds=30")
            do {
                let response = try await client.execute(watch, timeout: .seconds(20))
                var text = ""
                var isAvailable = false
                reading: for try await chunk in response.body {
                    text += String(buffer: chunk)
                    while let newline = text.firstIndex(of: "\n") {
                        let event = try JSONValue(parsing: String(text[..<newline]))
                        text.removeSubrange(...newline)
                        if event.at("object", "status", "availableReplicas") == 2 {
                            isAvailable = true
                            break reading
                        }
                    }
                }
                #expect(isAvailable)
            }
            try await eventually { try await fleet.openWatches(in: "one") == 0 }
        }
    }

    @Test("outages and errors come and go by order")
    func faults() async throws {
        try await withFleet(["one"]) { fleet, client in
            let get = try await Self.request(fleet, "one", .GET, "/version")
            try await fleet.setFaults(FaultPlan(errors: .init(rate: 1, status: 429)), in: "one")
            let busy = try await client.execute(get, timeout: .seconds(5))
            #expect(busy.status == .tooManyRequests)
            #expect(busy.headers.first(name: "Retry-After") == "1")
            _ = try await busy.body.collect(upTo: 1 << 16)
            for outage in FaultPlan.Outage.allCases {
                try await fleet.setFaults(FaultPlan(outage: outage), in: "one")
                try await eventually {
                    do {
                        _ = try await client.execute(get, timeout: .milliseconds(300))
                        return false
                    } catch {
                        return true
                    }
                }
                try await fleet.setFaults(.none, in: "one")
                try await eventually {
                    (try? await client.execute(get, timeout: .milliseconds(500)).status) == .ok
                }
            }
        }
    }

    @Test("names that no file or URL could carry are refused")
    func names() {
        #expect(throws: SimulatorError.self) { try SimulatedFleet(clusters: [.init(name: "../x")]) }
        #expect(throws: SimulatorError.self) { try SimulatedFleet(clusters: [.init(name: "a"), .init(name: "a")]) }
    }

    /// Asks until the answer is yes, ten seconds at most.
    private func eventually(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if try await condition() { return }
            await Task.yield()
        }
        Issue.record("the condition did not come to hold within ten seconds")
    }
}
