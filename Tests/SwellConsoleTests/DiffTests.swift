internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

/// `POST /v1/applications/NAME/diff`, with agents that answer, refuse, are silent and are away.
@Suite struct DiffTests {
    private static let change = ObjectChange(
        apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web", action: .update,
        fields: [ChangedField(path: "spec.replicas", before: 1, after: 2, managers: ["kubectl-edit"])])

    /// What the agent of a cluster answers; nil stays silent.
    private typealias Script = @Sendable (ClusterName) -> PreviewAnswer?

    /// Plays the agents: answers what is open as the script says.
    private func diff(
        _ body: JSONValue = ["version": "1.0.0", "timeout": 1], connected: [ClusterName],
        _ script: @escaping Script,
        _ check: (Answer, ConsoleHarness) async throws -> Void
    ) async throws {
        let configure: (inout ConsoleConfiguration) -> Void = { $0.diffInterval = .milliseconds(5) }
        let agents: @Sendable (MemoryStore) async throws -> Void = { store in
            for preview in try await store.openPreviews() {
                guard let answer = script(preview.cluster) else { continue }
                _ = try await store.answerPreview(preview.id, from: preview.cluster, answer)
            }
        }
        try await ConsoleHarness.run(configure: configure, onPreviews: agents) { console in
            try await console.applyFleet()
            for cluster in connected {
                try await console.store.noteConnection(
                    cluster, replica: "another", agentVersion: "0.1.0", isConnected: true)
            }
            try await check(try await console.request(.post, "/v1/applications/shop/diff", body), console)
        }
    }

    @Test func tellsOfEachClusterWhatWouldChange() async throws {
        let answer = PreviewAnswer(objects: [Self.change], unchanged: 4, omitted: 1)
        let script: Script = { _ in answer }
        try await diff(connected: ["use1-a", "usw1-a"], script) { told, console in
            #expect(told.status == 200, "\(told.text)")
            #expect(told.json["kind"] == "Diff")
            #expect(told.json["spec"]?["version"] == "1.0.0")
            let clusters = told.json["clusters"]?.arrayValue ?? []
            #expect(clusters.compactMap { $0["cluster"]?.stringValue } == ["use1-a", "usw1-a"])
            for cluster in clusters {
                #expect(cluster["state"] == "answered")
                #expect(cluster["unchanged"] == 4)
                #expect(cluster["omitted"] == 1)
                let field = cluster["objects"]?.arrayValue?.first?["fields"]?.arrayValue?.first
                #expect(field?["path"] == "spec.replicas")
                #expect(field?["before"] == 1)
                #expect(field?["after"] == 2)
                #expect(field?["managers"] == ["kubectl-edit"])
            }
            let open = try await console.store.openPreviews()
            #expect(open.isEmpty, "nothing is left behind")
        }
    }

    @Test func aClusterThatIsSilentOrAwayOrRefusesDoesNotHideTheOthers() async throws {
        let refuses: Script = { _ in .failed("Forbidden", "may not list configmaps") }
        try await diff(connected: ["use1-a"], refuses) { told, console in
            let clusters = told.json["clusters"]?.arrayValue ?? []
            #expect(clusters.compactMap { $0["state"]?.stringValue } == ["failed", "neverJoined"])
            #expect(clusters.first?["failure"]?["reason"] == "Forbidden")
        }
        let halfSilent: Script = { $0 == "use1-a" ? PreviewAnswer(unchanged: 2) : nil }
        try await diff(connected: ["use1-a", "usw1-a"], halfSilent) { told, console in
            let clusters = told.json["clusters"]?.arrayValue ?? []
            #expect(clusters.compactMap { $0["state"]?.stringValue } == ["answered", "noAnswer"])
            #expect(clusters.last?["lastSeenAt"]?.stringValue != nil)
            #expect(try await console.store.openPreviews().isEmpty, "nothing is left behind")
            try await console.store.dropConnections(of: "another")
            let later = try await console.request(
                .post, "/v1/applications/shop/diff", ["version": "1.0.0", "timeout": 1])
            let states = later.json["clusters"]?.arrayValue?.compactMap { $0["state"]?.stringValue }
            #expect(states == ["notConnected", "notConnected"])
        }
    }

