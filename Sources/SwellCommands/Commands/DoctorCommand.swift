internal import ArgumentParser
private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

/// `swell doctor`: looks at a live installation, and says what is wrong and what to do.
struct DoctorCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check a live installation, and say what is wrong and what to do.",
        discussion: """
            Looks at certificates and how long they are good for, clocks of coordinator, database and agents, ports, permissions of \
            the state folder, rights that agents lack, versions, and settings of the database. It changes nothing, shows no secret, \
            and says of a fleet of any size a few lines.

            Of agents that are away it names five, and five that never joined, and says why as far as the coordinator knows: not \
            heard of since when, a certificate that expired or was revoked, a refusal of the replica that answers, no open token.

            What it cannot see: networks other than this machine's, and what an agent that reaches nobody writes into its log; \
            with --agents and --enrolment it tries the addresses that agents dial.

            Ends with 0 where nothing is broken (warnings are not), 1 where something is, 4 where the server cannot be asked.
            """)

    @Option(help: ArgumentHelp("Where agents dial the coordinator, to be tried from here.", valueName: "host:port"))
    var agents: String?
    @Option(help: ArgumentHelp("Where agents come for a certificate, to be tried from here.", valueName: "host:port"))
    var enrolment: String?
    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output: OutputFormat = .table
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        for text in [agents, enrolment].compactMap({ $0 }) where HostAndPort(text) == nil {
            throw ValidationError("'\(text)' is no address; write host:port, such as swell.example.com:7443")
        }
    }

    func run(_ session: Session) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let installation: InstallationView
        do {
            installation = try await session.client.get("/v1/installation", as: InstallationView.self)
        } catch let error as CommandError {
            try show(Diagnosis([Self.unreachable(error, connection: session.client.connection)], of: nil), session)
            throw CommandError(code: error.code, message: "")
        }
        let took = Interval(milliseconds: Int64((clock.now - start) / .milliseconds(1)))
        let examination = Examination(
            installation: installation, here: .onThisMachine, roundTrip: took, version: SwellVersion.text)
        let server = session.client.connection.server
        let api = Finding.ok("api", "\(server) answered in \(took.milliseconds)ms")
        let findings = await [api] + ports(of: installation, server) + examination.findings
        let diagnosis = Diagnosis(findings, of: installation)
        try show(diagnosis, session)
        if diagnosis.standing == .broken { throw CommandError(code: .refused, message: "") }
    }

    /// The API itself could not be asked.
    static func unreachable(_ error: CommandError, connection: Connection) -> Finding {
        let advice: String
        switch error.code {
        case .notFound: advice = "the coordinator is of a version before `doctor`: bring it up to date"
        case .connection where error.message.contains("certificate"):
            advice = "give --ca-file the coordinator's ca.pem, and dial a name that is in its certificate"
        case .connection where error.isOfTheDatabase:
            advice =
                "the coordinator runs, and its database does not answer it: look at PostgreSQL, at the network between them, and at the coordinator's log"
        case .connection where error.message.contains("does not know the token"):
            advice = "give --token-file the operator-token of this coordinator's state folder"
        case .connection:
            advice =
                "see that the coordinator runs (its log says what it waits for), and that --server and the token are its own"
        default: advice = "look at the coordinator's log"
        }
        return .broken("api", "\(connection.server): \(error.message)", advice)
    }

    /// Whether the agents' ports accept connections: where agents dial them, if that was said, or else beside the API.
    private func ports(of installation: InstallationView, _ server: ServerAddress) async -> [Finding] {
        let host = server.host
        let tries: [(check: String, flag: String, given: String?, port: Int, wanted: AgentPortProbe)] = [
            ("port for agents", "--agents", agents, installation.coordinator.agentPort, .sessions),
            ("port for enrolment", "--enrolment", enrolment, installation.coordinator.enrolmentPort, .enrolment),
        ]
        var findings: [Finding] = []
        for (check, flag, given, port, wanted) in tries {
            let place = given.flatMap(HostAndPort.init) ?? HostAndPort(host: host, port: port)
            let problem = await PortProbe.problem(host: place.host, port: place.port)
            let address = "\(place.host):\(place.port)"
            switch (problem, given) {
            case (nil, nil): findings.append(.ok(check, "\(address) accepts connections"))
            case (nil, .some):
                let met = await AgentPortProbe.look(host: place.host, port: place.port)
                findings.append(Self.finding(check, address, met: met, wanted: wanted, port: port))
            case (let problem?, .some):
                findings.append(
                    .broken(
                        check, "\(address): \(problem)",
                        "see that a load balancer or firewall lets TCP through to the coordinator's \(port), and that the name leads there"
                    ))
            case (let problem?, nil):
                findings.append(
                    .warning(
                        check, "\(address): \(problem)",
                        "agents may have another way: give \(flag) HOST:PORT as they dial it"))
            }
        }
        return findings
    }

    /// What answers at an address that agents dial, held against what they want there.
    static func finding(
        _ check: String, _ address: String, met: AgentPortProbe?, wanted: AgentPortProbe, port: Int
    ) -> Finding {
        guard let met else {
            return .warning(
                check, "\(address) accepts connections, and does not say in time what it is",
                "see whether something in between holds connections up, and that it passes TCP through to the coordinator's \(port)"
            )
        }
        if met == wanted { return .ok(check, "\(address) \(met.words)") }
        return .broken(
            check, "\(address) \(met.words)",
            "have it lead to the coordinator's \(port), passing TCP through, so that TLS ends in the coordinator")
    }

    private func show(_ diagnosis: Diagnosis, _ session: Session) throws {
        if output == .json || output == .yaml || output == .name {
            let value = try JSONValue(parsing: Array(JSONEncoder().encode(diagnosis)))
            session.terminal.data((value.text(as: output == .name ? .json : output) ?? "") + "\n")
            return
        }
        for line in DoctorText(style: session.style).lines(of: diagnosis) { session.terminal.line(line) }
    }
}

/// A diagnosis as people read it.
struct DoctorText {
    let style: Style

    func lines(of diagnosis: Diagnosis) -> [String] {
        let width = diagnosis.findings.map(\.check.count).max() ?? 0
        var lines: [String] = []
        for finding in diagnosis.findings {
            let (mark, tone): (String, Style.Tone) =
                switch finding.standing {
                case .ok: ("✔", .good)
                case .warning: ("!", .busy)
                case .broken: ("✘", .bad)
                }
            let check = finding.check + String(repeating: " ", count: width - finding.check.count)
            lines.append(
                "\(style.paint(mark, tone)) \(style.paint(check, .strong))  \(style.paint(finding.message, nil))")
            if let advice = finding.advice {
                lines.append("  \(String(repeating: " ", count: width))  → \(style.paint(advice, nil))")
            }
        }
        return lines + ["", diagnosis.summary]
    }
}
