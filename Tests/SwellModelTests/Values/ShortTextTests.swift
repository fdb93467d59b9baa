internal import SwellModel
internal import Testing

@Suite struct ShortTextTests {
    @Test func theMiddleGivesWay() {
        #expect("short".shortened(to: 16) == "short")
        let text = String(repeating: "a", count: 500) + String(repeating: "é", count: 500)
        let cut = text.shortened(to: 103)
        #expect(cut == String(repeating: "a", count: 60) + " … " + String(repeating: "é", count: 40))
        #expect(text.shortened(to: 1_000) == text)
        #expect(text.shortened(to: 999).unicodeScalars.count == 999)
        #expect(text.shortened(to: -5).unicodeScalars.count == 16)
        // A character of many scalars is no way around the limit.
        let heavy = "e" + String(repeating: "\u{301}", count: 5_000)
        #expect(heavy.shortened(to: 64).unicodeScalars.count == 64)
    }
}
