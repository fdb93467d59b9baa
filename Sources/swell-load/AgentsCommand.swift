internal import ArgumentParser
internal import Foundation
internal import Logging
internal import SwellAgent
internal import SwellLoad
internal import SwellModel

/// Runs agents as it is told, line by line.
struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "Run the agents of a fleet file over the real wire, with clusters that are only played.",
        discussion: """
            Orders are read as JSON, one a line, and each is answered by a line:

              {"id": 1, "order": {"join": {"count": 1000, "perSecond": 500}}}
              {"id": 2, "order": {"awaitConnected": {"least": 1000}}}
              {"id": 3, "order": {"report": {"count": 1000}}}
              {"id": 4, "order": {"follow": {"script": {"apply": {"least": 100, "most": 300}, \
            "ready": {"least": 500, "most": 500}, "failing": 10}}}}
              {"id": 5, "order": {"leave": {"count": 1000}}}

            It ends, and all its agents with it, when there are no more orders.
            """)

    @Option(help: "Who the agents are, as scripts/benchmark makes it.")
    var fleetFile: String

    @Option(help: "The coordinator's fleet port, host:port.")
    var coordinator: String

    @Option(help: "Start so many at once, before any order.")
    var count: Int = 0

    @Flag(help: "Dial from one address, as from behind a NAT, instead of from many of 127.1.0.0/16.")
    var oneAddress = false

    @Flag(help: "Fetch what releases consist of, and throw it away, instead of taking it as being at hand.")
    var fetch = false

    @Flag(help: "Only come to a `baseline tls`, and hold the connection.")
    var bare = false

    @Option(
        help: "Only come to a web server, hold the connection, and ask for the page at this path by the order `fetch`.")
    var page: String?

    @Option(help: "A file for every mark: when, what, cluster, application, generation.")
    var marks: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String = "error"

    func validate() throws {
        _ = try endpoint()
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level: '\(logLevel)' is no level")
        }
        guard count >= 0 else { throw ValidationError("--count: \(count) is less than none") }
    }

    private func endpoint() throws -> Endpoint {
        do { return try Endpoint(coordinator) } catch { throw ValidationError("--coordinator: \(error)") }
    }

    func run() async throws {
        let file = try FleetFile.load(fleetFile)
        try DescriptorLimit.ensure(file.members.count)
        var logger = Logger(label: "swell.load") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: logLevel) ?? .error
        let ledger = try LoadLedger(marks: marks)
        let fleet = VirtualFleet(
            file, coordinator: try endpoint(),
            content: fetch ? .fetched { ledger.fetched($0.content.count) } : .assumed,
            isOneAddress: oneAddress, bare: page.map { .web(path: $0) } ?? (bare ? .acceptLoop : nil), ledger: ledger,
            logger: logger)
        let answers = AnswerWriter()
        if count > 0 { answers.write(await fleet.carryOut(LoadRequest(id: 0, order: .join(count: count)))) }
        await withDiscardingTaskGroup { group in
            for await line in Self.lines() {
                do {
                    let request = try JSONDecoder().decode(LoadRequest.self, from: Data(line.utf8))
                    group.addTask { answers.write(await fleet.carryOut(request)) }
                } catch {
                    FileHandle.standardError.write(Data("no order: '\(line.prefix(200))': \(error)\n".utf8))
                }
            }
            group.cancelAll()
        }
        await fleet.stop()
    }

    /// The lines of the standard input, read on a thread of their own: nothing else may wait for them.
    private static func lines() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        return stream
    }
}

/// Writes answers, a line each.
private struct AnswerWriter: Sendable {
    func write(_ answer: LoadAnswer) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard var data = try? encoder.encode(answer) else { return }
        data.append(UInt8(ascii: "\n"))
        // One write a line: answers of several orders must not be mixed.
        try? FileHandle.standardOutput.write(contentsOf: data)
    }
}
