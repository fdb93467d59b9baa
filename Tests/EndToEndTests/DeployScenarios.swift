internal import Crypto
internal import Foundation
internal import KubernetesObjects
internal import PostgresTesting
internal import SwellIdentity
internal import SwellModel
internal import Testing

/// What `deploy/` starts, started: the real programs with the very arguments, environments and volumes of the manifests.
@Suite(.serialized) struct DeployScenarios {
    private static let deploy = Programs.repository.appending(path: "deploy/kubernetes")

    private func documents(_ path: String) throws -> [JSONValue] {
        let file = Self.deploy.appending(path: path)
        return try YAMLReader.documents(in: String(contentsOf: file, encoding: .utf8), file: path).map(\.root.json)
    }

    private func pod() throws -> JSONValue {
        let deployment = try #require(documents("coordinator/deployment.yaml").first { $0["kind"] == "Deployment" })
        return try #require(deployment["spec"]?["template"]?["spec"])
    }

    /// The ConfigMaps of the manifests, by name and key.
    private func settings() throws -> [String: [String: String]] {
        var texts: [String: [String: String]] = [:]
        for document in try documents("coordinator/settings.yaml") where document["kind"] == "ConfigMap" {
            texts[document["metadata"]?["name"]?.stringValue ?? ""] =
                (document["data"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        }
        return texts
    }

    /// A PostgreSQL that is trusted for its own authority alone, and that authority's certificate.
    private func database() async throws -> (server: PostgresServer, authority: String) {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let authority = try CertificateAuthority.create(trustDomain: TrustDomain("database.test"), now: now)
        let credential = try authority.issueServerCredential(names: ServerNames(["localhost"]), now: now)
        var options = PostgresServer.Options()
        options.tls = (try credential.chainPEM(), credential.key.pemRepresentation)
        return (try await PostgresServer.start(options), try authority.certificatePEM())
    }

    private func inFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "swell-deploy-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    private func mode(_ place: URL) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: place.path)
        return ((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0) & 0o777
    }

    @Test func theCoordinatorOfKubernetesStartsOnVolumesAsTheKubeletMakesThem() async throws {
        try await inFolder { folder in
            let (database, databaseAuthority) = try await database()
            let name = try await database.createDatabase().name
            // What the manifest asks to be made beforehand, as its comment says.
            let made = folder.appending(path: "made")
            let names = "swell.example.com,localhost"
            let prepared = try await Programs.call(
                "swell-coordinator", ["init", "--state-dir", made.path, "--server-name", names])
            #expect(prepared.code == 0, "\(prepared.errors)")
            #expect(prepared.output.contains("create secret generic swell-coordinator"))
            func text(_ path: String) throws -> String {
                try String(contentsOf: made.appending(path: path), encoding: .utf8)
            }
            let token = try text("operator-token").trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(!prepared.output.contains(token), "a secret is printed")
            #expect(prepared.output.contains(try text("ca-hash").trimmingCharacters(in: .whitespacesAndNewlines)))

            var texts = try settings()
            texts["swell-coordinator-database"]?["ca.pem"] = databaseAuthority
            let url =
                "postgres://postgres@localhost:\(database.port)/\(name)?sslmode=verify-full&sslrootcert=/database/ca.pem"
            let pod = try pod()
            // A Secret and a ConfigMap may share a name; here they are one.
            texts["swell-coordinator-database"]?["url"] = url
            texts["swell-coordinator", default: [:]].merge([
                "authority.pem": try text("authority/authority.pem"),
                "authority-key.pem": try text("authority/authority-key.pem"),
                "operator-token": try text("operator-token"),
            ]) { $1 }
            let volumes = try KubeletVolumes(of: pod, texts: texts, in: folder.appending(path: "volumes"))

            let first = try #require(pod["initContainers"]?[0])
            try #require(first["command"] == nil, "the image need not have a shell")
            try await run(first, volumes)
            let state = volumes.place("state").appending(path: "coordinator")
            #expect(try mode(volumes.place("state")) == 0o777)
            #expect(try mode(state) == 0o700)
            #expect(try mode(state.appending(path: "authority/authority-key.pem")) == 0o600)
            // A Pod's first containers may run again.
            try await run(first, volumes)

            let main = try #require(pod["containers"]?[0])
            var (arguments, environment) = try volumes.process(of: main)
            // Ports of its own, since others run beside it.
            arguments = arguments.map { $0.replacing(/0\.0\.0\.0:\d+$/, with: "127.0.0.1:0") }
            let (program, words) = try volumes.command(Programs.url("swell-coordinator"), arguments)
            let log = folder.appending(path: "coordinator.log")
            let coordinator = try ChildProcess(program, words, environment: environment, log: log)
            defer { coordinator.kill() }
            func printed() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
            let port = try await eventually("the coordinator to serve") { () -> String? in
                printed().firstMatch(of: /coordinator is ready.* api=(\d+)/).map { String($0.output.1) }
            } orDescribe: {
                printed()
            }
            let listing = try await Programs.call(
                "swell", ["get", "clusters"],
                environment: [
                    "SWELL_SERVER": "https://localhost:\(port)", "SWELL_TOKEN": token,
                    "SWELL_CA_FILE": made.appending(path: "ca.pem").path,
                ])
            #expect(listing.code == 0, "\(listing.errors)")
            // Every name of the settings is in the certificate, of agents' ports and the API alike.
            for name in (texts["swell-coordinator"]?["server-names"] ?? "").split(separator: ",") {
                let check = try await Programs.call(
                    "openssl",
                    [
                        "s_client", "-connect", "localhost:\(port)", "-verify_hostname", "\(name)", "-CAfile",
                        made.appending(path: "ca.pem").path, "-verify_return_error",
                    ])
                #expect(check.code == 0, "\(name): \(check.output)")
            }
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.ended(within: .seconds(30)) == 0)
            try await database.stop()
        }
    }

    /// The repair that suggests itself, and must not be made.
    @Test func aVolumeThatIsOpenToOthersIsNoStateFolder() async throws {
        try await inFolder { folder in
            let pod: JSONValue = [
                "securityContext": ["fsGroup": 65_532, "runAsUser": 65_532],
                "volumes": [["name": "state", "emptyDir": [:]]],
            ]
            let volumes = try KubeletVolumes(of: pod, texts: [:], in: folder.appending(path: "volumes"))
            let call = try await Programs.call(
                "swell-coordinator", ["init", "--state-dir", volumes.place("state").path])
            #expect(call.code == 1)
            #expect(call.errors.contains("others may write to it (mode 0777); expected chmod 0700"), "\(call.errors)")
        }
    }

    private func run(_ container: JSONValue, _ volumes: KubeletVolumes) async throws {
        let (arguments, environment) = try volumes.process(of: container)
        let (program, words) = try volumes.command(Programs.url("swell-coordinator"), arguments)
        let log = volumes.place("state").appending(path: "../init.log")
        let child = try ChildProcess(program, words, environment: environment, log: log)
        let code = try await child.ended(within: .seconds(30))
        #expect(code == 0, "\((try? String(contentsOf: log, encoding: .utf8)) ?? "")")
    }

    @Test func initChangesNothingButTheNamesItIsGiven() async throws {
        try await inFolder { folder in
            let state = folder.appending(path: "state").path
            func prepare(_ arguments: String...) async throws -> CallResult {
                try await Programs.call("swell-coordinator", ["init", "--state-dir", state] + arguments)
            }
            let first = try await prepare("--server-name", "a.example.com", "--server-name", "192.0.2.1")
            let hash = try #require(first.output.firstMatch(of: /sha256:[0-9a-f]+/)).output
            #expect(first.output.contains("a.example.com, 192.0.2.1"))
            let second = try await prepare()
            #expect(second.output.contains(hash) && second.output.contains("a.example.com, 192.0.2.1"))
            #expect(
                try await prepare("--server-name", "b.example.com").output.contains("server names  b.example.com\n"))
            let refused = try await prepare("--server-name", "not a name")
            #expect(refused.code == 2 && refused.errors.contains("--server-name"), "\(refused.errors)")
            let nowhere = try await prepare("--secrets", folder.path)
            #expect(nowhere.code == 1 && nowhere.errors.contains("authority.pem is missing"), "\(nowhere.errors)")
        }
    }

