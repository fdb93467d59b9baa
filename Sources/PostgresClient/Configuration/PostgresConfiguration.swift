internal import CLibpq

/// Where a server is and how to connect to it. Passwords are masked in every description.
public struct PostgresConfiguration: Sendable {
    /// libpq's connection keywords and their values (PostgreSQL's manual, "Parameter Key Words").
    private(set) var keywords: [String: String]

    /// How the connection calls itself in `pg_stat_activity`.
    public var applicationName: String? {
        get { keywords["application_name"] }
        set { keywords["application_name"] = newValue }
    }
    /// How long opening a connection may take. Default 10 s.
    public var connectTimeout: Duration = .seconds(10)
    /// How long a statement may run: the server cancels it afterwards. `nil` sets no limit. Default 30 s.
    public var statementTimeout: Duration? = .seconds(30)
    /// How long a transaction may stay open without a statement before the server ends it. Default 60 s.
    public var idleInTransactionTimeout: Duration? = .seconds(60)
    /// How long the server may take to honour a cancelled statement before the connection is given up. Default 5 s.
    public var cancelGrace: Duration = .seconds(5)
    /// How long the server may take over the statements of one call before the connection is given up. A server that hangs, or a
    /// network that swallows everything, never says that a statement took too long. Above ``statementTimeout``; `nil` waits for
    /// ever. Default 40 s.
    public var answerTimeout: Duration? = .seconds(40)
    /// How many prepared statements a connection keeps; the least recently used goes. 0 prepares none. Default 256.
    public var preparedStatementLimit = 256
    /// The largest result that is accepted, in bytes of values. Default 256 MiB.
    public var maximumResultBytes = 256 << 20

