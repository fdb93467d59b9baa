internal import Metrics
internal import SwellTelemetry
internal import Testing

@Suite struct PrometheusTests {
    private func lines(_ registry: PrometheusRegistry, of name: String) -> [String] {
        registry.exposition().split(separator: "\n").map(String.init).filter {
            $0.hasPrefix(name) || $0.hasPrefix("# TYPE \(name)") || $0.hasPrefix("# HELP \(name)")
        }
    }

    @Test func countersGaugesAndTheirHeads() {
        let registry = PrometheusRegistry()
        registry.describe("swell.reports", "Reports ingested.\nSince the start.")
        Counter(label: "swell.reports", dimensions: [("region", "us-east-1"), ("le", "x")], factory: registry)
            .increment(by: 3)
        Counter(label: "swell.reports", dimensions: [("le", "x"), ("region", "us-east-1")], factory: registry)
            .increment()
        FloatingPointCounter(label: "swell_cpu_total", factory: registry).increment(by: 0.5)
        Meter(label: "sessions", factory: registry).set(7)
        #expect(
            lines(registry, of: "swell_reports") == [
                "# HELP swell_reports_total Reports ingested.\\nSince the start.",
                "# TYPE swell_reports_total counter",
                "swell_reports_total{exported_le=\"x\",region=\"us-east-1\"} 4",
            ])
        #expect(lines(registry, of: "swell_cpu") == ["# TYPE swell_cpu_total counter", "swell_cpu_total 0.5"])
        #expect(lines(registry, of: "sessions") == ["# TYPE sessions gauge", "sessions 7"])
        #expect(registry.exposition().hasSuffix("swell_metrics_overflowed_total 0\n"))
    }

    @Test func timersAreCumulativeHistogramsInSeconds() {
        let registry = PrometheusRegistry()
        let timer = Timer(label: "store.decide", factory: registry)
        for milliseconds in [1, 20, 2_000, 2_000_000] { timer.recordMilliseconds(milliseconds) }
        let found = lines(registry, of: "store_decide_seconds")
        #expect(found[0] == "# TYPE store_decide_seconds histogram")
        #expect(found.contains("store_decide_seconds_bucket{le=\"0.001\"} 1"))
        #expect(found.contains("store_decide_seconds_bucket{le=\"0.025\"} 2"))
        #expect(found.contains("store_decide_seconds_bucket{le=\"2.5\"} 3"))
        #expect(found.contains("store_decide_seconds_bucket{le=\"900\"} 3"))
        #expect(found.contains("store_decide_seconds_bucket{le=\"+Inf\"} 4"))
        #expect(found.contains("store_decide_seconds_count 4"))
        #expect(found.contains("store_decide_seconds_sum 2002.021"))
    }

    @Test func labelValuesAreEscapedAndCut() {
        let registry = PrometheusRegistry()
        Meter(
            label: "g", dimensions: [("a-b", "x\"y\\z\n"), ("long", String(repeating: "é", count: 300))],
            factory: registry
        )
        .set(1)
        let line = lines(registry, of: "g{")[0]
        #expect(line.hasPrefix("g{a_b=\"x\\\"y\\\\z\\n\",long=\"é"))
        #expect(line.utf8.count < 320)
    }

    @Test func seriesBeyondTheLimitAreCountedTogether() {
        let registry = PrometheusRegistry(seriesLimit: 3)
        for index in 0..<10 {
            Counter(label: "c", dimensions: [("id", "\(index)")], factory: registry).increment()
        }
        #expect(
            lines(registry, of: "c_total") == [
                "# TYPE c_total counter", "c_total{id=\"0\"} 1", "c_total{id=\"1\"} 1", "c_total{id=\"2\"} 1",
                "c_total{id=\"other\"} 7",
            ])
        #expect(registry.exposition().contains("swell_metrics_overflowed_total 7\n"))
    }

    @Test func aNameOfAnotherKindIsNotShownTwice() {
        let registry = PrometheusRegistry()
        Meter(label: "x_total", factory: registry).set(1)
        Counter(label: "x", factory: registry).increment(by: 5)
        #expect(lines(registry, of: "x_total") == ["# TYPE x_total gauge", "x_total 1"])
        #expect(registry.exposition().contains("swell_metrics_overflowed_total 1\n"))
    }

    @Test func countersDoNotFallAndDestroyedSeriesGo() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "c", factory: registry)
        counter.increment(by: 2)
        counter.increment(by: -1)
        #expect(lines(registry, of: "c_total").last == "c_total 2")
        counter.destroy()
        #expect(lines(registry, of: "c_total").isEmpty)
    }

    @Test func recordersAreGaugesOrHistograms() {
        let registry = PrometheusRegistry()
        Gauge(label: "now", factory: registry).record(2.5)
        Recorder(label: "batch", aggregate: true, factory: registry).record(3)
        #expect(lines(registry, of: "now").last == "now 2.5")
        #expect(lines(registry, of: "batch").contains("batch_bucket{le=\"5\"} 1"))
    }
}
