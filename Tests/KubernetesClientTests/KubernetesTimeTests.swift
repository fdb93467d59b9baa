internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

@Suite struct KubernetesTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0.0), ("2026-11-21T09:00:00Z", 1_795_251_600.0),
        ("2024-02-29T23:59:59.5Z", 1_709_251_199.5),
        ("2026-11-21T10:00:00+01:00", 1_795_251_600.0), ("1969-12-31T23:59:59Z", -1.0),
    ])
    func readsTimes(text: String, seconds: Double) {
        #expect(KubernetesTime(parsing: text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-13-21T09:00:00Z", "2026-11-21T09:00:00", "2026-11-21T09:00:00+1",
        "x026-11-21T09:00:00Z",
    ])
    func refusesOtherTexts(text: String) {
        #expect(KubernetesTime(parsing: text) == nil)
    }
}