    @Test func onlyTheSelectedClustersAreAsked() async throws {
        let asked = Mutex<[ClusterName]>([])
        let body: JSONValue = [
            "version": "1.0.0", "timeout": 1,
            "select": ["regions": ["us-west-1"], "environments": [], "clusters": [], "labels": [:]],
        ]
        let script: Script = { cluster in
            asked.withLock { $0.append(cluster) }
            return PreviewAnswer()
        }
        try await diff(body, connected: ["use1-a", "usw1-a"], script) { told, _ in
            #expect(told.json["clusters"]?.arrayValue?.count == 1, "\(told.text)")
            #expect(asked.withLock { $0 } == ["usw1-a"])
        }
    }

    @Test(
        arguments: [
            (["version": "9.9.9"], 404, "has no release '9.9.9'"),
            (["version": "1.0.0", "timeout": 0], 400, "from 1 to 40"),
            (["version": "1.0.0", "timeout": 99], 400, "from 1 to 40"),
            (["version": "1.0.0", "colour": "red"], 400, "colour"),
            (
                [
                    "version": "1.0.0",
                    "select": ["regions": [], "environments": [], "clusters": ["use1-b"], "labels": [:]],
                ], 404, "use1-a"
            ),
            (
                [
                    "version": "1.0.0",
                    "select": ["regions": ["mars"], "environments": [], "clusters": [], "labels": [:]],
                ], 422, "no cluster"
            ),
        ] as [(JSONValue, Int, String)])
    func whatCannotBeAskedIsRefused(_ body: JSONValue, _ status: Int, _ word: String) async throws {
        let script: Script = { _ in PreviewAnswer() }
        try await diff(body, connected: ["use1-a"], script) { told, _ in
            #expect(told.status == status, "\(told.text)")
            #expect(told.text.contains(word), "\(told.text)")
        }
    }

    @Test func tooManyDiffsAtOnceAreRefused() async throws {
        let configure: (inout ConsoleConfiguration) -> Void = { $0.maximumDiffs = 0 }
        try await ConsoleHarness.run(configure: configure) { console in
            try await console.applyFleet()
            let told = try await console.request(.post, "/v1/applications/shop/diff", ["version": "1.0.0"])
            #expect(told.status == 503)
            #expect(told.json["type"] == "urn:swell:problem:busy")
        }
    }

    @Test func driftIsSeenInTheListAndOfOneCluster() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            let drift = DriftReport(
                foundAt: Timestamp(milliseconds: 5), isCorrected: false, objects: [Self.change], omitted: 2,
                contention: nil)
            let report = ApplicationReport(
                application: "shop", generation: 1, digest: nil, epoch: 1, phase: .healthy, health: .healthy,
                driftCount: 3, drift: drift)
            _ = try await console.store.ingest([ReceivedReport(cluster: "use1-a", report: report)])
            let list = try await console.request(.get, "/v1/clusters").json["items"]?.arrayValue ?? []
            let summaries = list.map { $0["status"]?["drift"]?["reported"] }
            #expect(summaries == [3, nil], "\(list)")
            let one = try await console.request(.get, "/v1/clusters/use1-a").json["status"]?["applications"]
            #expect(one?.arrayValue?.first?["health"] == "healthy", "drift says nothing of health")
            let told = one?.arrayValue?.first?["drift"]
            #expect(told?["omitted"] == 2)
            #expect(told?["objects"]?.arrayValue?.first?["fields"]?.arrayValue?.first?["path"] == "spec.replicas")
            let events = try await console.request(.get, "/v1/events").text
            #expect(events.contains("drift.reported"), "\(events)")
        }
    }
}
