internal import Testing

@testable internal import SwellModel

/// Lengths of time as people write them.
@Suite struct IntervalTests {
    @Test(arguments: [
        ("3d", Interval.hours(72)), ("1d12h", .hours(36)), ("1h30m", .minutes(90)), ("250ms", .milliseconds(250)),
    ])
    func isRead(text: String, length: Interval) { #expect(Interval(text) == length) }

    @Test(arguments: ["", "3", "d", "12h1d", "3 d", "3days", "4000d", "-1d"])
    func isRefused(text: String) { #expect(Interval(text) == nil) }

    /// Kubernetes and Go know no days, and what is stored is read by replicas of before.
    @Test func daysAreNotWritten() { #expect(Interval("3d")?.description == "72h") }
}
