internal import ArgumentParser
internal import Testing

@testable internal import SwellCommands

@Suite struct ConnectionTests {
    private func resolve(_ arguments: [String], _ environment: [String: String]) throws -> Connection {
        try Connection.resolve(ConnectionOptions.parse(arguments), environment: environment)
    }

    @Test func flagsWinOverTheEnvironment() throws {
        let environment = ["SWELL_SERVER": "https://a:1/", "SWELL_TOKEN": "secret-token", "SWELL_CA_FILE": "/ca"]
        let plain = try resolve([], environment)
        #expect(plain.server.description == "https://a:1" && plain.token == "secret-token" && plain.caFile == "/ca")
        #expect(!"\(plain)".contains("secret"))
        #expect(try resolve(["--server", "https://b:2"], environment).server.description == "https://b:2")
    }

    @Test func refusesToSendATokenInTheClear() {
        for server in ["http://example.com", "example.com:7080", "ftp://a"] {
            #expect(throws: CommandError.self) { try resolve(["--server", server], ["SWELL_TOKEN": "t"]) }
        }
    }

    @Test func saysWhatIsMissing() {
        let server = #expect(throws: CommandError.self) { try resolve([], [:]) }
        #expect(server?.code == .usage && server?.message.contains("SWELL_SERVER") == true)
        let token = #expect(throws: CommandError.self) { try resolve(["--server", "https://a"], [:]) }
        #expect(token?.message.contains("SWELL_TOKEN_FILE") == true)
        let file = #expect(throws: CommandError.self) {
            try resolve(["--server", "https://a", "--token-file", "/nonexistent/token"], [:])
        }
        #expect(file?.code == .connection)
    }

    private static let mistakes: [([String], Int32)] = [
        (["frobnicate"], 2), (["rollout", "start", "shop"], 2), (["get", "unicorns"], 2),
        (["rollout", "pause", "r", "--region", "a", "--cluster", "b"], 2), (["completion", "tcsh"], 2),
        (["events", "--limit", "0"], 2),
        (["get", "clusters", "--server", "https://127.0.0.1:1", "--token-file", "/nonexistent"], 4),
    ]

    @Test(arguments: mistakes)
    func exitCodes(arguments: [String], code: Int32) async {
        #expect(await SwellTool.run(arguments) == code)
    }

    @Test(arguments: ["/v1/tokens/", "/v1/clusters//revoke", "/v1/clusters/?a=b"])
    func anEmptyNameIsAMistakeOfUsage(path: String) {
        let error = #expect(throws: CommandError.self) { try OperatorClient.check(path) }
        #expect(error?.code == .usage && error?.message.contains("empty") == true)
    }

    @Test(arguments: ["/v1/tokens", "/v1/events?cluster=a//b/", "/v1/tokens/a"])
    func otherPathsAreTaken(path: String) throws { try OperatorClient.check(path) }

    @Test func segmentsAreEscaped() {
        #expect(segment("a/b c?") == "a%2Fb%20c%3F")
        #expect(segment("shop-1.2_3~") == "shop-1.2_3~")
    }
}
