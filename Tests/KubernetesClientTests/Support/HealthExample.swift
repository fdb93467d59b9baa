internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// An object as a server may have it, and what is to be said of its health.
struct HealthExample: Sendable, CustomTestStringConvertible {
    /// The moment at which the tests judge.
    static let now = KubernetesTime(parsing: "2026-11-21T09:00:00Z") ?? KubernetesTime(seconds: 0)

    var name: String
    var value: HealthValue
    /// What the message must hold; empty for a healthy object of which nothing is to be said.
    var told: String
    /// The object, in YAML.
    var yaml: String
    var context: HealthContext

    init(
        _ name: String, _ value: HealthValue, _ told: String, _ yaml: String,
        context: HealthContext = HealthContext(now: now)
    ) {
        self.name = name
        self.value = value
        self.told = told
        self.yaml = yaml
        self.context = context
    }

    var testDescription: String { name }

    func check() throws {
        let object = try KubernetesObject(json: YAMLReader.document(in: yaml, file: name).root.json)
        let assessment = HealthAssessment(of: object, context: context)
        #expect(assessment.value == value, "\(assessment.message)")
        #expect(assessment.message.contains(told), "\(assessment.message)")
        if assessment.value == .healthy, told.isEmpty { #expect(assessment.message.isEmpty) }
    }
}
