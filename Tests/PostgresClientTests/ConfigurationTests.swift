internal import Testing

@testable internal import PostgresClient

@Suite("Connection strings")
struct ConfigurationTests {
    @Test func urlsAndKeywordsMeanTheSame() throws {
        let url = try PostgresConfiguration("postgres://swell@db.example:5433/fleet?sslmode=verify-full")
        let words = try PostgresConfiguration("user=swell host=db.example port=5433 dbname=fleet sslmode=verify-full")
        for keyword in ["user", "host", "port", "dbname", "sslmode"] {
            #expect(url[keyword: keyword] == words[keyword: keyword])
            #expect(url[keyword: keyword] != nil)
        }
        let limited = try PostgresConfiguration("postgres://h/d?connect_timeout=3")
        #expect(limited.connectTimeout == .seconds(3))
    }

    @Test func urlsOfOtherServersAreNamedAsSuch() throws {
        for text in ["mysql://u:s3cret@h/d", "https://h"] {
            let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(text) }
            #expect("\(error as Any)".contains("postgres://") && !"\(error as Any)".contains("s3cret"))
        }
        _ = try PostgresConfiguration("postgresql://h/d")
        _ = try PostgresConfiguration("host=h application_name='a://b'")
    }

    @Test func secretsAreMasked() throws {
        let configuration = try PostgresConfiguration("postgres://swell:s3cret@h/d?sslpassword=0ther")
        for text in [
            "\(configuration)", String(reflecting: configuration),
            String(describing: Mirror(reflecting: configuration).children.map(\.value)),
        ] {
            #expect(!text.contains("s3cret") && !text.contains("0ther"))
        }
        #expect("\(configuration)".contains("password=***"))
        #expect(configuration[keyword: "password"] == nil)
    }

    @Test func whatIsNotKnownToBePlainIsHidden() {
        let words = [
            "scram_client_key": "s3cret", "scram_server_key": "s3cret", "oauth_client_secret": "s3cret",
            "something_of_libpq_19": "s3cret", "host": "db.example",
        ]
        let configuration = PostgresConfiguration(keywords: words)
        #expect(!"\(configuration)".contains("s3cret") && "\(configuration)".contains("host=db.example"))
        for word in words.keys where word != "host" { #expect(configuration[keyword: word] == nil) }
        #expect(!configuration.holdsPassword && PostgresConfiguration(keywords: ["password": "x"]).holdsPassword)
    }

    @Test func anotherMachineIsVerifiedWhereverItsNameComesFrom() throws {
        func isLocal(_ text: String, _ defaults: [String: String] = [:]) throws -> Bool {
            try PostgresConfiguration(text).isLocal(defaults)
        }
        #expect(try isLocal("dbname=d") && isLocal("host=/run/pg") && isLocal("host=127.0.0.2") && isLocal("host=::1"))
        #expect(try isLocal("host=localhost", ["host": "db.example"]) && isLocal("dbname=d", ["host": "/run/pg"]))
        #expect(try !isLocal("dbname=d", ["host": "db.example"]))
        #expect(try !isLocal("dbname=d", ["host": "/run/pg", "hostaddr": "192.0.2.1"]))
        #expect(try !isLocal("service=fleet") && !isLocal("service=fleet", ["host": "/run/pg"]))
        #expect(try !isLocal("host=127.evil.example") && !isLocal("host=localhost,db.example"))
        #expect(PostgresConfiguration(keywords: ["service": "x"]).effectiveKeywords["sslmode"] == "verify-full")
    }

    @Test(arguments: [
        "postgres://u:s3cret%zz@h/d", "postgres://u:p@h/d?s3cret=1", "host=h s3cret", "connect_timeout=s3cret x",
    ])
    func mistakesAreNamedWithoutSecrets(_ text: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(text) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.description.contains("s3cret") == false)
    }
}

@Suite("Small values that decide")
struct SmallValueTests {
    @Test func millisecondsRoundDown() {
        #expect(PostgresTimestamp(microseconds: -1).milliseconds == -1)
        #expect(PostgresTimestamp(microseconds: -1000).milliseconds == -1)
        #expect(PostgresTimestamp(microseconds: -1001).milliseconds == -2)
        #expect(PostgresTimestamp(microseconds: 1999).milliseconds == 1)
    }

    @Test func errorsAreClassified() {
        func error(_ state: SQLState, _ message: String = "") -> PostgresError {
            var error = PostgresError(.server, message)
            error.sqlState = state
            return error
        }
        #expect(error("40001").isRetryable && error("40P01").isRetryable)
        #expect(!error("23505").isRetryable)
        #expect(error("0A000", "cached plan must not change result type").isRetryable)
        #expect(!error("0A000", "not supported").isRetryable)
        #expect(error("08006").isConnectionFailure && error("57P01").isConnectionFailure)
        #expect(!error("57014").isConnectionFailure)
        #expect(PostgresError(.connectionLost, "").isConnectionFailure)
        #expect(!PostgresError(.commitOutcomeUnknown, "").isConnectionFailure)
    }
}
