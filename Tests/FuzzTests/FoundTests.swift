internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient
@testable internal import KubernetesSimulator
@testable internal import PostgresClient
@testable internal import SwellConsole
@testable internal import SwellIdentity
@testable internal import SwellModel

/// What fuzzing and the review beside it found, each by name. The inputs are in the corpus too.
@Suite struct FoundTests {
    @Test func copiesOfCopiesAreRefusedBeforeTheyDoubleForEver() throws {
        let patch = JSONPatch(Array(repeating: .copy(from: "/a", path: "/a/-"), count: 60))
        #expect(throws: KubernetesObjectError.self) { try patch.apply(to: ["a": ["x"]]) }
        #expect(try JSONPatch([.copy(from: "/a", path: "/b")]).apply(to: ["a": ["x"]]) == ["a": ["x"], "b": ["x"]])
    }

    @Test func aPatchCannotNestDeeperThanAParserReads() throws {
        var operations: [JSONPatch.Operation] = []
        for _ in 0..<300 {
            operations += [
                .move(from: "/a", path: "/b"), .add(path: "/a", value: [:]), .move(from: "/b", path: "/a/x"),
            ]
        }
        #expect(throws: KubernetesObjectError.self) { try JSONPatch(operations).apply(to: ["a": []]) }
    }

    @Test func aliasesOfOneLongTextAreABombToo() {
        let text =
            "a: &a \"\(String(repeating: "x", count: 100_000))\"\nb: [\(Array(repeating: "*a", count: 2_000).joined(separator: ","))]"
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.documents(in: text) }
    }

    @Test func aMarkThatJoinsASlashDoesNotHideIt() throws {
        let path = try FieldPath(parsing: "/a/\u{301}b")
        #expect(path == FieldPath([.key("a"), .key("\u{301}b")]))
        #expect(try JSONPatch([.remove(path: "/a/\u{301}b")]).apply(to: ["a": ["\u{301}b": 1]]) == ["a": [:]])
    }

    @Test(arguments: ["a\r", "a\nb", "a\r\nb", "\u{301}a", "a|b|c"]) func anInventoryOfAnyNamesReadsBack(name: String)
        throws
    {
        let role = GroupVersionKind(group: "rbac.authorization.k8s.io", version: "v1", kind: "Role")
        let inventory = Inventory([
            ObjectReference(type: role, namespace: "shop", name: name),
            ObjectReference(type: role, namespace: "shop", name: "b"),
        ])
        #expect(try Inventory(data: inventory.data) == inventory)
    }

    @Test func aWatchedObjectThatIsNoneIsTheServersFault() {
        let selection = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop")
        #expect(throws: KubernetesError.self) {
            try WatchEvent(line: Array(#"{"type":"ADDED","object":"x"}"#.utf8), selection: selection)
        }
    }

    @Test(arguments: [
        "9223372036854775807e1", "9e9223372036854775807", "1e-9223372036854775808", "-9223372036854775808E2",
    ])
    func aQuantityBeyondAllMeasureIsNoQuantity(text: String) {
        #expect(Quantity.canonical(text) == nil)
        #expect(Quantity.amount(.string(text)).map { abs($0) > 1e18 } ?? true)
    }

    @Test func aKeyWithQuotesReadsBack() throws {
        let path = FieldPath([.key("a.\"b")])
        #expect(try FieldPath(parsing: path.description) == path)
    }

    @Test func aKeyLongerThanYAMLLooksReadsBack() throws {
        let value: JSONValue = .object([String(repeating: "k", count: 1_500): ["a": [1, ["b": "c"]]]])
        #expect(try YAMLReader.document(in: value.yaml()).root.json == value)
    }

    @Test(arguments: [
        "2026-02-30T00:00:00Z", "2026x01-01T00:00:00Z", "2026-01-01T00:00:00.123abcZ", "2026-01-01T00:00:60Z",
    ]) func momentsThatAreNoneAreRefused(text: String) { #expect(SwellModel.Timestamp(text) == nil) }

    @Test func aShortTextThatNamesALongParameterOftenIsRefused() throws {
        let substitution = Substitution(value: { _ in String(repeating: "x", count: 4_096) }, known: ["a"])
        var room = Substitution.maximumText
        #expect(throws: ModelError.self) {
            try substitution.apply(to: .string(String(repeating: "${a}", count: 20_000)), room: &room)
        }
    }

    @Test func countsOfAServerDoNotOverflow() throws {
        for (kind, replicas) in [("StatefulSet", Int64.min), ("Deployment", -1)] {
            let object = try KubernetesObject(json: [
                "apiVersion": "apps/v1", "kind": .string(kind), "metadata": ["name": "a"],
                "spec": ["replicas": .integer(replicas), "updateStrategy": ["rollingUpdate": ["partition": 9]]],
                "status": ["observedGeneration": 1, "replicas": .integer(.max), "updatedReplicas": 5],
            ])
            _ = try #require(HealthRules.assess(object, HealthContext(now: KubernetesTime(seconds: 0))))
        }
    }

    @Test func aHookMayNotTakeForEver() {
        #expect(Hook.duration(String(repeating: "999999999h", count: 3)) == nil)
        #expect(Hook.duration("168h") == .seconds(604_800))
        #expect(Hook.duration("168h1s") == nil)
    }

    @Test func aServerThatAsksForANegativeWaitIsNotWaitedFor() {
        let error = KubernetesError(
            statusBody: ["kind": "Status", "details": ["retryAfterSeconds": -5]], httpStatus: 429, what: "x",
            retryAfter: nil)
        #expect(error.retryAfter == .zero)
    }

    @Test func infiniteDatesAndMalformedNumbersAreErrors() {
        func cell(_ type: PostgresType, _ bytes: [UInt8]) -> PostgresCell {
            PostgresCell(column: "c", type: type, bytes: bytes[...])
        }
        for bytes: [UInt8] in [[0x7F, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0], [0x7F, 0xFF, 0, 0]] {
            #expect(throws: PostgresError.self) { try PostgresTimestamp.decode(cell(.date, bytes)) }
        }
        #expect(throws: PostgresError.self) {
            try PostgresTimestamp.decode(cell(.timestamptz, [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]))
        }
        #expect(throws: PostgresError.self) { try String.decode(cell(.numeric, [0, 1, 0, 0, 0, 0, 0, 0, 0x80, 0])) }
    }

    @Test func anAddressEndsWhereItsTextEnds() {
        #expect(throws: IdentityError.self) { try ServerNames(["127.0.0.1\0.example.com"]) }
    }

    @Test func aSignIsNoHexadecimalDigit() { #expect("a%+5".removingPercentEncoding == nil) }

    @Test func simulatedServersSurviveNumbersBeyondAllSense() {
        #expect(IntOrPercent.resolve("9223372036854775807%", of: 3, roundingUp: true) == 0)
        #expect(IntOrPercent.resolve(.integer(.max), of: 3, roundingUp: true) == Int(Int32.max))
        #expect(KubernetesSimulator.Timestamp.instant("9223372036854775807-01-01T00:00:00Z") == nil)
        #expect(KubernetesSimulator.Timestamp.text(1e300) == "9999-12-31T23:59:59Z")
        #expect((try? LabelSelector(parsing: "app in (a,b")) == nil)
        #expect((["spec": ["replicas": .integer(.max)]] as JSONValue).int("spec", "replicas") == 1 << 40)
    }
}
