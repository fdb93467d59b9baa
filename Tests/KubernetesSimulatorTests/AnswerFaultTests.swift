internal import AsyncHTTPClient
internal import KubernetesObjects
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Answers given in the API server's place", .timeLimit(.minutes(1)))
struct AnswerFaultTests {
    private typealias Answer = FaultPlan.Answer

    private static func request(_ method: String, _ path: String, dryRun: Bool = false) -> APIRequest {
        APIRequest(
            method: method, path: path.split(separator: "/").map(String.init), query: dryRun ? ["dryRun": "All"] : [:])
    }

    @Test("requests are chosen by method, path, object and dry run")
    func choice() {
        let shared = TestCluster.shared
        let rows: [(Answer.Requests, APIRequest, Bool)] = [
            (.init(), Self.request("GET", "/version"), true),
            (.init(method: "PATCH"), Self.request("PATCH", shared), true),
            (.init(method: "PATCH"), Self.request("GET", shared), false),
            (.init(path: shared), Self.request("GET", shared), true),
            (.init(path: shared), Self.request("GET", shared + "x"), false),
            (.init(path: "/api/v1/namespaces/*"), Self.request("GET", shared), true),
            (.init(path: "/apis/*"), Self.request("GET", shared), false),
            (.init(name: "shared"), Self.request("GET", shared), true),
            (.init(name: "web"), Self.request("PATCH", TestCluster.web + "/scale"), true),
            (.init(name: "default"), Self.request("GET", shared), false),
            (.init(name: "default"), Self.request("GET", "/api/v1/namespaces/default"), true),
            (.init(name: "default"), Self.request("PUT", "/api/v1/namespaces/default/finalize"), true),
            (.init(name: "configmaps"), Self.request("GET", "/api/v1/namespaces/default/configmaps"), false),
            (.init(name: "a"), Self.request("GET", "/apis/example.com/v1/widgets/a"), true),
            (.init(name: "a", dryRuns: .only), Self.request("PATCH", "/apis/example.com/v1/widgets/a"), false),
            (.init(dryRuns: .only), Self.request("PATCH", shared, dryRun: true), true),
            (.init(dryRuns: .excluded), Self.request("PATCH", shared, dryRun: true), false),
            (.init(dryRuns: .excluded), Self.request("PATCH", shared), true),
        ]
        for (requests, request, isMeant) in rows {
            #expect(requests.include(request) == isMeant, "\(requests) \(request.method) \(request.pathText)")
        }
    }

    @Test("an answer is given as often as ordered, the latest order first")
    func counting() {
        var plan = FaultPlan()
        let all = Answer(to: .init(method: "GET"), status: 500)
        let some = Answer(to: .init(path: "/version"), status: 418, body: "teapot", times: 2)
        for answer in [all, some] { plan = FaultOrder(change: .answer(answer)).changing(plan) }
        let get = Self.request("GET", "/version")
        #expect((0..<4).map { _ in plan.takeAnswer(to: get)?.status } == [418, 418, 500, 500])
        #expect(plan.answers == [all])
        // Another order for the same requests takes the place of the first.
        plan = FaultOrder(change: .answer(Answer(to: all.requests, status: 404))).changing(plan)
        #expect(plan.answers.map(\.status) == [404])
        #expect(FaultOrder(change: .answer(nil)).changing(plan) == .none)
    }

    @Test("orders survive being written and read, and bad ones are refused in words")
    func orders() throws {
        let requests = Answer.Requests(method: "PATCH", path: "/api/v1/*", name: "a", dryRuns: .excluded)
        let whole = Answer(to: requests, status: 429, headers: ["Retry-After": "3"], body: "{\"é\":1}\n", times: 7)
        for change in [FaultOrder.Change.answer(whole), .answer(Answer(to: .init(), status: 200)), .answer(nil)] {
            let order = FaultOrder(clusters: ["a"], change: change)
            #expect(try FaultOrder(json: order.json) == order)
        }
        let refused: [(JSONValue, String)] = [
            ([:], "a status from 200 to 599"), (["status": 99], "a status from 200 to 599"),
            (["status": 600], "a status from 200 to 599"), (["status": "500"], "a status from 200 to 599"),
            (["status": 500, "method": "patch"], "capitals"), (["status": 500, "method": ""], "leave it out"),
            (["status": 500, "path": "api"], "begins with /"), (["status": 500, "path": "/a?b"], "no query"),
            (["status": 500, "name": 1], "name is text"), (["status": 500, "dryRuns": "never"], "included, only"),
            (["status": 500, "times": 0], "1 to 1000000 times"), (["status": 500, "times": "2"], "1 to 1000000 times"),
            (["status": 500, "body": 7], "body is text"), (["status": 204, "body": "x"], "has no body"),
            (["status": 500, "body": .string(String(repeating: "x", count: Answer.bodyLimit + 1))], "at most 65536"),
            (["status": 500, "headers": ["a b": "c"]], "cannot have the header \"a b\""),
            (["status": 500, "headers": ["Content-Length": "1"]], "cannot have the header"),
            (["status": 500, "headers": ["X": "a\r\nY: b"]], "printable ASCII"),
            (["status": 500, "headers": ["X": 1]], "printable ASCII"), (["status": 500, "headers": []], "an object"),
        ]
        for (json, words) in refused {
            do throws(SimulatorError) {
                _ = try FaultOrder(json: ["change": "answer", "answer": json])
                Issue.record("\(json) was taken")
            } catch {
                #expect(error.message.contains(words), "\(error.message)")
            }
        }
    }

