internal import Testing

@testable internal import SwellCommands

@Suite struct ChartOutputTests {
    @Test func takesTemplatesApartThatWereWrittenWithOtherLineEnds() throws {
        let text =
            "---\n# Source: store/templates/a.yaml\nkind: A\r\n\r\n---\r\n# Source: store/templates/b.yaml\r\nkind: B\r\n"
        #expect(ChartOutput.parts(of: text).map(\.template) == ["templates/a.yaml", "templates/b.yaml"])
    }
}
