internal import ArgumentParser
internal import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

private let now = Timestamp(milliseconds: 1_800_000_000_000)

/// An installation in good order, of a fleet of any size.
private func sound() -> InstallationView {
    InstallationView(
        coordinator: .init(
            version: "0.1.0", replica: "a", now: now, serverNames: ["swell.example.com", "*.internal.example.com"],
            certificateExpiresAt: now + .hours(20), authorityExpiresAt: now + .hours(9 * 365 * 24), agentPort: 7443,
            enrolmentPort: 7444, databaseConnections: 12,
            files: [.init(path: "/state", mode: "0700", expectedMode: "0700")]),
        database: .init(
            version: 150_004, now: now,
            settings: [
                "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on",
                "max_connections": "100", "superuser_reserved_connections": "3",
            ], connections: 30, isRemote: true, tls: "TLSv1.3", sslMode: "verify-full", isSuperuser: false,
            isInRecovery: false, migrations: 5, knownMigrations: 5),
        agents: .init(
            clusters: 10_000, connected: 10_000, neverJoined: .init(), away: .init(), versions: ["0.1.0": 10_000],
            expiring: .init(), forbidden: .init(), clocksKnown: 10_000, furthestClock: -2_000))
}

private func findings(
    here: Timestamp = now, _ change: (inout InstallationView) -> Void = { _ in }
) -> [Finding] {
    var installation = sound()
    change(&installation)
    return Examination(
        installation: installation, here: here, roundTrip: .milliseconds(40), version: "0.1.0"
    ).findings
}

private let many = InstallationView.Sample(count: 9_000, examples: (0..<9_000).map { ClusterName(unchecked: $0) })

extension ClusterName {
    fileprivate init(unchecked number: Int) {
        do { self = try ClusterName("cluster-\(number)") } catch { fatalError("\(error)") }
    }
}

@Suite struct DoctorTests {
    @Test func aSoundInstallationIsInOrder() {
        let findings = findings()
        #expect(findings.allSatisfy { $0.standing == .ok && $0.advice == nil }, "\(findings)")
        let diagnosis = Diagnosis(findings, of: sound())
        #expect(diagnosis.standing == .ok && diagnosis.summary.hasPrefix("0 broken, 0 warnings, "))
    }

    @Test func whoOwnsTheTablesIsSaid() {
        for (owns, words) in [(true, "could change the audit log"), (false, "owns none"), (nil, "")]
            as [(Bool?, String)]
        {
            let told = findings { $0.database.ownsTables = owns }.filter { $0.check == "database role" }
            #expect(told.count == (owns == nil ? 0 : 1) && told.allSatisfy { $0.message.contains(words) }, "\(told)")
        }
    }

    @Test func whatTheServerSaidIsNoCommand() throws {
        let advice = findings {
            $0.coordinator.files = [
                .init(path: "/state/$(reboot)'", mode: "0777", expectedMode: "0700", problem: "others may write to it"),
                .init(path: "/state/key", mode: "0777", expectedMode: "0600;reboot", problem: "others may read it"),
            ]
        }.compactMap(\.advice)
        let chmod = try #require(advice.first { $0.contains("chmod") })
        #expect(chmod == #"chmod 0700 '/state/$(reboot)'\'''"#)
    }

