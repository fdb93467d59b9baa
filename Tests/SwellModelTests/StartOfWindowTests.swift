internal import SwellModel
internal import Testing

@Suite struct StartOfWindowTests {
    private static let now = Timestamp("2026-11-30T12:00:00Z") ?? Timestamp(milliseconds: 0)

    @Test(arguments: [
        ("2h", "2026-11-30T10:00:00Z"), ("-2h", "2026-11-30T10:00:00Z"), ("1d", "2026-11-29T12:00:00Z"),
        ("0s", "2026-11-30T12:00:00Z"), ("2026-11-30", "2026-11-30T00:00:00Z"),
        ("2026-11-30T09:30:00Z", "2026-11-30T09:30:00Z"), ("2026-11-30T09:30:00+02:00", "2026-11-30T07:30:00Z"),
        ("2026-11-30T23:30:00.5-01:30", "2026-12-01T01:00:00.500Z"),
        ("2026-03-01T00:00:00+00:30", "2026-02-28T23:30:00Z"),
    ])
    func isReadAsPeopleWriteIt(text: String, expected: String) throws {
        let start = try #require(StartOfWindow(text))
        #expect(start.moment(now: Self.now) == Timestamp(expected))
        #expect(
            StartOfWindow(start.text)?.moment(now: Self.now) == Timestamp(expected), "what is sent on means the same")
    }

    @Test(arguments: [
        "", "-", "--2h", "yesterday", "2026-02-30", "2026-11-30T09:30", "2026-11-30T09:30:00",
        "2026-11-30T09:30:00+2:00",
        "2026-11-30T09:30:00+24:00", "2026-11-30T09:30:00+02:60", "2026-11-30T09:30:00Z+02:00", "+02:00", "2026-11-30Z",
    ])
    func isNothingElse(text: String) { #expect(StartOfWindow(text) == nil) }
}
