internal import Foundation
internal import KubernetesObjects
internal import NetworkTesting
internal import PostgresClient
internal import PostgresTesting
internal import Testing

/// `swell doctor` on an installation that is sound, and that breaks piece by piece.
@Suite(.serialized) struct DoctorScenarios {
    private static let durable = [
        "fsync": "on", "full_page_writes": "on", "wal_level": "replica", "max_wal_senders": "2",
    ]

    /// How each check stands.
    private func standings(_ call: CallResult) throws -> [String: String] {
        let findings = try call.json()["findings"]?.arrayValue ?? []
        return Dictionary(
            findings.map { ($0["check"]?.stringValue ?? "", $0["standing"]?.stringValue ?? "") },
            uniquingKeysWith: { first, _ in first })
    }

    private func runWeb(_ fleet: Fleet) async throws {
        try await fleet.apply(
            """
            apiVersion: swell.dev/v1
            kind: Application
            metadata: {name: web}
            spec: {namespace: web}
            ---
            apiVersion: swell.dev/v1
            kind: RolloutPolicy
            metadata: {name: waves}
            spec:
              stages: [{name: all, select: {regions: [us-east-1]}, soak: 0s}]
              minHealthyTime: 1s
            """)
        try await fleet.release("web", "1.0.0", manifests: Documents.manifests(image: "web:1.0.0"))
        try await fleet.start("1.0.0", name: "first")
        try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }

    @Test func whatIsBrokenIsSaidWithWhatToDo() async throws {
        var shape = Fleet.Shape(regions: ["us-east-1": ["use1-a", "use1-b"]])
        shape.databaseSettings = Self.durable
        try await withFleet(shape) { fleet in
            try await runWeb(fleet)
            let sound = try await fleet.swell("doctor")
            #expect(sound.code == 0, "\(sound.output)\(sound.errors)")
            #expect(sound.output.contains("0 broken"), "\(sound.output)")
            let port = await fleet.fleetPort()
            #expect(sound.output.contains("localhost:\(port) accepts connections"))

            // Each port for what it is, and for nothing else.
            let facts = try await fleet.swell("doctor", "-o", "json").json()["installation"]?["coordinator"]
            let enrolment = try #require(facts?["enrolmentPort"]?.intValue)
            let right = try await fleet.swell(
                "doctor", "--agents", "localhost:\(port)", "--enrolment", "localhost:\(enrolment)")
            #expect(right.code == 0 && right.output.contains("port for agents"), "\(right.output)")
            let swapped = try await fleet.swell(
                "doctor", "--agents", "127.0.0.1:\(enrolment)", "--enrolment", "127.0.0.1:\(port)")
            #expect(swapped.code == 1 && swapped.output.contains("2 broken"), "\(swapped.output)")

            // A key that others may read, a database that forgets, an agent away, one whose clock is off, a name that is not there.
            let key = fleet.stateFolder.appending(path: "authority/authority-key.pem")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key.path)
            let connection = try await PostgresConnection.connect(to: fleet.database.configuration())
            try await connection.query("ALTER SYSTEM SET fsync = off")
            try await connection.query("SELECT pg_reload_conf()")
            await connection.close()
            try await fleet.killAgent("use1-b")
            try await fleet.killAgent("use1-a")
            let hasClocks = ClockShift.library != nil
            try await fleet.startAgent("use1-a", clock: .minutes(10))
            var broken: Set = ["state folder", "durability", "port for agents"]
            if hasClocks { broken.insert("agents' clocks") }
            let arguments = ["doctor", "-o", "json", "--agents", "swell.invalid:7443"]
            let call = try await eventually("doctor to find all of it") { () -> CallResult? in
                let call = try await fleet.swell(arguments, replica: "a")
                let standings = try standings(call)
                let found = Set(standings.filter { $0.value == "broken" }.keys)
                return found == broken && standings["agents"] == "warning" ? call : nil
            } orDescribe: {
                try await fleet.swell(["doctor", "--agents", "swell.invalid:7443"], replica: "a").output
            }
            #expect(call.code == 1)
            #expect(try call.json()["standing"]?.stringValue == "broken")
            let told = try await fleet.swell(["doctor", "--agents", "swell.invalid:7443"], replica: "a")
            #expect(told.code == 1 && told.errors.isEmpty)
            #expect(told.output.contains("→ chmod 0600 \(key.path)"), "\(told.output)")
            #expect(told.output.contains("→ set fsync = on in postgresql.conf and reload"))
            #expect(told.output.contains("1 of 2 connected; 1 away: use1-b"))
            #expect(told.output.contains("away, last heard of"), "\(told.output)")
            #expect(told.output.contains("its certificate is good, and nothing came from it since"))

            #expect(told.output.contains("swell.invalid:7443: the name is not known here"))

            // Nothing in it is anybody's secret.
            let token = try String(contentsOf: fleet.stateFolder.appending(path: "operator-token"), encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            for text in [call.output, told.output] {
                #expect(!text.contains(token) && !text.contains("PRIVATE KEY") && !text.contains("postgres://"))
            }
        }
    }

    /// A replica that dies says nothing of its agents: they are away all the same, and each says why.
    @Test func whoIsAwayIsCountedAsItIsAndSaysWhy() async throws {
        let shape = Fleet.Shape(regions: ["us-east-1": ["use1-a", "use1-b", "use1-c"]])
        try await withFleet(shape) { fleet in
            try await fleet.killAgent("use1-b")
            try await fleet.killAgent("use1-c")
            _ = try await fleet.swell("cluster", "revoke", "use1-b", "--reason", "stolen")
            let connection = try await PostgresConnection.connect(to: PostgresConfiguration(fleet.databaseURL))
            // As a replica leaves it that was cut off from its machine. What was heard of it before is written after that it left.
            try await eventually("the agents to be written off") { () -> Bool? in
                let rows = try await connection.query(
                    """
                    SELECT count(*) FROM agents WHERE cluster = 'use1-c' AND connected_to IS NULL
                        AND last_seen_at < now() - interval '4 seconds'
                    """)
                let count: Int? = try rows.first?.decode(at: 0)
                return count == 1 ? true : nil
            }
            try await connection.query(
                "UPDATE agents SET connected_to = 'gone', last_seen_at = now() - interval '1 hour' WHERE cluster = 'use1-c'"
            )
            await connection.close()
            try await fleet.startAgent("use1-b")
            let told = try await eventually("doctor to say why") { () -> String? in
                let told = try await fleet.swell("doctor").output
                return told.contains("refused") ? told : nil
            } orDescribe: {
                try await fleet.swell("doctor").output
            }
            #expect(told.contains("1 of 3 connected; 2 away: use1-b, use1-c"), "\(told)")
            #expect(told.contains("it was revoked at"), "\(told)")
            #expect(told.contains("away, last heard of 1h0m ago"), "\(told)")
        }
    }

    @Test func aServerThatCannotBeAskedIsAFindingToo() async throws {
        let port = try FreePort.find()
        let call = try await Programs.call(
            "swell", ["doctor", "-o", "json"],
            environment: ["SWELL_SERVER": "https://localhost:\(port)", "SWELL_TOKEN": "a-token-of-some-length"])
        #expect(call.code == 4, "\(call.output)\(call.errors)")
        #expect(try standings(call) == ["api": "broken"])
    }
}