    @Test("clients get the answer with its headers until it is used up, and nothing is written meanwhile")
    func served() async throws {
        let fleet = try SimulatedFleet(clusters: [.init(name: "one"), .init(name: "two")], pace: .quick)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(fleet.certificateAuthorityPEM.utf8)))
        try await HTTPClient.withHTTPClient(configuration: .init(tlsConfiguration: tls)) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fleet.run() }
                try await fleet.ready()
                @Sendable func apply(_ query: String, in cluster: String = "one") async throws
                    -> (status: UInt, headers: HTTPHeaders, body: String)
                {
                    let server = try await fleet.server(of: cluster)
                    var request = HTTPClientRequest(url: "\(server)\(TestCluster.shared)?fieldManager=t\(query)")
                    request.method = .PATCH
                    request.headers.add(name: "Authorization", value: "Bearer \(fleet.token)")
                    request.headers.add(name: "Content-Type", value: "application/apply-patch+yaml")
                    request.body = .bytes(ByteBuffer(bytes: TestCluster.configMap(["a": "1"]).serializedBytes()))
                    let response = try await client.execute(request, timeout: .seconds(10))
                    let body = try await response.body.collect(upTo: 1 << 20)
                    return (response.status.code, response.headers, String(buffer: body))
                }
                let answer = Answer(
                    to: .init(method: "PATCH", name: "shared", dryRuns: .excluded), status: 429,
                    reason: "TooManyRequests", message: "later", headers: ["Retry-After": "3"], times: 1)
                let shown = try await fleet.apply(FaultOrder(clusters: ["one"], change: .answer(answer)))
                #expect(shown["one"]?["answers"]?.arrayValue?.first?["times"] == 1)
                #expect(try await apply("&dryRun=All").status == 201, "dry runs are not meant")
                let refused = try await apply("")
                #expect(refused.status == 429)
                #expect(refused.headers.first(name: "Retry-After") == "3")
                #expect(refused.headers.first(name: "Content-Type") == "application/json")
                let status = try JSONValue(parsing: Array(refused.body.utf8))
                #expect(status["reason"] == "TooManyRequests" && status["message"] == "later" && status["code"] == 429)
                let names = try await fleet.objects("configmaps", namespace: "default", in: "one").compactMap {
                    $0.at("metadata", "name")?.stringValue
                }
                #expect(!names.contains("shared"))
                #expect(try await apply("", in: "two").status == 201, "another cluster is not meant")
                #expect(try await apply("").status == 201, "it was ordered once")
                let plain = Answer(to: .init(method: "PATCH"), status: 502, body: "<html>bad gateway</html>")
                try await fleet.apply(FaultOrder(change: .answer(plain)))
                let gateway = try await apply("")
                #expect(gateway.status == 502 && gateway.body == "<html>bad gateway</html>")
                #expect(gateway.headers.first(name: "Content-Type") == "text/plain; charset=utf-8")
                for number in 1..<Answer.limit {
                    let other = Answer(to: .init(name: "n\(number)"), status: 500)
                    try await fleet.apply(FaultOrder(clusters: ["one"], change: .answer(other)))
                }
                await #expect(throws: SimulatorError.self) {
                    try await fleet.apply(
                        FaultOrder(clusters: ["one"], change: .answer(Answer(to: .init(), status: 500))))
                }
                group.cancelAll()
            }
        }
    }
}
