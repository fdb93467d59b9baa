internal import Testing

@testable internal import SwellCommands

@Suite struct ChartLookupTests {
    @Test(
        arguments: [
            ("a: {{ lookup \"v1\" \"Secret\" .Release.Namespace \"s\" }}\n", [1]),
            (
                "a: 1\n{{- $s := (lookup \"v1\" \"Secret\" \"n\" \"s\").data -}}\nb: 2\n{{- if\n  (lookup \"v1\" \"Node\" \"\" \"\") }}",
                [2, 5]
            ),
            (
                "{{/* lookup */}}\n# lookup\na: {{ \"lookup\" }} {{ `lookup` }} {{ .Values.lookup }} {{ my.lookup }}\n",
                []
            ),
            ("a: \"{{ printf \"\\\"}}\" }}\" {{ lookup }}\n", [1]), ("{{ lookup", []),
        ] as [(String, [Int])])
    func findsCallsAndNothingElse(template: String, lines: [Int]) {
        #expect(ChartLookups.lines(in: template) == lines)
    }
}

@Suite struct TextEncodingTests {
    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x61, 0], " but UTF-16; convert it with `iconv -f UTF-16 -t UTF-8 'a b.yaml'`"),
            ([0x61, 0, 0x62, 0], " but UTF-16LE; convert it with `iconv -f UTF-16LE -t UTF-8 'a b.yaml'`"),
            ([0, 0x61, 0, 0x62], " but UTF-16BE; convert it with `iconv -f UTF-16BE -t UTF-8 'a b.yaml'`"),
            ([0xE9, 0x61, 0x62, 0x63], ""), ([], ""),
        ] as [([UInt8], String)])
    func namesTheEncodingAndHowToConvert(bytes: [UInt8], advice: String) {
        #expect(TextEncoding.advice(for: bytes, file: "a b.yaml") == advice)
    }
}
