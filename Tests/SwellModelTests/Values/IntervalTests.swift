internal import Testing

@testable internal import SwellModel

/// Lengths of time as people write them.
@Suite struct IntervalTests {
    @Test(arguments: [
        ("3d", Interval.hours(72)), ("1d12h", .hours(36)), ("1h30m", .minutes(90)), ("250ms", .milliseconds(250)),
    ])
    func isRead(text: String, length: Interval) { #expect(Interval(text) == length) }

    @Test(arguments: [
        "", "3", "d", "12h1d", "3 d", "3days", "4000d", "-1d", "106751991168d", "999999999999d", "2562047788016h",
        "999999999999h", "999999999999m", "999999999999s", "9223372036854775807ms", "9223372036854775808ms",
        "3650d999999999999s",
    ])
    func isRefused(text: String) { #expect(Interval(text) == nil) }

    /// Kubernetes and Go know no days, and what is stored is read by replicas of before.
    @Test func daysAreNotWritten() { #expect(Interval("3d")?.description == "72h") }
}
