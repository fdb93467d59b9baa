internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

@Suite struct HealthSummaryTests {
    @Test func isAsTheWorstMember() {
        func member(_ name: String, _ value: HealthValue) -> (ObjectReference, HealthAssessment) {
            (ObjectReference(type: configMapType, namespace: "a", name: name), HealthAssessment(value, "because"))
        }
        let summary = HealthSummary(of: [
            member("x", .healthy), member("y", .degraded), member("z", .progressing), member("w", .degraded),
        ])
        #expect(summary.value == .degraded)
        #expect(summary.message == "v1 ConfigMap a/y: because")
        #expect(summary.counts == [.healthy: 1, .degraded: 2, .progressing: 1])
        #expect(HealthSummary(of: []).value == .healthy)
        #expect(HealthValue.allCases == [.failed, .degraded, .unknown, .progressing, .suspended, .healthy])
    }
}
