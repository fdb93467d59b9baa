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
}