    /// Reads a connection string: a URL `postgres://user@host:5432/database?sslmode=verify-full` or keywords
    /// `host=… dbname=…`. What it leaves out libpq looks up in the environment.
    ///
    /// A connection over TCP to another machine, or to one that is not known, uses `sslmode=verify-full` unless the string says otherwise.
    public init(_ connectionString: String) throws {
        // libpq takes what is no URL of its own for keywords, and says of that what leads nowhere.
        if let scheme = PostgresConfiguration.scheme(of: connectionString),
            scheme != "postgres", scheme != "postgresql"
        {
            throw PostgresError(
                .invalidConfiguration,
                "the connection string is a URL of \(scheme)://, and what is expected is postgres://USER@HOST:5432/DATABASE, or keywords as host=…"
            )
        }
        var problem: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &problem) else {
            let text = problem.map { String(cString: $0) } ?? "out of memory"
            if let problem { PQfreemem(problem) }
            throw PostgresError(
                .invalidConfiguration,
                "the connection string cannot be read: \(PostgresConfiguration.withoutQuotations(text))")
        }
        defer { PQconninfoFree(options) }
        var keywords: [String: String] = [:]
        var option = options
        while let name = option.pointee.keyword {
            if let value = option.pointee.val { keywords[String(cString: name)] = String(cString: value) }
            option += 1
        }
        if let seconds = keywords["connect_timeout"] {
            guard let seconds = Int(seconds) else {
                throw PostgresError(
                    .invalidConfiguration, "connect_timeout must be a whole number of seconds, not \"\(seconds)\"")
            }
            if seconds > 0 { connectTimeout = .seconds(seconds) }
        }
        self.keywords = keywords
    }

    /// What a URL begins with; nil for what is none.
    private static func scheme(of text: String) -> String? {
        guard let end = text.firstRange(of: "://")?.lowerBound else { return nil }
        let scheme = text[..<end]
        let isOne = scheme.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2B || byte == 0x2D || byte == 0x2E
        }
        return isOne && !scheme.isEmpty && scheme.utf8.count <= 32 ? String(scheme) : nil
    }

    /// Describes a server by libpq's connection keywords.
    public init(keywords: [String: String]) { self.keywords = keywords }

    /// The same server with some keywords changed; `nil` removes one.
    public func setting(_ changes: [String: String?]) -> PostgresConfiguration {
        var copy = self
        for (name, value) in changes { copy.keywords[name] = value }
        return copy
    }

    /// The value of one of libpq's connection keywords that tell nothing secret; nil for all others.
    public subscript(keyword keyword: String) -> String? {
        PostgresConfiguration.shown.contains(keyword) ? keywords[keyword] : nil
    }

    /// Whether it holds a password itself, rather than the name of a file that does.
    public var holdsPassword: Bool { keywords["password"] != nil || keywords["sslpassword"] != nil }

    /// What descriptions show. A list of what is shown, and not of what is hidden: the next libpq has secrets that this one has not.
    private static let shown: Set<String> = [
        "host", "hostaddr", "port", "dbname", "user", "application_name", "connect_timeout", "service", "passfile",
        "sslmode", "sslnegotiation", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslsni",
        "ssl_min_protocol_version", "ssl_max_protocol_version", "channel_binding", "require_auth", "gssencmode",
        "target_session_attrs", "load_balance_hosts", "keepalives", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "client_encoding",
    ]

    /// What libpq takes where a connection string says nothing: from `PGHOST` and the like, and from the service that `PGSERVICE` names.
    private static func defaults() -> [String: String] {
        guard let options = PQconndefaults() else { return [:] }
        defer { PQconninfoFree(options) }
        var result: [String: String] = [:]
        var option = options
        while let name = option.pointee.keyword {
            if let value = option.pointee.val { result[String(cString: name)] = String(cString: value) }
            option += 1
        }
        return result
    }

    /// libpq quotes the part of the string that it could not read, which may be a password.
    private static func withoutQuotations(_ text: String) -> String {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.enumerated().map { $0.offset.isMultiple(of: 2) ? String($0.element) : "\"…\"" }.joined()
            .split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension PostgresConfiguration {
    /// Whether the server is reached by a Unix socket or the loopback interface, where nobody listens in.
    public var isLocal: Bool { isLocal(PostgresConfiguration.defaults()) }

    /// The same.
    ///
    /// - Parameter defaults: what libpq takes where the string says nothing. A service that the string names may lead anywhere.
    func isLocal(_ defaults: [String: String]) -> Bool {
        let own = keywords["hostaddr"] ?? keywords["host"]
        if own == nil, keywords["service"] != nil { return false }
        guard let hosts = own ?? defaults["hostaddr"] ?? defaults["host"] else { return true }
        // An empty one is the default socket.
        return hosts.split(separator: ",").allSatisfy {
            $0.hasPrefix("/") || $0.hasPrefix("@") || $0 == "localhost" || $0 == "::1" || Self.isLoopback($0)
        }
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false)
        return bytes.count == 4 && bytes[0] == "127" && bytes.allSatisfy { UInt8($0) != nil && $0.count <= 3 }
    }

    /// How far the server is checked when a connection is made: libpq's `sslmode` as it is used, nil for libpq's own default.
    public var sslMode: String? { effectiveKeywords["sslmode"] }

    /// The keywords as they are given to libpq, with this module's defaults filled in.
    var effectiveKeywords: [String: String] {
        var result = keywords
        func setDefault(_ name: String, _ value: String) { if result[name] == nil { result[name] = value } }
        if !isLocal { setDefault("sslmode", "verify-full") }
        setDefault("application_name", "swift-postgres-client")
        setDefault("gssencmode", "disable")
        setDefault("keepalives_idle", "30")
        setDefault("keepalives_interval", "10")
        setDefault("keepalives_count", "3")
        setDefault("tcp_user_timeout", "30000")
        result["client_encoding"] = "UTF8"
        result["connect_timeout"] = nil
        var settings: [String] = []
        if let statementTimeout { settings.append("-c statement_timeout=\(statementTimeout.wholeMilliseconds)") }
        if let idle = idleInTransactionTimeout {
            settings.append("-c idle_in_transaction_session_timeout=\(idle.wholeMilliseconds)")
        }
        // What the connection string sets comes last and wins.
        if let own = result["options"] { settings.append(own) }
        if !settings.isEmpty { result["options"] = settings.joined(separator: " ") }
        return result
    }

    /// Where the server is, without anything secret: for messages.
    var target: String {
        let host = keywords["host"] ?? keywords["hostaddr"] ?? "the default host"
        let port = keywords["port"].map { ":" + $0 } ?? ""
        let database = keywords["dbname"].map { "/" + $0 } ?? ""
        return host + port + database
    }
}

extension Duration {
    /// Whole milliseconds, at least 1, so that a tiny limit does not become none.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        keywords.sorted { $0.key < $1.key }
            .map { "\($0.key)=\(PostgresConfiguration.shown.contains($0.key) ? $0.value : "***")" }
            .joined(separator: " ")
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}
