public import Metrics
internal import Synchronization

/// Keeps the process's metrics and writes them as Prometheus reads them (text format 0.0.4).
///
/// Counters get the suffix `_total`, timers become histograms in seconds with the suffix `_seconds`, recorders that
/// aggregate become histograms, other recorders and meters become gauges. A metric has at most `seriesLimit` series:
/// what comes beyond is counted in one series more, all of whose labels say `other`, and in
/// `swell_metrics_overflowed_total`. A name that is in use for another kind of metric is counted there too, and not
/// shown.
public final class PrometheusRegistry: MetricsFactory {
    /// The media type of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// A timer's buckets, in seconds: from a statement's time to a slow rollout step's.
    public static let timerBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
    ]
    /// An aggregating recorder's buckets: sizes and counts.
    public static let recorderBounds: [Double] = [
        1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 10_000, 100_000, 1_000_000,
    ]

    private enum Kind: String { case counter, gauge, histogram }

    private enum Series {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)

        var handler: AnyObject {
            switch self {
            case .counter(let series): series
            case .gauge(let series): series
            case .histogram(let series): series
            }
        }
    }

    private struct Family {
        let kind: Kind
        var series: [LabelSet: Series] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
    }

    private let seriesLimit: Int
    private let overflowed = CounterSeries()
    private let state = Mutex(State())

    /// - Parameter seriesLimit: the most series of one metric.
    public init(seriesLimit: Int = 500) { self.seriesLimit = max(1, seriesLimit) }

    /// Says what a metric means; `label` as it is given where the metric is made.
    public func describe(_ label: String, _ text: String) {
        state.withLock { $0.help[MetricNames.metric(label)] = text }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { counter(label, dimensions) }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        return histogram(MetricNames.metric(label), dimensions, bounds: Self.recorderBounds)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(
            Self.suffixed(MetricNames.metric(label), with: "_seconds"), dimensions, bounds: Self.timerBounds)
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        let name = Self.suffixed(MetricNames.metric(label), with: "_total")
        if case .counter(let found) = series(name, .counter, dimensions, new: { .counter(CounterSeries()) }) {
            return found
        }
        return CounterSeries()
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        if case .gauge(let found) = series(
            MetricNames.metric(label), .gauge, dimensions, new: { .gauge(GaugeSeries()) })
        {
            return found
        }
        return GaugeSeries()
    }

    private func histogram(_ name: String, _ dimensions: [(String, String)], bounds: [Double]) -> HistogramSeries {
        if case .histogram(let found) = series(
            name, .histogram, dimensions, new: { .histogram(HistogramSeries(bounds: bounds)) })
        {
            return found
        }
        return HistogramSeries(bounds: bounds)
    }

    /// The series of that name and those labels, made if need be; nil where the name is another kind's.
    private func series(
        _ name: String, _ kind: Kind, _ dimensions: [(String, String)], new: () -> Series
    ) -> Series? {
        let labels = LabelSet(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            guard family.kind == kind else {
                overflowed.increment(by: 1 as Int64)
                return nil
            }
            if let found = family.series[labels] { return found }
            var key = labels
            if family.series.count >= seriesLimit, !labels.pairs.isEmpty {
                overflowed.increment(by: 1 as Int64)
                key = labels.overflow
                if let found = family.series[key] { return found }
            }
            let made = new()
            family.series[key] = made
            state.families[name] = family
            return made
        }
    }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                for (labels, series) in family.series where series.handler === handler {
                    state.families[name]?.series[labels] = nil
                    if state.families[name]?.series.isEmpty == true { state.families[name] = nil }
                    return
                }
            }
        }
    }

    /// Everything as text, sorted by name and labels.
    public func exposition() -> String {
        let (families, help) = state.withLock { ($0.families, $0.help) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            Self.writeHead(name, family.kind, help: Self.help(for: name, in: help), to: &text)
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                Self.write(name, labels, series, to: &text)
            }
        }
        Self.writeHead(
            "swell_metrics_overflowed_total", .counter,
            help: "Series that were not shown on their own: too many of one metric, or a name in use for another kind.",
            to: &text)
        text += "swell_metrics_overflowed_total \(Self.number(overflowed.value))\n"
        return text
    }

    private static func suffixed(_ name: String, with suffix: String) -> String {
        name.hasSuffix(suffix) ? name : name + suffix
    }

    private static func help(for name: String, in help: [String: String]) -> String? {
        if let text = help[name] { return text }
        for suffix in ["_total", "_seconds"] where name.hasSuffix(suffix) {
            return help[String(name.dropLast(suffix.count))]
        }
        return nil
    }

    private static func writeHead(_ name: String, _ kind: Kind, help: String?, to text: inout String) {
        if let help {
            var line = ""
            for character in help.unicodeScalars {
                switch character {
                case "\\": line += "\\\\"
                case "\n": line += "\\n"
                default: line.unicodeScalars.append(character)
                }
            }
            text += "# HELP \(name) \(line)\n"
        }
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    private static func write(_ name: String, _ labels: LabelSet, _ series: Series, to text: inout String) {
        switch series {
        case .counter(let counter): text += "\(name)\(labels.text()) \(number(counter.value))\n"
        case .gauge(let gauge): text += "\(name)\(labels.text()) \(number(gauge.value))\n"
        case .histogram(let histogram):
            let snapshot = histogram.snapshot
            var count: UInt64 = 0
            for (bound, inBucket) in zip(histogram.bounds, snapshot.counts) {
                count += inBucket
                let le = labels.text(adding: .init(name: "le", value: number(bound)))
                text += "\(name)_bucket\(le) \(count)\n"
            }
            count += snapshot.counts[histogram.bounds.count]
            text += "\(name)_bucket\(labels.text(adding: .init(name: "le", value: "+Inf"))) \(count)\n"
            text += "\(name)_sum\(labels.text()) \(number(snapshot.sum))\n"
            text += "\(name)_count\(labels.text()) \(count)\n"
        }
    }

    /// A number as the text format has it; whole ones without a fraction.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 9e15 { return String(Int64(value)) }
        return "\(value)"
    }
}
