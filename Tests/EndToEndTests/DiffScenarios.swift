internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import PostgresClient
internal import Testing

/// `swell diff` and drift through the real binaries, over clusters that answer and one that does not.
@Suite(.serialized) struct DiffScenarios {
    private static let clusters = ["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"]]

    /// The application with a Secret and a Service beside what every scenario has.
    private static func manifests(_ image: String, secret: String, extra: String? = nil) -> String {
        Documents.manifests(image: image, extra: extra) + """

            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: web-login}
            stringData: {password: "\(secret)"}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {selector: {app: web}, ports: [{port: 80}]}
            """
    }

    private func prepare(_ fleet: Fleet, drift: String = "correct") async throws {
        let documents = Documents.applicationAndPolicy(canary: "us-east-1", waves: ["us-west-1"], soak: "1s")
            .replacingOccurrences(of: "  namespace: web\n", with: "  namespace: web\n  strategy: {drift: \(drift)}\n")
        try await fleet.apply(documents)
        try await fleet.release(
            "web", "1.0.0", manifests: Self.manifests("registry.example/web:1.0.0", secret: "hunter-one", extra: "old"))
        let started = try await fleet.swell(
            "rollout", "start", "web", "--version", "1.0.0", "--policy", "waves", "--name", "first")
        #expect(started.code == 0, "\(started.errors)")
        try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }

    @Test func aDiffShowsEveryClusterThatAnswersAndWhichOnesDoNot() async throws {
        try await withFleet(Self.clusters) { fleet in
            try await prepare(fleet)
            try await fleet.release(
                "web", "1.1.0",
                manifests: Self.manifests("registry.example/web:1.1.0", secret: "hunter-two", extra: "new"))

            let none = try await fleet.swell("diff", "web", "--version", "1.0.0")
            #expect(none.code == 0, "\(none.output)\(none.errors)")
            #expect(none.output.contains("=== use1-a, usw1-a (2 clusters alike): no differences in 5 objects"))

            let some = try await fleet.swell("diff", "web", "--version", "1.1.0")
            #expect(some.code == 1, "\(some.output)\(some.errors)")
            for line in [
                "=== use1-a, usw1-a (2 clusters alike): 1 created, 3 changed, 1 deleted, 1 unchanged",
                "~ v1 ConfigMap web/web-settings", "+ v1 ConfigMap web/new",
                "- v1 ConfigMap web/old: no longer in the release", "~ v1 Secret web/web-login",
                "~ apps/v1 Deployment web/web", "    @@ spec.template.spec.containers[0].image @@",
                "    -registry.example/web:1.0.0", "    +registry.example/web:1.1.0",
                "web 1.1.0 on 2 clusters: 2 would change",
            ] { #expect(some.output.contains(line + "\n"), "lacks '\(line)':\n\(some.output)") }

            // Another replica, which has no session of any agent, answers alike.
            try await fleet.startCoordinator("b")
            let other = try await fleet.swell("diff", "web", "--version", "1.1.0", replica: "b")
            #expect(other.code == 1 && other.output == some.output, "\(other.output)\(other.errors)")

            let one = try await fleet.swell("diff", "web", "--version", "1.1.0", "--cluster", "usw1-a", "-o", "json")
            #expect(one.code == 1, "\(one.errors)")
            #expect(try one.json()["clusters"]?.arrayValue?.count == 1)

            // One agent is frozen: as long as it is waited for, the other's answer is in the database, without the secret.
            try #require(await fleet.agents["usw1-a"]).freeze()
            let rows = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await Self.answerInDatabase(fleet) }
                group.addTask {
                    let silent = try await fleet.swell("diff", "web", "--version", "1.1.0", "--timeout", "4s")
                    #expect(silent.code == 5, "\(silent.output)\(silent.errors)")
                    #expect(silent.output.contains("=== use1-a: 1 created"), "\(silent.output)")
                    #expect(silent.output.contains("=== usw1-a: no answer, last heard of"), "\(silent.output)")
                    return nil
                }
                var rows = ""
                while let text = try await group.next() { rows += text ?? "" }
                return rows
            }
            #expect(rows.contains("web-login"), "\(rows)")
            try await fleet.killAgent("usw1-a")
            let away = try await eventually("its end is noted") {
                let result = try await fleet.swell("diff", "web", "--version", "1.1.0", "--timeout", "1s")
                return result.output.contains("=== usw1-a: not connected since") ? result : nil
            }
            #expect(away.code == 5)
            #expect(away.output.contains("=== use1-a: 1 created"), "\(away.output)")

            let unknown = try await fleet.swell("diff", "web", "--version", "9")
            #expect(unknown.code == 3)
            try Self.expectNoSecret(in: [some.output, one.output, rows], fleet)
        }
    }

    @Test func driftIsPutBackWithinSecondsAndShown() async throws {
        try await withFleet(["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"]]) { fleet in
            try await prepare(fleet)
            let api = try fleet.api("use1-a")
            let clock = ContinuousClock()
            var took: [Duration] = []
            do {
                let settings = Self.reference("v1", "ConfigMap", "web-settings")
                var began = clock.now
                _ = try await api.patch(settings, .merge(["data": ["image": "tampered"]]))
                try await eventually("the ConfigMap is put back", within: .seconds(10)) {
                    try await api.get(settings)?["data"]?["image"]?.stringValue == "tampered" ? nil : true
                }
                took.append(clock.now - began)
                let secret = Self.reference("v1", "Secret", "web-login")
                _ = try await api.patch(secret, .merge(["stringData": ["password": "hunter-three"]]))
                try await eventually("the Secret is put back", within: .seconds(10)) {
                    try await api.get(secret)?["data"]?["password"]?.stringValue == "aHVudGVyLW9uZQ==" ? true : nil
                }
                let service = Self.reference("v1", "Service", "web")
                began = clock.now
                _ = try await api.delete(service)
                try await eventually("the Service is put back", within: .seconds(10)) { try await api.get(service) }
                took.append(clock.now - began)
            } catch {
                await api.shutdown()
                throw error
            }
            await api.shutdown()
            #expect(took.allSatisfy { $0 < .seconds(8) }, "\(took)")

            let described = try await eventually("the drift is shown") {
                let result = try await fleet.swell("describe", "cluster", "use1-a")
                return result.output.contains("- v1 Service web/web") ? result.output : nil
            }
            #expect(described.contains("Drift of web: "), "\(described)")
            #expect(described.contains(" put back "), "\(described)")
            let list = try await fleet.swell("get", "clusters", "-o", "wide").output
            #expect(list.contains(" put back "), "\(list)")
            let events = try await fleet.swell("events", "--cluster", "use1-a").output
            #expect(events.contains("drift.corrected"), "\(events)")
            // What was put back has to be seen healthy again.
            let seen = try await eventually("it is healthy") {
                let seen = try await fleet.swell("get", "cluster", "use1-a", "-o", "json")
                let health = try seen.json()["status"]?["applications"]?.arrayValue?.first?["health"]?.stringValue
                return health == "healthy" ? seen : nil
            }
            let rows =
                try await Self.query(fleet, "SELECT drift::text FROM cluster_drift")
                + Self.query(fleet, "SELECT coalesce(reason, '') FROM audit_events")
            try Self.expectNoSecret(in: [described, events, seen.output, rows], fleet)
        }
    }

    @Test func driftIsOnlyShownWhereThePolicySaysSoUntilItEnds() async throws {
        try await withFleet(["us-east-1": ["use1-a"], "us-west-1": ["usw1-a"]]) { fleet in
            try await prepare(fleet, drift: "report")
            let api = try fleet.api("use1-a")
            do {
                let settings = Self.reference("v1", "ConfigMap", "web-settings")
                func set(_ value: String) async throws {
                    var object = KubernetesObject(type: settings.type, namespace: "web", name: settings.name)
                    try object.set(.string(value), at: ["data", "image"])
                    _ = try await api.apply(object, ApplyOptions(fieldManager: "somebody", force: true))
                }
                try await set("tampered")
                let described = try await eventually("the drift is shown") {
                    let result = try await fleet.swell("describe", "cluster", "use1-a")
                    return result.output.contains("left as it is") ? result.output : nil
                }
                #expect(described.contains("@@ data.image @@ also owned by somebody"), "\(described)")
                #expect(described.contains("    -registry.example/web:1.0.0\n    +tampered"), "\(described)")
                #expect(try await api.get(settings)?["data"]?["image"]?.stringValue == "tampered")
                let list = try await fleet.swell("get", "clusters", "-o", "wide").output
                #expect(list.contains("1 object"), "\(list)")
                try await set("registry.example/web:1.0.0")
                try await eventually("its end is shown", within: .seconds(20)) {
                    try await fleet.swell("get", "clusters", "-o", "wide").output.contains("1 object") ? nil : true
                }
                let events = try await fleet.swell("events", "--cluster", "use1-a").output
                #expect(events.contains("drift.reported"), "\(events)")
            } catch {
                await api.shutdown()
                throw error
            }
            await api.shutdown()
        }
    }

    // MARK: -

    private static func reference(_ apiVersion: String, _ kind: String, _ name: String) -> ObjectReference {
        ObjectReference(type: GroupVersionKind(apiVersion: apiVersion, kind: kind), namespace: "web", name: name)
    }

    private static func query(_ fleet: Fleet, _ sql: String) async throws -> String {
        let connection = try await PostgresConnection.connect(to: PostgresConfiguration(fleet.databaseURL))
        let rows = try await connection.query(sql).scalars(String.self)
        await connection.close()
        return rows.joined(separator: "\n")
    }

    /// Waits for an answer to a preview, and gives its row as text.
    private static func answerInDatabase(_ fleet: Fleet) async throws -> String {
        try await eventually("an answer in the database") {
            let rows = try await query(fleet, "SELECT answer::text FROM previews WHERE answer IS NOT NULL")
            return rows.isEmpty ? nil : rows
        }
    }

    /// No secret value, plain or encoded, is in what operators see, in these rows, or in any process's log.
    private static func expectNoSecret(in texts: [String], _ fleet: Fleet) throws {
        var texts = texts
        for file in try FileManager.default.contentsOfDirectory(at: fleet.folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "log" {
            texts.append(try String(contentsOf: file, encoding: .utf8))
        }
        for text in texts {
            for value in ["hunter-", "aHVudGVyL"] { #expect(!text.contains(value), "\(value) is told") }
        }
    }
}