    @Test func momentsThatNoClockHasAreNoEnd() {
        let extremes = [Int64.min, .min + 1, -1, 0, .max]
        for (first, second) in extremes.flatMap({ first in extremes.map { (first, $0) } }) {
            let findings = findings {
                $0.coordinator.now = Timestamp(milliseconds: first)
                $0.database.now = Timestamp(milliseconds: second)
                $0.coordinator.certificateExpiresAt = Timestamp(milliseconds: second)
                $0.coordinator.authorityExpiresAt = Timestamp(milliseconds: second)
                $0.agents.furthestClock = first
            }
            #expect(!findings.isEmpty)
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var check: String
        var standing: Finding.Standing = .broken
        /// What the message or the advice has to say.
        var words: String
        var change: @Sendable (inout InstallationView) -> Void
    }

    static let faults: [Fault] = [
        Fault(testDescription: "a key is missing", check: "Secrets at rest", words: "3 documents under beef") {
            $0.secrets = .init(
                keys: ["cafe"], sealed: 5, unreadable: ["beef": 3], formerlySealed: 0, inClear: 0, unexamined: 0)
        },
        Fault(testDescription: "no key at all", check: "Secrets at rest", standing: .warning, words: "stored in clear")
        {
            $0.secrets = .init(keys: [], sealed: 0, unreadable: [:], formerlySealed: 0, inClear: 2, unexamined: 1)
        },
        Fault(testDescription: "keys change", check: "Secrets at rest", standing: .warning, words: "7 under former") {
            $0.secrets = .init(
                keys: ["cafe", "beef"], sealed: 9, unreadable: [:], formerlySealed: 7, inClear: 0, unexamined: 0)
        },
        Fault(testDescription: "expired", check: "server certificate", words: "expired at 2027") {
            $0.coordinator.certificateExpiresAt = now - .seconds(1)
        },
        Fault(testDescription: "not renewed", check: "server certificate", standing: .warning, words: "ends in 3h") {
            $0.coordinator.certificateExpiresAt = now + .hours(3)
        },
        Fault(
            testDescription: "retired authority", check: "retired authority", standing: .warning,
            words: "has sha256:77 still, which was retired"
        ) { $0.coordinator.retiredAuthorities = ["sha256:77"] },
        Fault(testDescription: "authority ends", check: "authority", standing: .warning, words: "ends in 30d") {
            $0.coordinator.authorityExpiresAt = now + .hours(30 * 24)
        },
        Fault(
            testDescription: "local names", check: "server names", standing: .warning,
            words: "no operator, CI or console"
        ) {
            $0.coordinator.serverNames = ["localhost", "127.0.0.1"]
        },
        Fault(testDescription: "database behind", check: "database clock", words: "10m ahead of the database's") {
            $0.database.now = now - .minutes(10)
        },
        Fault(testDescription: "database a bit off", check: "database clock", standing: .warning, words: "NTP") {
            $0.database.now = now + .seconds(8)
        },
        Fault(testDescription: "agents off", check: "agents' clocks", words: "9000 of 10000 are off") {
            $0.agents.clocksOff = many
            $0.agents.furthestClock = -540_000
        },
        Fault(testDescription: "an agent says any number", check: "agents' clocks", words: "will not renew") {
            $0.agents.furthestClock = .min
        },
        Fault(testDescription: "fsync", check: "durability", words: "fsync is off") {
            $0.database.settings["fsync"] = "off"
        },
        Fault(testDescription: "two off", check: "durability", words: "fsync = on, synchronous_commit = on") {
            $0.database.settings["fsync"] = "off"
            $0.database.settings["synchronous_commit"] = "off"
        },
        Fault(testDescription: "old", check: "database", words: "PostgreSQL 13.2 is too old") {
            $0.database.version = 130_002
        },
        Fault(testDescription: "standby", check: "database", words: "target_session_attrs") {
            $0.database.isInRecovery = true
        },
        Fault(
            testDescription: "open doors", check: "agents' doors", standing: .warning,
            words: "swell cluster readmit NAME --close"
        ) {
            $0.agents.readmitted = InstallationView.Sample(count: 1, examples: ["west-1"])
        },
        Fault(
            testDescription: "two with one certificate", check: "agents' copies",
            words: "take turns with one certificate: each gets the releases, Secrets included: west-1"
        ) {
            $0.agents.sharing = InstallationView.Sample(count: 1, examples: ["west-1"])
        },
        Fault(
            testDescription: "another cluster", check: "agents' clusters",
            words: "another cluster than their name's: west-1"
        ) {
            $0.agents.foreign = InstallationView.Sample(count: 1, examples: ["west-1"])
        },
        Fault(
            testDescription: "read-only", check: "database", words: "PGOPTIONS='-c default_transaction_read_only=off'"
        ) {
            $0.database.isReadOnly = true
        },
        Fault(testDescription: "newer schema", check: "database", standing: .warning, words: "refuse to start") {
            $0.database.migrations = 7
        },
        Fault(testDescription: "in clear", check: "database TLS", words: "in clear") { $0.database.tls = nil },
        Fault(testDescription: "unchecked", check: "database TLS", standing: .warning, words: "sslmode is require") {
            $0.database.sslMode = "require"
        },
        Fault(testDescription: "full", check: "database connections", words: "97 of 97 in use") {
            $0.database.connections = 97
        },
        Fault(testDescription: "nearly full", check: "database connections", standing: .warning, words: "no room") {
            $0.database.connections = 90
        },
        Fault(testDescription: "superuser", check: "database role", standing: .warning, words: "superuser") {
            $0.database.isSuperuser = true
        },
        Fault(testDescription: "vacuum", check: "autovacuum", standing: .warning, words: "off") {
            $0.database.settings["autovacuum"] = "off"
        },
        Fault(
            testDescription: "open key", check: "state folder", words: "chmod 0600 /state/authority/authority-key.pem"
        ) {
            $0.coordinator.files.append(
                .init(
                    path: "/state/authority/authority-key.pem", mode: "0644", expectedMode: "0600",
                    problem: "others may read it"))
        },
        Fault(testDescription: "lost file", check: "state folder", words: "backup") {
            $0.coordinator.files.append(.init(path: "/state/x", mode: nil, expectedMode: "0600", problem: "not there"))
        },
        Fault(testDescription: "away", check: "agents", standing: .warning, words: "9000 away: cluster-0") {
            $0.agents.away = many
        },
        Fault(testDescription: "all away", check: "agents", words: "0 of 10000 connected") {
            $0.agents.away = many
            $0.agents.connected = 0
        },
        Fault(testDescription: "never joined", check: "agents", standing: .warning, words: "swell cluster token") {
            $0.agents.neverJoined = many
        },
        Fault(testDescription: "no fleet", check: "agents", standing: .warning, words: "swell apply") {
            $0.agents.clusters = 0
        },
        Fault(
            testDescription: "newer agents", check: "agents' versions", standing: .warning,
            words: "coordinator up first"
        ) {
            $0.agents.versions = ["0.1.0": 9_000, "0.10.0": 1_000]
        },
        Fault(
            testDescription: "older agents", check: "agents' versions", standing: .warning, words: "bring the agents up"
        ) {
            $0.agents.versions = ["0.0.9": 1, "0.1.0": 9_999]
        },
        Fault(testDescription: "not renewed", check: "agents' certificates", words: "9000 connected agents") {
            $0.agents.expiring = many
        },
        Fault(testDescription: "forbidden", check: "agents' permissions", words: "swell rbac") {
            $0.agents.forbidden = many
        },
        Fault(testDescription: "other version", check: "versions", standing: .warning, words: "command line 0.1.0") {
            $0.coordinator.version = "0.2.0"
            $0.agents.versions = ["0.2.0": 10_000]
        },
    ]

    @Test(arguments: faults) func eachFaultIsFoundAloneWithWhatToDo(_ fault: Fault) throws {
        let all = findings(fault.change)
        let wrong = all.filter { $0.standing != .ok }
        #expect(wrong.map(\.check) == [fault.check], "\(wrong)")
        let finding = try #require(wrong.first)
        #expect(finding.standing == fault.standing)
        #expect(finding.advice?.isEmpty == false)
        #expect("\(finding.message) \(finding.advice ?? "")".contains(fault.words), "\(finding)")
        #expect(Diagnosis(all, of: nil).standing == fault.standing)
    }

    /// An agent asks whom the certificate speaks for, so by whatever it dials, the names are in order.
    @Test func namesThatOperatorsDialAreSaidToBeTheirs() throws {
        let names = try #require(
            findings { $0.coordinator.serverNames = ["localhost"] }.first { $0.check == "server names" })
        #expect(!names.message.contains("agent") && names.advice?.contains("agents need none") == true)
    }

