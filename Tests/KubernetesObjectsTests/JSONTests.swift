internal import KubernetesObjects
internal import Testing

@Suite struct JSONTests {
    @Test func parsesEveryKindOfValue() throws {
        let text = #" {"a": [1, -2, 0.5, 1e3, true, false, null, "x\n\u00e9\ud83d\ude00"], "b": {"c": {}}} "#
        let value = try JSONValue(parsing: text)
        #expect(value["a"]?[0] == .integer(1))
        #expect(value["a"]?[1] == .integer(-2))
        #expect(value["a"]?[2] == .number(0.5))
        #expect(value["a"]?[3] == .number(1000))
        #expect(value["a"]?[6] == .null)
        #expect(value["a"]?[7]?.stringValue == "x\né😀")
        #expect(value.value(at: ["b", "c"]) == .object([:]))
    }

    @Test(arguments: [
        ("{\n  \"a\": tru\n}", "line 2, column 8"), ("[1,]", "line 1, column 4"), ("", "line 1, column 1"),
        ("[1] 2", "column 5"), ("01", "column 2"), ("\"a", "not closed"), ("\"\u{01}\"", "control character"),
        ("{\"a\":1,\"a\":2}", "column 8: key \"a\" is there twice"), ("1e999", "out of range"), ("[\"\\x\"]", "escape"),
        ("-", "digit"), ("nul", "null"),
    ])
    func namesThePlaceOfAnError(text: String, expected: String) {
        let error = #expect(throws: KubernetesObjectError.self) { try JSONValue(parsing: text) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }

    @Test func boundsDepthAndSize() {
        let deep = String(repeating: "[", count: 5000)
        let tooDeep = #expect(throws: KubernetesObjectError.self) { try JSONValue(parsing: deep) }
        #expect(tooDeep?.code == .limitExceeded)
        let tooBig = #expect(throws: KubernetesObjectError.self) {
            try JSONValue(parsing: "[1,2,3]", limits: ReadingLimits(maximumBytes: 6))
        }
        #expect(tooBig?.code == .limitExceeded)
        let tooMany = #expect(throws: KubernetesObjectError.self) {
            try JSONValue(parsing: "[1,2,3]", limits: ReadingLimits(maximumNodes: 3))
        }
        #expect(tooMany?.code == .limitExceeded)
    }

    @Test func keepsLastDuplicateWhenAsked() throws {
        #expect(try JSONValue(parsing: "{\"a\":1,\"a\":2}", duplicateKeys: .keepLast) == ["a": 2])
    }

    @Test func serializesCanonically() throws {
        let value: JSONValue = ["b": [1, 2.5, nil], "a": "q\"\\\n\u{1}", "c": [:]]
        #expect(value.serialized() == #"{"a":"q\"\\\n\u0001","b":[1,2.5,null],"c":{}}"#)
        #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
        #expect(value.serialized(pretty: true).hasPrefix("{\n  \"a\": "))
    }

    @Test func keepsLargeIntegersExact() throws {
        let text = "[9223372036854775807,-9223372036854775808]"
        #expect(try JSONValue(parsing: text).serialized() == text)
        #expect(try JSONValue(parsing: "9223372036854775808").doubleValue == 9_223_372_036_854_775_808)
    }

    @Test func setsAndRemovesByPath() throws {
        var value: JSONValue = ["spec": ["list": [["name": "a"]]]]
        try value.set("b", at: FieldPath(parsing: "spec.list[0].name"))
        try value.set(3, at: ["spec", "new", "deep"])
        #expect(value == ["spec": ["list": [["name": "b"]], "new": ["deep": 3]]])
        #expect(value.remove(at: ["spec", "new", "absent"]) == nil)
        #expect(value.remove(at: ["spec", "new", "deep"]) == 3)
        let error = #expect(throws: KubernetesObjectError.self) { try value.set(1, at: ["spec", "list", "x"]) }
        #expect(error?.message.contains("spec.list is an array") == true)
    }
}

@Suite struct FieldPathTests {
    @Test(arguments: [
        "spec.replicas", "spec.template.spec.containers[0].image", "metadata.annotations[\"example.com/a.b\"]",
        "[1][2]",
    ])
    func readsWhatItWrites(text: String) throws {
        #expect(try FieldPath(parsing: text).description == text)
    }

    @Test func readsPointersAndLeadingDots() throws {
        #expect(try FieldPath(parsing: "/spec/a~1b/0") == FieldPath([.key("spec"), .key("a/b"), .index(0)]))
        #expect(try FieldPath(parsing: ".spec") == ["spec"])
    }

    @Test(arguments: ["a..b", "a[", "a[x]", "a[\"b]", "a.", "/a~2"])
    func refusesBrokenPaths(text: String) {
        let error = #expect(throws: KubernetesObjectError.self) { try FieldPath(parsing: text) }
        #expect(error?.code == .invalidPath)
    }
}
