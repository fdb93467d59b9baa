internal import KubernetesClient
internal import KubernetesObjects
internal import NIOHTTP1
internal import SwellEngine
internal import SwellModel
internal import Synchronization
internal import Testing

@testable internal import SwellAgent

/// What an API server may answer to the apply of one object, and what the operator is then told.
struct FailingAnswer: Sendable, CustomTestStringConvertible {
    var status: Int
    var reason: String?
    var message: String?
    var causes: [JSONValue] = []
    var headers: [String: String] = ["content-type": "application/json"]
    /// What must be among the words.
    var told: [String]
    /// The short word for it; nil where any will do.
    var word: String?
    /// Whether it may go away by itself, so that the agent waits and tries again.
    var isPassing = false

    var testDescription: String { "\(status) \(reason ?? "") \(message ?? "")" }

    var answer: RequestTap.Answer {
        guard let message else { return RequestTap.Answer(status: status, text: "404 page not found\n") }
        var body: [String: JSONValue] = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": .string(message),
            "code": .integer(Int64(status)),
            "details": ["name": "broken", "kind": "configmaps", "causes": .array(causes)],
        ]
        body["reason"] = reason.map { .string($0) }
        return RequestTap.Answer(status: status, headers: headers, body: .object(body))
    }

    static func cause(_ reason: String, _ message: String, _ field: String) -> JSONValue {
        ["reason": .string(reason), "message": .string(message), "field": .string(field)]
    }

    /// Those after which the release has failed.
    static let lasting: [FailingAnswer] = [
        FailingAnswer(
            status: 400, reason: "BadRequest", message: "error decoding YAML: did not find expected ',' or ']'",
            told: ["error decoding YAML"]),
        FailingAnswer(
            status: 400, reason: "BadRequest",
            message: "the name of the object (other) does not match the name on the URL (broken)",
            told: ["does not match the name on the URL"]),
        FailingAnswer(
            status: 403, reason: "Forbidden",
            message: "configmaps \"broken\" is forbidden: User \"system:serviceaccount:s:a\" cannot patch resource "
                + "\"configmaps\" in API group \"\" in the namespace \"shop\"",
            told: ["may not patch configmaps in namespace shop; grant it to system:serviceaccount:s:a"],
            word: "Forbidden"),
        FailingAnswer(
            status: 403, reason: "Forbidden",
            message: "configmaps \"broken\" is forbidden: exceeded quota: few, requested: count/configmaps=1",
            told: ["exceeded quota: few"], word: "Forbidden"),
        FailingAnswer(
            status: 403, reason: "Forbidden",
            message: "admission webhook \"policy.example.com\" denied the request: no latest tags",
            told: ["admission webhook \"policy.example.com\" denied the request: no latest tags"], word: "Forbidden"),
        FailingAnswer(
            status: 404, reason: "NotFound", message: "namespaces \"absent\" not found",
            told: ["namespaces \"absent\" not found"]),
        FailingAnswer(status: 404, told: ["HTTP status 404"]),
        FailingAnswer(
            status: 405, reason: "MethodNotAllowed",
            message: "patch is not supported on resources of kind \"configmaps\"",
            told: ["patch is not supported"]),
        FailingAnswer(
            status: 406, reason: "NotAcceptable",
            message: "only the following media types are accepted: application/json",
            told: ["media types"]),
        FailingAnswer(
            status: 409, reason: "Conflict",
            message: "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.b",
            causes: [cause("FieldManagerConflict", "conflict with \"kubectl-edit\" using v1", ".data.b")],
            told: ["kubectl-edit owns .data.b", "adopt by force"]),
        FailingAnswer(
            status: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 3145728",
            told: ["limit is 3145728"]),
        FailingAnswer(
            status: 415, reason: "UnsupportedMediaType", message: "the body of the request was in an unknown format",
            told: ["unknown format"]),
        FailingAnswer(
            status: 422, reason: "Invalid",
            message: "ConfigMap \"broken\" is invalid: data[a/b]: Invalid value: \"a/b\": a valid config key",
            causes: [cause("FieldValueInvalid", "Invalid value: \"a/b\": a valid config key", "data[a/b]")],
            told: ["data[a/b]: Invalid value", "a valid config key"]),
        FailingAnswer(
            status: 422, reason: "Invalid",
            message: "ConfigMap \"broken\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
            causes: [cause("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data")],
            told: ["is immutable"]),
        FailingAnswer(
            status: 500,
            message:
                "failed to create typed patch object (shop/broken; /v1, Kind=ConfigMap): .dat: field not declared in schema",
            told: [".dat: field not declared in schema"]),
    ]

    /// Those that may pass.
    static let passing: [FailingAnswer] = [
        FailingAnswer(
            status: 401, reason: "Unauthorized", message: "Unauthorized", told: ["credentials"],
            word: "APIServerUnauthorized", isPassing: true),
        FailingAnswer(
            status: 409, reason: "Conflict",
            message: "Operation cannot be fulfilled on configmaps \"broken\": the object has been modified",
            told: ["the object has been modified"], isPassing: true),
        FailingAnswer(
            status: 410, reason: "Expired", message: "The resourceVersion is too old", told: ["too old"],
            isPassing: true),
        FailingAnswer(
            status: 429, reason: "TooManyRequests", message: "too many requests, please try again later",
            headers: ["content-type": "application/json", "retry-after": "1"], told: ["too many requests"],
            word: "APIServerUnavailable", isPassing: true),
        FailingAnswer(
            status: 500, reason: "InternalError",
            message: "Internal error occurred: failed calling webhook \"policy.example.com\": connection refused",
            told: ["failed calling webhook \"policy.example.com\""], isPassing: true),
        FailingAnswer(
            status: 503, reason: "ServiceUnavailable", message: "the server is currently unable to handle the request",
            told: ["unable to handle"], word: "APIServerUnavailable", isPassing: true),
        FailingAnswer(
            status: 504, reason: "Timeout", message: "Timeout: request did not complete within requested timeout",
            told: ["did not complete"], isPassing: true),
        FailingAnswer(
            status: 403, reason: "Forbidden",
            message:
                "configmaps \"broken\" is forbidden: unable to create new content in namespace shop because it is being terminated",
            causes: [cause("NamespaceTerminating", "namespace shop is being terminated", "metadata.namespace")],
            told: ["being terminated"], isPassing: true),
    ]
}

