internal import KubernetesObjects
internal import Testing

@testable internal import SwellConsole

@Suite struct AccessTests {
    @Test func letsOnlyOperatorsIn() async throws {
        try await ConsoleHarness.run { console in
            for token in [nil, "", "x", operatorToken + "x", String(operatorToken.dropLast())] {
                let answer = try await console.request(.get, "/v1/clusters", token: token)
                #expect(answer.status == 401 && answer.type == "application/problem+json")
                #expect(!answer.text.contains(operatorToken))
            }
            #expect(try await console.request(.get, "/v1/clusters").status == 200)
        }
    }

    @Test func answersProbesWithoutAToken() async throws {
        try await ConsoleHarness.run { console in
            for path in ["/healthz", "/readyz"] {
                let answer = try await console.request(.get, path, token: nil)
                #expect(answer.text == "ok\n")
            }
            let metrics = try await console.request(.get, "/metrics", token: nil)
            #expect(metrics.text == "swell_up 1\n")
        }
    }

    @Test func tellsWhatIsNotThere() async throws {
        try await ConsoleHarness.run { console in
            for path in [
                "/v1/nothing", "/v1/clusters/nope", "/v1/clusters/No_Name", "/v1/rollouts/nope", "/v1/policies/nope",
                "/v1/applications/nope/releases",
            ] {
                let answer = try await console.request(.get, path)
                #expect(answer.status == 404 && answer.type == "application/problem+json", "\(path): \(answer.text)")
            }
        }
    }

    @Test func boundsBodies() async throws {
        let configure: (inout ConsoleConfiguration) -> Void = { $0.maximumBodyBytes = 1 << 20 }
        try await ConsoleHarness.run(configure: configure) { console in
            let large = Array(repeating: UInt8(ascii: " "), count: (1 << 20) + 1)
            #expect(try await console.raw(.post, "/v1/apply", large).status == 413)
            let deep = Array(String(repeating: "[", count: 10_000).utf8)
            #expect(try await console.raw(.post, "/v1/apply", deep).status == 400)
            let misspelt = try await console.request(.post, "/v1/apply", ["file": []])
            #expect(misspelt.status == 400 && misspelt.text.contains("there is no field 'file'"))
            let twice = try await console.raw(.post, "/v1/apply", Array(#"{"files": [], "files": []}"#.utf8))
            #expect(twice.status == 400)
        }
    }

    @Test func refusesShortTokens() {
        #expect(throws: ConsoleError.self) { try OperatorDirectory(tokens: [("alice", "short")]) }
    }
}