    /// As the unit of systemd starts it once the token is spent and deleted: with an empty line in its place.
    @Test func anAgentStartsAgainWithoutItsSpentToken() async throws {
        try await withFleet(["us-east-1": ["use1-a"]]) { fleet in
            try await fleet.killAgent("use1-a")
            let token = fleet.agentFolder("use1-a").appending(path: "join-token")
            try "\n".write(to: token, atomically: true, encoding: .utf8)
            let log = fleet.log("agent-use1-a")
            let before = (try? Data(contentsOf: log).count) ?? 0
            try await fleet.startAgent("use1-a")
            try await eventually("the agent to be back") { () -> Bool? in
                let text = String(decoding: try Data(contentsOf: log).dropFirst(before), as: UTF8.self)
                return text.contains("connected to the coordinator") ? true : nil
            } orDescribe: {
                String(decoding: try Data(contentsOf: log).dropFirst(before), as: UTF8.self)
            }
        }
    }

    /// The database of the demo trusts whoever reaches its socket.
    @Test func nobodyElseOfTheMachineReachesTheDemosDatabase() async throws {
        try await inFolder { folder in
            let script = """
                set -euo pipefail; cd "$1"; . scripts/lib/machine.sh; . scripts/lib/fleet.sh
                state=$2/s; mkdir "$state"; chmod 711 "$state"; trap stop_everything EXIT
                start_postgres; stat -c '%a %F' "$state/postgres" "$state/postgres/.s.PGSQL.5432"
                """
            let call = try await Programs.call("bash", ["-c", script, "bash", Programs.repository.path, folder.path])
            #expect(call.code == 0, "\(call.errors)")
            #expect(call.output == "700 directory\n700 socket\n", "\(call.output)")
        }
    }
}
