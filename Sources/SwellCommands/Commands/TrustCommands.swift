internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

struct TokenCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "List join tokens and take them back.",
        discussion: "Tokens are made with 'swell cluster token'.", subcommands: [TokenList.self, TokenRevoke.self])
}

struct TokenList: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List join tokens: whose, how long they are good for, whether they were spent.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let value = try await session.client.get("/v1/tokens")
        if let text = value.text(as: output.output) { return session.terminal.data(text + "\n") }
        let now = Timestamp.onThisMachine
        var table = Table("ID", "CLUSTER", "STATE", "GOOD FOR", "CREATED BY", "CREATED")
        for token in try value.decoded(as: ListView<ListedTokenView>.self).items {
            table.add(
                token.id, token.cluster.rawValue, token.state,
                token.state == "open" ? Ages.text(token.expiresAt - now) : "-", token.createdBy,
                "\(Ages.since(token.createdAt, now: now)) ago")
        }
        for line in table.lines { session.terminal.line(line) }
    }
}

struct TokenRevoke: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take back a join token that nobody has spent.",
        discussion: "One that was spent is worth nothing any more; 'swell cluster revoke' ends what it was spent for.")

    @Argument(help: "The token's id, as 'swell token list' shows it.")
    var id: String
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        try await session.client.delete("/v1/tokens/\(segment(id))")
        session.terminal.line("token/\(id) revoked")
    }
}

struct ClusterCertificates: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificates", abstract: "List the certificates of a cluster's agent, the newest first.",
        discussion: """
            STATE is 'valid'; 'unused' where nobody has come with it yet; 'replaced' where a later one is in use, so that whoever
            comes with it holds a copy; 'revoked'; or 'expired'. A week after they expired, they are forgotten.
            """)

    @Argument(help: "The cluster.")
    var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let value = try await session.client.get("/v1/clusters/\(segment(name))/certificates")
        if let text = value.text(as: output.output) { return session.terminal.data(text + "\n") }
        let now = Timestamp.onThisMachine
        var table = Table("NUMBER", "SERIAL", "STATE", "ISSUED", "GOOD FOR", "ASKED FOR WITH")
        for item in try value.decoded(as: ListView<CertificateView>.self).items {
            let isGood = item.state == "valid" || item.state == "unused"
            table.add(
                "\(item.number)", item.serial, item.state, "\(Ages.since(item.issuedAt, now: now)) ago",
                isGood ? item.expiresAt.map { Ages.text($0 - now) } ?? "-" : "-", item.former ?? "a token")
        }
        for line in table.lines { session.terminal.line(line) }
        // Of a cluster that has left the fleet there is no more than its certificates.
        let view = try? await session.client.get("/v1/clusters/\(segment(name))", as: ClusterView.self)
        if let end = view?.status.readmittedUntil {
            session.terminal.note(DescribeCommand.door(of: name, until: end, now: now))
        }
    }
}

struct ClusterRevoke: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End the certificates of a cluster's agent, and its tokens that nobody spent.",
        discussion: """
            Its connections are closed within a second, at every replica. With --serial only that certificate ends, and what was
            renewed with it. The agent comes back with a token that 'swell cluster token' makes; what runs there goes on running.
            """)

    @Argument(help: "The cluster.")
    var name: String
    @Option(help: "Only this certificate, as 'swell cluster certificates' shows it, and what was renewed with it.")
    var serial: String?
    @OptionGroup var reason: ReasonOption
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let ended = try await session.client.post(
            "/v1/clusters/\(segment(name))/revoke", RevokeRequest(serial: serial, reason: reason.reason)
        ).decoded(as: RevocationView.self)
        for serial in ended.certificates { session.terminal.line("certificate \(serial) revoked") }
        if ended.tokens > 0 {
            session.terminal.line("\(ended.tokens) join token\(ended.tokens == 1 ? "" : "s") revoked")
        }
        if ended.certificates.isEmpty, ended.tokens == 0 { session.terminal.note("nothing that counted was left") }
    }
}

struct ClusterReadmit: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "readmit",
        abstract: "After the database was restored, take in one certificate that it does not know.",
        discussion: """
            A restored database does not know certificates that were issued after the backup, so their agents are refused until they
            join with a new token. Where that is too much by hand, this opens the door for one certificate of each cluster named, for
            an hour or --within; the first that comes with one that the authority signed is taken in. What was
            revoked since the backup stays out, as replicas remember it in their state directories; where none of these is left, as after
            pods were replaced, revoke it again first. A cluster whose key may have been stolen joins with a token instead.
            Which doors stand open say 'swell get clusters', 'swell describe cluster NAME' and 'swell doctor'; --close shuts them.
            """)

    @Argument(help: "The clusters.")
    var names: [String] = []
    @Flag(help: "Every cluster of the fleet.")
    var all = false
    @Flag(help: "Close the doors that stand open instead.")
    var close = false
    @Option(help: ArgumentHelp("How long, such as 30m; an hour by default, a day at most.", valueName: "time"))
    var within: String?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard all != !names.isEmpty else {
            throw ValidationError(all ? "Name clusters or say --all, not both." : "Name clusters, or say --all.")
        }
        if close, within != nil {
            throw ValidationError("--within says how long a door is open, and --close shuts it.")
        }
        if let within, Interval(within) == nil {
            throw ValidationError(
                "--within: '\(within)' is no length of time; write numbers with units d, h, m or s, such as 30m or 1h30m"
            )
        }
    }

    func run(_ session: Session) async throws {
        let request = ReadmitRequest(
            clusters: all ? nil : try Arguments.names(names, "the cluster"), all: all ? true : nil,
            within: within.flatMap { Interval($0) }, close: close ? true : nil)
        let answer = try await session.client.post("/v1/readmission", request).decoded(as: ReadmissionView.self)
        let count = answer.clusters.count
        guard let end = answer.until else {
            if count == 0 { return session.terminal.note("no door stood open") }
            return session.terminal.line(
                "the door\(count == 1 ? "" : "s") of \(count) cluster\(count == 1 ? "" : "s") closed")
        }
        session.terminal.line(
            "one unknown certificate each of \(count) cluster\(count == 1 ? "" : "s") is taken in until \(end)")
        for name in answer.revoked ?? [] {
            session.terminal.note(
                "warning: what cluster '\(name)' had was revoked, and is not taken in: 'swell cluster token \(name)' makes a "
                    + "token that lets its agent in again")
        }
    }
}
