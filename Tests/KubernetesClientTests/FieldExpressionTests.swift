internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

@Suite struct FieldExpressionTests {
    private static let value: JSONValue = [
        "status": [
            "phase": "Ready", "replicas": 2, "ratio": 0.5, "isLeader": true, "name-x": "v",
            "conditions": [["type": "Synced", "status": "False"], ["type": "Ready", "status": "True"]],
        ]
    ]

    @Test(arguments: [
        ("status.phase == \"Ready\" && status.replicas >= 2", true),
        ("status.phase == 'Ready' && status.replicas > 2", false),
        ("status.replicas == 2.0", true), ("status.ratio < 1", true), ("status.absent == null", true),
        ("status.absent > 1", false), ("status.absent < 1", false), ("!status.absent", true), ("status.isLeader", true),
        ("status.conditions[type=Ready].status == \"True\"", true),
        ("status.conditions[type=\"Synced\"].status != 'True'", true),
        ("status.conditions[0].type == \"Synced\"", true), ("status['name-x'] == \"v\"", true),
        ("status.name-x == \"v\"", true),
        ("false || true && false", false), ("(false || true) && !false", true), ("status.phase < \"S\"", true),
        (".status.replicas != -1", true), ("!(status.replicas == 2)", false),
    ])
    func evaluates(text: String, expected: Bool) throws {
        #expect(try FieldExpression(parsing: text).holds(for: FieldExpressionTests.value) == expected)
    }

    @Test(arguments: [
        ("status.phase = \"x\"", "column 14: = is no operator"), ("", "column 1: expected a field"),
        ("(a", "expected )"),
        ("a == ", "expected a field, a value"), ("a b", "column 3: expected an operator"), ("a == \"x", "not closed"),
        ("a[", "expected a field name"), ("a[x]", "expected an index"), ("a..b", "expected a field name"),
        ("1.2.3", "is no number"),
    ])
    func namesTheColumnOfAnError(text: String, expected: String) {
        let error = #expect(throws: KubernetesObjectError.self) { try FieldExpression(parsing: text) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }

    @Test func boundsLengthAndDepth() {
        #expect(throws: KubernetesObjectError.self) { try FieldExpression(parsing: String(repeating: "(", count: 500)) }
        #expect(throws: KubernetesObjectError.self) {
            try FieldExpression(parsing: String(repeating: "!", count: 1999) + "a")
        }
        #expect(throws: KubernetesObjectError.self) {
            try FieldExpression(parsing: String(repeating: "a", count: 3000))
        }
    }
}