    @Test func whatDoctorAdvisesWhereNobodyAnsweredIsAboutWhatWasSaid() throws {
        let connection = try Connection.resolve(
            ConnectionOptions.parse(["--server", "https://a:1"]), environment: ["SWELL_TOKEN": "t"])
        func advice(_ error: CommandError) -> String? {
            DoctorCommand.unreachable(error, connection: connection).advice
        }
        func advice(_ message: String) -> String? { advice(CommandError(code: .connection, message: message)) }
        let away = Problem(
            code: "unavailable", title: "The database is away", status: 503, detail: "no server; try again")
        #expect(advice(CommandError(away))?.contains("PostgreSQL") == true)
        #expect(advice("https://a:1 cannot be reached: nothing listens there")?.contains("runs") == true)
        #expect(advice("the server does not know the token")?.contains("operator-token") == true)
    }

    @Test func theClockHereIsAllowedTheTimeThatTheAnswerTook() {
        func clock(_ off: Interval) -> Finding.Standing? {
            findings(here: now + off).first { $0.check == "clock here" }?.standing
        }
        #expect(clock(.seconds(5)) == .ok && clock(.seconds(6)) == .warning && clock(.minutes(-5)) == .broken)
    }

    @Test func factsComeOverTheWireAsTheyAre() throws {
        let answer = try JSONDecoder().decode(InstallationView.self, from: JSONEncoder().encode(sound()))
        #expect(answer == sound())
    }

