internal import KubernetesObjects
internal import SwellModel
internal import Testing

@Suite struct ChangeLimitsTests {
    private static func change(_ name: String, _ fields: [ChangedField] = []) -> ObjectChange {
        ObjectChange(
            apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: name, action: .update, fields: fields)
    }

    private static func field(_ path: String, _ before: String?, _ after: String?) -> ChangedField {
        ChangedField(path: path, before: before.map(JSONValue.string), after: after.map(JSONValue.string))
    }

    @Test func whatFitsIsToldAsItIs() {
        let changes = [Self.change("a", [Self.field("data.a", "1", nil)]), Self.change("b")]
        let told = ChangeLimits.drift.bounded(changes)
        #expect(told.kept == changes)
        #expect(told.omitted == 0)
    }

    @Test func objectsAndFieldsBeyondTheLimitsAreCounted() {
        let fields = (0..<20).map { Self.field("data.f\($0)", "1", "2") }
        let told = ChangeLimits.drift.bounded((0..<40).map { Self.change("c\($0)", fields) })
        #expect(told.kept.count <= 16)
        #expect(told.kept.count + told.omitted == 40)
        #expect(told.kept.allSatisfy { $0.fields.count == 8 && $0.omittedFields == 12 })
        #expect(told.kept.reduce(0) { $0 + $1.size } <= ChangeLimits.drift.totalBytes)
    }

    @Test func anObjectThatIsTooLargeDoesNotHideSmallerOnes() {
        let limits = ChangeLimits(objects: 10, fields: 10, valueBytes: 1_000, totalBytes: 1_500)
        let large = Self.change(
            "large", (0..<3).map { Self.field("data.f\($0)", nil, String(repeating: "x", count: 900)) })
        let told = limits.bounded([large, Self.change("small")])
        #expect(told.kept.map(\.name) == ["small"])
        #expect(told.omitted == 1)
    }

    @Test func ofLongTextsTheLinesThatDifferAreKept() throws {
        let lines = (0..<400).map { "setting-\($0) = value" }
        var changed = lines
        changed[200] = "setting-200 = other"
        let told = ChangeLimits.drift.bounded([
            Self.change("a", [Self.field("data.conf", lines.joined(separator: "\n"), changed.joined(separator: "\n"))])
        ])
        let field = try #require(told.kept.first?.fields.first)
        #expect(field.before?.stringValue?.contains("setting-200 = value") == true)
        #expect(field.after?.stringValue?.contains("setting-200 = other") == true)
        #expect(field.before?.stringValue?.contains("setting-100") == false)
        #expect(field.before?.stringValue?.hasPrefix("… (197 lines alike)") == true, "\(field)")
    }

    @Test(arguments: ["ü", "x", "🚀"]) func aValueIsCutBetweenCharacters(_ letter: String) throws {
        let limits = ChangeLimits(objects: 1, fields: 1, valueBytes: 101, totalBytes: 10_000)
        let told = limits.bounded([Self.change("a", [Self.field("data.a", nil, String(repeating: letter, count: 300))])]
        )
        let text = try #require(told.kept.first?.fields.first?.after?.stringValue)
        #expect(text.hasPrefix(letter))
        #expect(text.contains("bytes more)"))
        #expect(!text.contains("\u{FFFD}"))
        #expect(text.utf8.count < 140)
    }

    @Test func aValueThatIsNoTextIsCutAsJSON() throws {
        let limits = ChangeLimits(objects: 1, fields: 1, valueBytes: 20, totalBytes: 10_000)
        let value = JSONValue.array((0..<50).map { .integer($0) })
        let change = Self.change("a", [ChangedField(path: "spec.list", before: 1, after: value)])
        let field = try #require(limits.bounded([change]).kept.first?.fields.first)
        #expect(field.before == 1)
        #expect(field.after?.stringValue?.hasPrefix("[0,1,2") == true)
    }

    @Test(
        arguments: [
            (
                [change("web", [ChangedField(path: "spec.replicas", before: 2, after: 5, managers: ["kubectl-edit"])])],
                "ConfigMap shop/web spec.replicas: found 5 (by kubectl-edit), put back to 2"
            ),
            (
                [
                    ObjectChange(apiVersion: "v1", kind: "Service", namespace: "shop", name: "web", action: .delete),
                    change("b"),
                ], "Service shop/web: was deleted, put back; 1 more object"
            ), ([], "everything is as released again"),
        ] as [([ObjectChange], String)])
    func driftInOneLine(_ objects: [ObjectChange], _ line: String) {
        let report = DriftReport(foundAt: Timestamp(milliseconds: 1), isCorrected: true, objects: objects)
        #expect(report.summary == line)
    }

    /// What was found is never read as what it was made: "3 -> 7" said of a correction looks as if 7 were the result.
    @Test func driftThatIsLeftSaysWhatTheReleaseHas() {
        let field = ChangedField(path: "spec.replicas", before: 3, after: 7)
        var report = DriftReport(
            foundAt: Timestamp(milliseconds: 1), isCorrected: false, objects: [Self.change("web", [field])])
        #expect(report.summary == "ConfigMap shop/web spec.replicas: found 7, released as 3")
        report.objects[0].action = .delete
        #expect(report.summary == "ConfigMap shop/web: is deleted")
        report.objects[0].action = .fail
        report.objects[0].message = "namespaces 'shop' not found"
        #expect(report.summary == "ConfigMap shop/web: namespaces 'shop' not found")
    }
}
