internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

/// A cluster whose admission changes what is sent. The simulator calls no webhooks: a transport before it does what one would,
/// at the same place, between the request and what is stored.
@Suite(.timeLimit(.minutes(2))) struct AdmissionTests {
    private static let reference = ObjectReference(
        type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "a")

    private static func bundle(_ value: String = "1") throws -> [KubernetesObject] {
        try Sample.manifest(Sample.namespace + Sample.configMap("a", value, annotations: "{team: ours}"))
    }

    private func applier(_ server: SimulatedServer, _ webhook: AdmissionTransport) -> BundleApplier {
        BundleApplier(
            api: KubernetesAPI(transport: webhook, options: server.api.options), options: server.applier().options)
    }

    private func report(_ result: BundleResult) -> BundleProgress? { result.objects.last { $0.reference.name == "a" } }

    /// One that sets a field of ours to its own value, in rehearsals as well, or in none.
    @Test(arguments: [true, false]) func aFieldThatAWebhookSetsOtherwiseIsNoDriftForEver(inRehearsals: Bool)
        async throws
    {
        try await SimulatedServer.run { server in
            func webhook() -> AdmissionTransport {
                AdmissionTransport(
                    inner: server.api.transport,
                    onRequest: { body, isRehearsal in
                        if inRehearsals || !isRehearsal {
                            try? body.set("theirs", at: ["metadata", "annotations", "team"])
                        }
                    })
            }
            let agent = applier(server, webhook())
            #expect(try await agent.apply(try Self.bundle()).succeeded)
            #expect(try await server.api.get(Self.reference)?.annotations["team"] == "theirs")
            for _ in 0..<3 {
                let drift = try await agent.differences(from: try Self.bundle())
                #expect(report(drift)?.outcome == .unchanged, "\(drift.objects)")
                let again = try await agent.apply(try Self.bundle())
                #expect(report(again)?.outcome == .unchanged, "\(again.objects)")
            }
            // Another process remembers nothing: it sees at most once what no rehearsal shows.
            let other = applier(server, webhook())
            let first = try await other.differences(from: try Self.bundle())
            #expect(report(first)?.outcome == (inRehearsals ? .unchanged : .configured))
            _ = try await other.apply(try Self.bundle())
            let second = try await other.differences(from: try Self.bundle())
            #expect(report(second)?.outcome == .unchanged, "\(second.objects)")
            // What a person changes beside it is seen.
            _ = try await server.api.patch(Self.reference, .merge(["data": ["key": "2"]]), fieldManager: "kubectl-edit")
            let drift = try await agent.differences(from: try Self.bundle())
            #expect(report(drift)?.outcome == .configured)
            #expect(report(drift)?.changes.contains { $0.path == ["data", "key"] } == true)
        }
    }

    /// One that adds something else each time, as a time or a digest. Nobody owns what admission adds.
    @Test func whatAWebhookAddsAnewEachTimeIsNobodysDrift() async throws {
        try await SimulatedServer.run { server in
            func webhook(_ stamp: String) -> AdmissionTransport {
                AdmissionTransport(
                    inner: server.api.transport,
                    onRehearsal: { answer in
                        try? answer.set(.string(stamp), at: ["metadata", "annotations", "seen"])
                        try? answer.set(.string(stamp), at: ["data", "stamp"])
                    })
            }
            #expect(try await applier(server, webhook("0")).apply(try Self.bundle()).succeeded)
            for stamp in ["1", "2", "3"] {
                // Each look is that of a process that remembers nothing.
                let drift = try await applier(server, webhook(stamp)).differences(from: try Self.bundle())
                #expect(report(drift)?.outcome == .unchanged, "\(drift.objects)")
                #expect(report(drift)?.changes.isEmpty == true)
            }
            _ = try await server.api.patch(Self.reference, .merge(["data": ["key": "2"]]), fieldManager: "kubectl-edit")
            let drift = try await applier(server, webhook("4")).differences(from: try Self.bundle())
            #expect(report(drift)?.outcome == .configured)
            #expect(report(drift)?.changes.map(\.path) == [["data", "key"]], "\(drift.objects)")
            // What applying would write is shown whole before a release.
            let told = try await applier(server, webhook("5")).preview(try Self.bundle())
            #expect(report(told)?.changes.count == 3, "\(told.objects)")
        }
    }

    /// Elements of a list of ours that a webhook adds to are found by their names.
    @Test func aSidecarThatAWebhookBringsIsNobodysDrift() async throws {
        try await SimulatedServer.run { server in
            let bundle = try Sample.manifest(Sample.namespace + Sample.deployment("web"))
            func webhook(_ image: String) -> AdmissionTransport {
                AdmissionTransport(
                    inner: server.api.transport,
                    onRehearsal: { answer in
                        let path: FieldPath = ["spec", "template", "spec", "containers"]
                        guard answer["kind"] == "Deployment", let own = answer.value(at: path)?.arrayValue else {
                            return
                        }
                        try? answer.set(.array([["name": "proxy", "image": .string(image)]] + own), at: path)
                    })
            }
            #expect(try await applier(server, webhook("0")).apply(bundle).succeeded)
            let drift = try await applier(server, webhook("1")).differences(from: bundle)
            let found = drift.objects.last { $0.reference.name == "web" }
            #expect(found?.outcome == .unchanged, "\(drift.objects)")
        }
    }
}

/// Changes what is applied as a mutating webhook does: what is sent, or what is answered to a rehearsal.
private struct AdmissionTransport: KubernetesTransport {
    let inner: any KubernetesTransport
    var onRequest: @Sendable (_ body: inout JSONValue, _ isRehearsal: Bool) -> Void = { _, _ in }
    var onRehearsal: @Sendable (_ answer: inout JSONValue) -> Void = { _ in }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        guard request.contentType == "application/apply-patch+yaml", !request.path.contains("/inventory"),
            let bytes = request.body, var body = try? JSONValue(parsing: bytes, duplicateKeys: .refuse)
        else { return try await inner.send(request) }
        let isRehearsal = request.target.contains("dryRun")
        var changed = request
        onRequest(&body, isRehearsal)
        changed.body = body.serializedBytes()
        let response = try await inner.send(changed)
        guard isRehearsal, response.status < 300 else { return response }
        var answered: [UInt8] = []
        for try await chunk in response.body { answered += chunk }
        var answer = try JSONValue(parsing: answered, duplicateKeys: .refuse)
        onRehearsal(&answer)
        return KubernetesResponse(
            status: response.status, headers: response.headers, body: ResponseBody(answer.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