    /// Of ten thousand clusters in trouble there are as many lines as of one.
    @Test func whatIsSaidDoesNotGrowWithTheFleet() throws {
        let all = findings {
            $0.agents.away = many
            $0.agents.neverJoined = many
            $0.agents.expiring = many
            $0.agents.forbidden = many
            $0.agents.clocksOff = many
        }
        let diagnosis = Diagnosis(all, of: sound())
        let lines = DoctorText(style: Style(hasColours: false)).lines(of: diagnosis)
        #expect(lines.count < 40 && lines.allSatisfy { $0.count < 400 })
        #expect(lines.contains { $0.contains("cluster-4 and 8995 more") })
        #expect(lines.last == "2 broken, 2 warnings, 12 in order", "\(lines.last ?? "")")
        #expect(try JSONValue(parsing: Array(JSONEncoder().encode(diagnosis))).serializedBytes().count < 20_000)
    }

    @Test(
        arguments: [
            ("swell.example.com:7443", "swell.example.com", 7_443), ("[::1]:7", "::1", 7), ("a:0", nil, 0),
            ("a", nil, 0),
            (":1", nil, 0), ("a:65536", nil, 0),
        ] as [(String, String?, Int)])
    func addresses(text: String, host: String?, port: Int) {
        #expect(HostAndPort(text)?.host == host)
        if host != nil { #expect(HostAndPort(text)?.port == port) }
    }

    @Test func eachAgentThatIsAwaySaysWhy() throws {
        func name(_ text: String) throws -> ClusterName { try ClusterName(text) }
        func absence(
            _ cluster: String, seen: Timestamp? = now - .hours(3), _ change: (inout InstallationView.Absence) -> Void
        ) throws -> InstallationView.Absence {
            var absence = InstallationView.Absence(
                cluster: try name(cluster), lastSeenAt: seen, version: seen == nil ? nil : "0.1.0")
            change(&absence)
            return absence
        }
        let absences = [
            try absence("expired") { $0.certificateEndsAt = now - .hours(2) },
            try absence("revoked") { $0.revokedAt = now - .minutes(5) },
            try absence("silent") { $0.certificateEndsAt = now + .hours(9) },
            try absence("refused") {
                $0.refusal = "the agent speaks for another cluster"
                $0.refusedAt = now - .seconds(4)
            },
            try absence("renamed") {
                $0.refusal = "it is the cluster 'old': 'swell cluster remove old', and start this agent again"
            },
            try absence("untrusted") {
                $0.certificateEndsAt = now + .hours(9)
                $0.handshakeRefusal = "no trusted authority signed its certificate"
                $0.handshakeRefusedAt = now - .seconds(6)
            },
            try absence("impersonated") {
                $0.revokedAt = now - .minutes(5)
                $0.handshakeRefusal = "no trusted authority signed its certificate"
                $0.handshakeRefusedAt = now - .seconds(6)
            },
            try absence("tokenless", seen: nil) { _ in },
            try absence("awaited", seen: nil) { $0.tokenEndsAt = now + .minutes(40) },
        ]
        let found = findings {
            $0.agents.connected = 4_000
            $0.agents.away = InstallationView.Sample(count: 5_998, examples: [])
            $0.agents.absences = absences
        }
        func message(_ cluster: String) -> String {
            found.first { $0.check == "agent \(cluster)" }.map { "\($0.message) → \($0.advice ?? "")" } ?? "no line"
        }
        #expect(
            message("expired").contains("last heard of 3h0m ago, of version 0.1.0; its certificate expired 2h0m ago"))
        #expect(
            message("revoked").contains("revoked 5m ago") && message("revoked").contains("swell cluster token revoked"))
        #expect(message("silent").contains("its certificate is good, and nothing came"))
        #expect(message("refused").contains("refused 4s ago: the agent speaks for another cluster"))
        #expect(
            message("refused").hasSuffix("do as that says; swell cluster token refused, and start its agent with that"))
        #expect(message("renamed").hasSuffix("→ do as that says"), "a token would be spent for nothing")
        #expect(
            message("untrusted").contains("refused at the handshake 6s ago: no trusted authority")
                && message("untrusted").contains("--ca-hash"))
        // What nobody has proven hides nothing that was.
        #expect(
            message("impersonated").contains("its certificate was revoked 5m ago")
                && message("impersonated").contains("not proven") && !message("impersonated").contains("--ca-hash"))
        #expect(message("tokenless").contains("never joined, and no token for it is open"))
        #expect(message("awaited").contains("a token is good for 40m"))
        #expect(found.first { $0.check == "agents" }?.message.contains("5998 away") == true)
    }
}
