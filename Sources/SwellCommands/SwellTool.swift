public import ArgumentParser
private import FoundationEssentials
internal import SwellModel

/// `swell`: the operator's command line.
public struct SwellTool: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "swell",
        abstract: "Roll releases out over a fleet of Kubernetes clusters, region by region.",
        discussion: """
            The server and the token come from --server and --token-file, from SWELL_SERVER, SWELL_TOKEN_FILE (or SWELL_TOKEN)
            and SWELL_CA_FILE, or from a context of ~/.config/swell/config.yaml.

            EXIT CODES
              0  done; of a rollout that was watched: succeeded
              1  refused, bad input, the rollout that was watched did not succeed, or doctor found something broken
              2  wrong usage
              3  what was named is not there
              4  the server cannot be reached or trusted, or does not know the token
              5  of a diff, in which 1 means that something would change: not everything could be looked at
              6  the rollout that was watched was stopped by failures, and takes a person to go on
              7  the rollout that was watched waits for a person: an approval, or a pause to be lifted
              8  the rollout that was watched did not end within --timeout
            """,
        subcommands: [
            ApplyCommand.self, GetCommand.self, DescribeCommand.self, ReleaseCommand.self, PlanCommand.self,
            DiffCommand.self,
            RolloutCommands.self, ApproveCommand.self, UninstallCommand.self, RegionCommands.self, ClusterCommands.self,
            TokenCommands.self,
            EventsCommand.self, ExplainCommand.self,
            PermissionsCommand.self, DoctorCommand.self, CompletionCommand.self, VersionCommand.self,
        ])

    public init() {}

    /// Runs a command line, prints what it has to say, and gives the exit code.
    public static func run(_ arguments: [String]) async -> Int32 {
        let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
        do {
            if let problem = CommandWords.problem(in: arguments, root: CommandWords.Word(configuration)) {
                throw problem
            }
            // Said here: as a flag of the root's it would take `--version` away from the commands.
            var command = try parseAsRoot(arguments == ["--version"] ? ["version"] : arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let error as CommandError {
            if !error.message.isEmpty { terminal.note("error: \(error.message)") }
            if error.code == .usage { terminal.note("See 'swell --help'.") }
            return error.code.rawValue
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure, let problem = CommandWords.flagProblem(in: arguments, help: _dumpHelp()) {
                terminal.note("error: \(problem.message)")
                return problem.code.rawValue
            }
            let message = fullMessage(for: error)
            if code.isSuccess { terminal.line(message) } else { terminal.note(message) }
            // ArgumentParser's own code for wrong usage is sysexits' 64; shells and kubectl users expect 2.
            return code == .validationFailure ? CommandError.Code.usage.rawValue : code.rawValue
        }
    }
}

/// What a command works with.
struct Session {
    let client: OperatorClient
    let terminal: Terminal
    var style: Style { Style(hasColours: terminal.hasColours) }
}

/// A command that talks to the server.
protocol ServerCommand: AsyncParsableCommand {
    var connection: ConnectionOptions { get }
    func run(_ session: Session) async throws
}

extension ServerCommand {
    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let connection = try Connection.resolve(connection, environment: environment)
        let command = self
        try await OperatorClient.run(connection) { client in
            try await command.run(Session(client: client, terminal: Terminal(environment: environment)))
        }
    }
}