@Suite(.serialized, .timeLimit(.minutes(4))) struct FailingAnswersTests {
    private func releases(_ lab: SimulatedLab) async throws -> (one: AgentWorld.Wish, two: AgentWorld.Wish) {
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
                    try await lab.waitFor("\(row.testDescription): it went back") {
                        $0.generation == wanted && $0.phase == .reverted
                    }
                    let report = try #require(await lab.report())
                    let message = report.message ?? ""
                    #expect(message.contains("ConfigMap shop/broken"), "\(row.testDescription): \(message)")
                    for words in row.told { #expect(message.contains(words), "\(row.testDescription): \(message)") }
                    #expect(message.contains("skipped: Deployment web"), "\(row.testDescription): \(message)")
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
                    try await lab.waitFor("\(row.testDescription): it is told") { report in
                        report.generation == wanted && report.phase == .applying
                            && row.told.allSatisfy { report.message?.contains($0) == true }
                            && (row.word.map { $0 == report.reason } ?? true)
                    }
                    current.value = nil
                    try await lab.waitFor("\(row.testDescription): it goes on") {
                        $0.generation == wanted && $0.phase == .healthy
                    }
                    // Back again, so that the next row meets no object of the name.
                    try await lab.world.coordinator.assign(one.assignment(wanted + 1))
                    try await lab.waitFor("back") { $0.generation == wanted + 1 && $0.phase == .healthy }
                }
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
