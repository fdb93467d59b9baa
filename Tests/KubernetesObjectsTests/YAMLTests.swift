internal import KubernetesObjects
internal import Testing

@Suite struct YAMLReaderTests {
    /// The pairs are what `sigs.k8s.io/yaml` makes of the same text.
    @Test(
        arguments: [
            ("yes", true), ("off", false), ("y", true), ("~", nil), ("", nil), ("Null", nil), ("0644", 420),
            ("0o17", 15),
            ("0x1F", 31), ("0b11", 3), ("-0x10", -16), ("1_000", 1000), ("08", 8), ("1e3", 1000), ("1.50", 1.5),
            (".5", 0.5),
            ("1.0", 1), ("1:30", "1:30"), ("2026-01-02", "2026-01-02"), ("10Gi", "10Gi"), ("1.2.3", "1.2.3"),
            ("'1'", "1"), ("\"yes\"", "yes"), ("!!str 1", "1"), ("!!int \"7\"", 7), ("+5", 5), ("0x", "0x"),
        ] as [(String, JSONValue)])
    func resolvesScalarsAsKubernetesDoes(text: String, expected: JSONValue) throws {
        let document = try YAMLReader.document(in: "v: \(text)\n")
        #expect(document.root["v"]?.json == expected)
    }

    @Test func carriesPositions() throws {
        let text = "# comment\nspec:\n  ports:\n    - port: 80\n      name: http\n"
        let document = try YAMLReader.document(in: text, file: "svc.yaml")
        let name = try #require(document.root.node(at: try FieldPath(parsing: "spec.ports[0].name")))
        #expect(document.location(of: name) == "svc.yaml:5:13")
        let entry = try #require(document.root.node(at: ["spec"])?.entries?.first)
        #expect((entry.line, entry.column) == (3, 3))
    }

    @Test func readsManyDocumentsAndSkipsEmptyOnes() throws {
        let documents = try YAMLReader.documents(in: "---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n")
        #expect(documents.map(\.root.json) == [["a": 1], ["b": 2]])
        #expect(try YAMLReader.documents(in: "").isEmpty)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "is there twice"), ("true: 1\nyes: 2\n", "x.yaml:2:1: .: key \"true\" is there twice"),
        ("a: [1\n", "x.yaml:2:1"), ("a: !vault x\n", "x.yaml:1:4: a: tag !vault is unknown"), ("a: *b\n", "alias"),
        ("a: .inf\n", "x.yaml:1:4: a: .inf"), ("? [a]\n: 1\n", "a key must be a scalar"),
        ("a: {{ .Values.a }}\n", "name its chart's folder"),
        ("a: !!int x\n", "does not fit"),
        ("null: 1\n", "cannot be a key"), ("a:\n  <<: 3\n", "<< merges mappings only"),
    ])
    func namesThePlaceOfAnError(text: String, expected: String) {
        let error = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: text, file: "x.yaml")
        }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("x.yaml:") == true, "\(error?.message ?? "")")
    }

    @Test func expandsAnchorsAndMergeKeys() throws {
        let text = """
            base: &base {a: 1, b: 2}
            one: {<<: *base, b: 3}
            two: {<<: [{c: 1}, *base, {c: 9}]}
            three: *base
            """
        let json = try YAMLReader.document(in: text).root.json
        #expect(json["one"] == ["a": 1, "b": 3])
        #expect(json["two"] == ["a": 1, "b": 2, "c": 1])
        #expect(json["three"] == ["a": 1, "b": 2])
    }

    @Test func refusesAliasBombsQuickly() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...20 {
            let references = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(references)]\n"
        }
        let bomb = #expect(throws: KubernetesObjectError.self) { try YAMLReader.documents(in: text) }
        #expect(bomb?.code == .limitExceeded)
        let inKey = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: text + "? *a20\n: 1\n? x\n: 2\n")
        }
        #expect(inKey?.code == .limitExceeded)
    }

    @Test func boundsDepthAndSize() {
        let deep = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: String(repeating: "[", count: 100_000))
        }
        #expect(deep?.code == .limitExceeded)
        let large = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: "a: 12345", limits: ReadingLimits(maximumBytes: 4))
        }
        #expect(large?.code == .limitExceeded)
    }

    @Test func wantsOneDocumentWhereOneIsAskedFor() {
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.document(in: "a: 1\n---\nb: 1\n") }
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.document(in: "") }
    }
}

@Suite struct YAMLEmitterTests {
    @Test func writesBlockStyleWithSortedKeys() {
        let value: JSONValue = [
            "kind": "ConfigMap", "apiVersion": "v1",
            "data": ["script": "line 1\nline 2\n", "port": "80", "on": "yes"],
            "list": [["b": 1, "a": []], [1, 2], "x"],
        ]
        #expect(
            value.yaml() == """
                apiVersion: v1
                data:
                  "on": "yes"
                  port: "80"
                  script: |
                    line 1
                    line 2
                kind: ConfigMap
                list:
                - a: []
                  b: 1
                - - 1
                  - 2
                - x

                """)
    }

    @Test func everyStringSurvivesTheRoundTrip() throws {
        let texts = [
            "", " ", "a", "a: b", "a #b", "#a", "- a", "-", "--- ", "yes", "0x10", "1e3", ".5", "~", "null", "a\nb",
            "a\nb\n",
            "a\n\n", "\na", " a\nb", "a\n b\n", "tab\there", "a\r\nb", "quote\"'", "é😀", "\u{85}", "\u{2028}",
            "x\u{FEFF}y",
            "\u{7}", "key:", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "=", "<<", "1:30",
            "2026-01-01",
            "a\n  \nb\n", "trailing ", "?", "? a", "a,b", "C:\\x", "\t\na", "...", "--- a", "---\na",
        ]
        for text in texts {
            let value: JSONValue = ["k": .string(text), "l": [.string(text)], text: 1]
            #expect(try YAMLReader.document(in: value.yaml()).root.json == value, "\(text.debugDescription)")
            #expect(try YAMLReader.documents(in: JSONValue.string(text).yaml()).first?.root.json == .string(text))
        }
    }
}
