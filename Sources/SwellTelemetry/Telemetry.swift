internal import Logging
internal import Metrics

/// Sets the process's logging and metrics up, once, before anything logs or counts.
public enum Telemetry {
    /// Makes ``LogfmtHandler`` and ``PrometheusRegistry`` the process's own.
    ///
    /// - Returns: the registry, whose ``PrometheusRegistry/exposition()`` answers `GET /metrics`.
    public static func bootstrap(_ settings: LogSettings) -> PrometheusRegistry {
        let registry = PrometheusRegistry()
        LoggingSystem.bootstrap { label in LogfmtHandler(label: label, settings: settings) }
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
