internal import ArgumentParser
internal import Testing

@testable internal import SwellProgram

@Suite struct ServiceProgramTests {
    private struct Program: ServiceProgram {
        static let configuration = CommandConfiguration(commandName: "program", subcommands: [Serve.self])
    }

    private struct Serve: AsyncParsableCommand {
        @Option var port: Int

        func validate() throws {
            guard port > 0 else { throw ValidationError("--port must be above 0") }
        }
    }

    private struct Failure: Error {}

    @Test(arguments: [["--bogus"], ["serve"], ["serve", "--port", "x"], ["serve", "--port", "0"], ["sreve"]])
    func mistakesInTheCommandLineAreToldWithItsUsage(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { try Program.parseAsRoot(arguments) }
        let told = try #require(Program.wrongUsage(error))
        #expect(told.contains("Usage: program"))
    }

    @Test func helpAndFailuresAreNoWrongUsage() throws {
        var help = try Program.parseAsRoot(["--help"])
        let shown = try #require(throws: (any Error).self) { try help.run() }
        #expect(Program.wrongUsage(shown) == nil)
        #expect(Program.wrongUsage(Failure()) == nil)
        #expect(Program.wrongUsage(ExitCode.failure) == nil)
    }

    @Test(arguments: [
        (["sreve", "--port", "1"], "'program' has no command 'sreve'; did you mean 'serve'?"),
        (["x"], "'program' has no command 'x'; it is one of serve"),
        (["serve", "--prot", "1"], "'program serve' has no flag '--prot'; did you mean '--port'?"),
        (["serve", "--prot=1"], "'program serve' has no flag '--prot'; did you mean '--port'?"),
    ])
    func whatNobodyKnowsIsNamedWithTheNearest(arguments: [String], said: String) throws {
        let error = try #require(throws: (any Error).self) { try Program.parseAsRoot(arguments) }
        let told = try #require(Program.wrongUsage(error, arguments: arguments))
        #expect(told.hasPrefix("Error: \(said)\nUsage: program"), "\(told)")
    }

    @Test(arguments: [["serve", "--port", "0"], ["serve"]])
    func whatIsKnownIsNotTakenForMisspelt(arguments: [String]) throws {
        let error = try #require(throws: (any Error).self) { try Program.parseAsRoot(arguments) }
        #expect(Program.wrongUsage(error, arguments: arguments) == Program.fullMessage(for: error))
    }
}
