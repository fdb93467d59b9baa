internal import FoundationEssentials
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

@Suite struct ServerOutageTests {
    @Test(arguments: [
        (KubernetesError(code: .noAnswer, message: "m"), "APIServerUnreachable"),
        (KubernetesError(code: .timeout, message: "m"), "APIServerSilent"),
        (KubernetesError(code: .invalidAnswer, message: "m"), "APIServerUnintelligible"),
        (KubernetesError(code: .refused, message: "m", status: 401), "APIServerUnauthorized"),
        (KubernetesError(code: .refused, message: "m", status: 503), "APIServerUnavailable"),
        (KubernetesError(code: .refused, message: "m", status: 429), "APIServerUnavailable"),
        (KubernetesError(code: .refused, message: "m", status: 403), nil),
        (KubernetesError(code: .refused, message: "m", status: 422), nil),
        (KubernetesError(code: .unknownKind, message: "m"), nil),
    ])
    func saysWhatAFailureTellsOfTheServer(error: KubernetesError, reason: String?) {
        #expect(ServerOutage(error)?.reason == reason)
    }

    @Test func oneRetriedFailureIsNobodysNews() {
        var state = ReachState()
        let start = ContinuousClock.now
        func outage(_ seconds: Int64) -> String? {
            state.outage(lasting: .seconds(1), silence: .seconds(5), at: start + .seconds(seconds))?.reason
        }
        let first = state.began("GET /a", at: start)
        state.ended(first, .failure(KubernetesError(code: .noAnswer, message: "reset")), at: start)
        #expect(outage(0) == nil)
        #expect(outage(2) == "APIServerUnreachable")
        let second = state.began("GET /a", at: start + .seconds(2))
        state.ended(second, .success(()), at: start + .seconds(2))
        #expect(outage(3) == nil)
        // A refusal is an answer too.
        state.broke(KubernetesError(code: .noAnswer, message: "cut"), at: start + .seconds(3))
        #expect(outage(5) == "APIServerUnreachable")
        let third = state.began("GET /b", at: start + .seconds(5))
        state.ended(
            third, .failure(KubernetesError(code: .refused, message: "no", status: 422)), at: start + .seconds(6))
        #expect(outage(7) == nil)
    }

    @Test func aRequestThatNobodyAnswersIsSilenceUnlessAnotherIsAnswered() {
        var state = ReachState()
        let start = ContinuousClock.now
        func outage(_ seconds: Int64) -> ServerOutage? {
            state.outage(lasting: .seconds(1), silence: .seconds(5), at: start + .seconds(seconds))
        }
        let hanging = state.began("PATCH /x", at: start)
        #expect(outage(4) == nil)
        #expect(outage(6)?.message == "PATCH /x: no answer for 6 s")
        let other = state.began("GET /y", at: start + .seconds(7))
        state.ended(other, .success(()), at: start + .seconds(7))
        #expect(outage(9) == nil)
        state.ended(hanging, nil, at: start + .seconds(9))
        #expect(outage(30) == nil)
    }

    /// The kubeconfig that a client was started with says something else by and by: another address, another token.
    @Test(.timeLimit(.minutes(1)), arguments: ["server", "token", "authority"])
    func findsTheServerAgainWhenItsKubeconfigIsReplaced(what: String) async throws {
        try await SimulatedServer.run { server in
            let right = try await server.fleet.kubeconfig(for: "one")
            let path = FileManager.default.temporaryDirectory.path + "/kubeconfig-\(UInt64.random(in: 0...UInt64.max))"
            defer { try? FileManager.default.removeItem(atPath: path) }
            func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
            let lines = right.split(separator: "\n").map(String.init)
            func replacing(_ key: String, _ value: String) -> String {
                lines.map { line in
                    guard let start = line.firstRange(of: "\(key): ") else { return line }
                    return line[..<start.upperBound] + value
                }.joined(separator: "\n")
            }
            let other = try SimulatedFleet(clusters: [.init(name: "one")], pace: .quick)
            let wrong =
                switch what {
                case "server": replacing("server", "https://127.0.0.1:1")
                case "token": replacing("token", "stale")
                default:
                    replacing(
                        "certificate-authority-data", Data(other.certificateAuthorityPEM.utf8).base64EncodedString())
                }
            #expect(wrong != right)
            try write(wrong)
            var options = KubernetesAPI.Options()
            options.retry = RetryPolicy(maximumAttempts: 20, base: .milliseconds(100), ceiling: .milliseconds(200))
            let api = try KubernetesAPI(options: options) { try Kubeconfig(path: path).connection() }
            let error = await #expect(throws: KubernetesError.self) {
                try await api.exchange.once(.init(.GET, "/api/v1/namespaces"))
            }
            #expect(
                error.flatMap { ServerOutage($0)?.reason }
                    == (what == "token" ? "APIServerUnauthorized" : "APIServerUnreachable"))
            try write(right)
            _ = try await api.list(ObjectSelection(type: GroupVersionKind(version: "v1", kind: "Namespace")))
            await api.shutdown()
        }
    }
}
