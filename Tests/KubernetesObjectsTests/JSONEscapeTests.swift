internal import KubernetesObjects
internal import Testing

/// What other programs write of a character beyond U+FFFF in JSON.
@Suite struct JSONEscapeTests {
    private func data(_ text: String) throws -> JSONValue? {
        try Manifest.objects(in: text, file: "a.json").first?.json["data"]?["a"]
    }

    @Test(arguments: [
        (#"\ud83d\ude00"#, "😀"), (#"\uD83D\uDE00 and \u00e9"#, "😀 and é"), (#"\\ud83d\\ude00"#, #"\ud83d\ude00"#),
        (#"\\\ud83d\ude00"#, #"\😀"#), (#"x\"\ud83d\ude00"#, #"x"😀"#),
    ])
    func halvesAreOneCharacter(escaped: String, text: String) throws {
        let object = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"\#(escaped)"}}"#
        #expect(try data(object) == .string(text))
        #expect(try data("\n  " + object) == .string(text))
    }

    @Test func aHalfAloneIsRefused() {
        #expect(throws: KubernetesObjectError.self) {
            try Manifest.objects(in: #"{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"\ud83d"}}"#, file: "a.json")
        }
    }

    @Test func whatIsNoJSONStaysAsItStands() throws {
        let text = #"{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: '\ud83d\ude00'}}"#
        #expect(try data(text) == .string(#"\ud83d\ude00"#))
    }
}
