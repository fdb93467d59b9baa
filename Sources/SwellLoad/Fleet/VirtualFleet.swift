package import Logging
package import SwellAgent

/// Whom a load comes to that only holds its connections.
package enum BareServer: Sendable {
    /// A ``TLSAcceptLoop``.
    case acceptLoop
    /// A web server that is asked for the page at this path.
    case web(path: String)
}

/// Any number of agents in one process, as many as the fleet file has.
package actor VirtualFleet {
    private let agents: [VirtualAgent]
    private let ledger: LoadLedger
    /// Agents 0 ..< running have been started.
    private var running = 0

    /// - Parameter isOneAddress: whether all dial from one address, as from behind a NAT; otherwise each of some thousands of loopback
    ///   addresses has a few.
    /// - Parameter bare: whom they only come to, to hold their connection; nil where they are agents.
    package init(
        _ file: FleetFile, coordinator: Endpoint, script: LoadScript = LoadScript(),
        content: WiredAgent.Content = .assumed, isOneAddress: Bool = false, bare: BareServer? = nil, ledger: LoadLedger,
        logger: Logger
    ) {
        let common = VirtualAgent.Common(
            coordinator: coordinator, bare: bare, content: content, ledger: ledger, logger: logger)
        self.ledger = ledger
        self.agents = file.members.enumerated().map { index, member in
            VirtualAgent(
                member, source: isOneAddress ? nil : Self.source(of: index), script: script, common)
        }
    }

    /// 127.1.0.1 and on: each address has its own ports, so that many may come back within the minute that a port rests.
    static func source(of index: Int) -> String {
        let place = index % 62_500
        return "127.1.\(place / 250).\(place % 250 + 1)"
    }

    /// Carries an order out, and answers when it is done. Waiting orders hold up no others.
    package func carryOut(_ request: LoadRequest) async -> LoadAnswer {
        var at: UInt64?
        var problem: String?
        do {
            switch request.order {
            case .join(let count, let pace): try await join(count, perSecond: pace)
            case .leave(let count): try await leave(count)
            case .report(let count):
                guard count <= running else { throw tooMany(count, "report", running) }
                for agent in agents[..<count] { agent.cluster.speak() }
            case .fetch(let count):
                guard count <= running else { throw tooMany(count, "fetch", running) }
                for agent in agents[..<count] { agent.fetchPage() }
            case .follow(let script): for agent in agents { agent.cluster.follow(script) }
            case .awaitConnected(let least, let most):
                at = await ledger.wait { $0.connected >= least ?? 0 && $0.connected <= most ?? .max }
            case .awaitHealthy(let least): at = await ledger.wait { $0.healthy >= least }
            case .awaitPages(let least): at = await ledger.wait { $0.fetched >= least }
            case .count: break
            }
        } catch {
            problem = "\(error)"
        }
        ledger.flush()
        return LoadAnswer(
            id: request.id, at: at ?? MonotonicTime.now(), counts: ledger.counts, error: problem)
    }

    /// Ends all that run.
    package func stop() async {
        try? await leave(running)
        ledger.flush()
    }

    private func join(_ count: Int, perSecond pace: Int?) async throws {
        guard count >= 0, running + count <= agents.count else { throw tooMany(count, "join", agents.count - running) }
        let clock = ContinuousClock()
        let start = clock.now
        let first = running
        running += count
        for index in 0..<count {
            if let pace, pace > 0 {
                let due = start + .seconds(1) * (Double(index) / Double(pace))
                if due > clock.now { try await clock.sleep(until: due) }
            }
            try agents[first + index].start()
        }
    }

    private func leave(_ count: Int) async throws {
        guard count >= 0, count <= running else { throw tooMany(count, "leave", running) }
        running -= count
        let leaving = agents[running..<(running + count)]
        await withDiscardingTaskGroup { group in
            for agent in leaving { group.addTask { await agent.stop() } }
        }
    }

    private func tooMany(_ count: Int, _ verb: String, _ limit: Int) -> LoadError {
        LoadError(.invalid, "\(count) agents cannot \(verb): there are \(limit) that could")
    }
}
