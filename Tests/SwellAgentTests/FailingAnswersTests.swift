internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesTesting
internal import NIOHTTP1
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

extension FailingAnswer {
    fileprivate var answer: RequestTap.Answer {
        RequestTap.Answer(status: status, headers: headers, body: try? JSONValue(parsing: body), text: body)
    }
}

@Suite(.serialized, .timeLimit(.minutes(4))) struct FailingAnswersTests {
    private func releases(_ lab: SimulatedLab) async throws -> (
        one: AgentWorld.DesiredRelease, two: AgentWorld.DesiredRelease
    ) {
        let first = ShopManifest.namespace + ShopManifest.deployment("web", image: "web:1.0.0")
        let second =
            ShopManifest.namespace + ShopManifest.configMap("broken")
            + ShopManifest.deployment("web", image: "web:2.0.0")
        return (
            try await lab.world.release("1.0.0", extra: first), try await lab.world.release("2.0.0", extra: second)
        )
    }

    @Test func theOperatorIsToldWhatTheServerSaidAndTheFormerReleaseStays() async throws {
        try await SimulatedLab.run { lab in
            let (one, two) = try await releases(lab)
            let current = CurrentAnswer()
            let tap = RequestTap { request in
                request.method == .PATCH && request.path.hasSuffix("/configmaps/broken") ? current.value?.answer : nil
            }
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(tap: tap) {
                try await lab.waitFor("the first is healthy") { $0.phase == .healthy }
                var generation: Int64 = 1
                for row in FailingAnswer.lasting {
                    generation += 1
                    let wanted = generation
                    current.value = row
                    try await lab.world.coordinator.assign(two.assignment(wanted, fallback: one))
                    try await lab.waitFor("\(row.description): it went back") {
                        $0.generation == wanted && $0.phase == .reverted
                    }
                    let report = try #require(await lab.report())
                    let message = report.message ?? ""
                    #expect(message.contains("ConfigMap shop/broken"), "\(row.description): \(message)")
                    for words in row.told { #expect(message.contains(words), "\(row.description): \(message)") }
                    #expect(message.contains("skipped: Deployment web"), "\(row.description): \(message)")
                    #expect(report.digest == one.reference.digest)
                    #expect(report.reason?.isEmpty == false)
                    if let word = row.word { #expect(report.reason == word) }
                }
                // The former release's pods were never touched.
                let sets = try await lab.api.list(
                    .init(type: GroupVersionKind(group: "apps", version: "v1", kind: "ReplicaSet"), namespace: "shop"))
                #expect(sets.objects.count == 1)
                #expect(try await lab.object("v1", "ConfigMap", "broken") == nil)
            }
        }
    }

    @Test func whatMayPassIsToldAndWaitedFor() async throws {
        try await SimulatedLab.run { lab in
            let (one, two) = try await releases(lab)
            let current = CurrentAnswer()
            let tap = RequestTap { request in
                request.method == .PATCH && request.path.hasSuffix("/configmaps/broken") ? current.value?.answer : nil
            }
            try await lab.world.coordinator.assign(one.assignment(1))
            try await lab.withAgent(tap: tap) {
                try await lab.waitFor("the first is healthy") { $0.phase == .healthy }
                var generation: Int64 = 1
                for row in FailingAnswer.passing {
                    generation += 2
                    let wanted = generation
                    current.value = row
                    try await lab.world.coordinator.assign(two.assignment(wanted, fallback: one))
                    try await lab.waitFor("\(row.description): it is told") { report in
                        report.generation == wanted && report.phase == .applying
                            && row.told.allSatisfy { report.message?.contains($0) == true }
                            && (row.word.map { $0 == report.reason } ?? true)
                    }
                    current.value = nil
                    try await lab.waitFor("\(row.description): it goes on") {
                        $0.generation == wanted && $0.phase == .healthy
                    }
                    // Back again, so that the next row meets no object of the name.
                    try await lab.world.coordinator.assign(one.assignment(wanted + 1))
                    try await lab.waitFor("back") { $0.generation == wanted + 1 && $0.phase == .healthy }
                }
            }
        }
    }

    @Test func whatIsPutOffAgainAndAgainIsToldLongBeforeItIsGivenUp() async throws {
        try await SimulatedLab.run { lab in
            let (one, _) = try await releases(lab)
            let row = try #require(FailingAnswer.passing.first { $0.status == 503 })
            let current = CurrentAnswer()
            current.value = row
            let tap = RequestTap { request in
                request.method == .PATCH && request.path.hasSuffix("/deployments/web") ? current.value?.answer : nil
            }
            try await lab.world.coordinator.assign(one.assignment(1))
            let patient = RetryPolicy(maximumAttempts: 100, base: .seconds(1), ceiling: .seconds(1))
            try await lab.withAgent(tap: tap, retry: patient) {
                try await lab.waitFor("it is told while it is tried again", within: .seconds(15)) { report in
                    report.phase == .applying && report.reason == "APIServerUnavailable"
                        && report.message?.contains("/deployments/web: the server is currently unable") == true
                        && report.message?.hasSuffix("; trying again") == true
                }
                current.value = nil
                try await lab.waitFor("it goes on") { $0.phase == .healthy && $0.reason == nil }
            }
        }
    }
}

/// The answer that is given now.
final class CurrentAnswer: Sendable {
    private let row = Mutex<FailingAnswer?>(nil)

    var value: FailingAnswer? {
        get { row.withLock { $0 } }
        set { row.withLock { $0 = newValue } }
    }
}
