package import SwellModel

extension Swell_V1_ApplicationStatus {
    /// The message for `report`; a text that is too long is cut.
    package init(_ report: ApplicationReport, observedAt: Timestamp? = nil) {
        self.init()
        application = report.application.rawValue
        generation = report.generation
        digest = report.digest?.rawValue ?? ""
        epoch = report.epoch
        phase = Swell_V1_Phase(report.phase)
        health = Swell_V1_Health(report.health)
        reason = trimmed(report.reason ?? "", limit: WireLimits.wordLength / 4)
        message = trimmed(report.message ?? "", limit: WireLimits.messageLength)
        provenDigest = report.proven?.rawValue ?? ""
        driftCount = Int32(clamping: report.driftCount)
        self.observedAt = observedAt?.milliseconds ?? 0
        if let drift = report.drift { self.drift = Swell_V1_Drift(drift) }
    }
}

extension ApplicationReport {
    /// The report in `status`, checked; `path` says where it stands in its message.
    package init(_ status: Swell_V1_ApplicationStatus, at path: String = "status") throws(WireError) {
        let reason = try checkedWord(status.reason, required: false, at: "\(path).reason")
        let message = try checkedText(status.message, required: false, at: "\(path).message")
        self.init(
            application: try checkedName(status.application, at: "\(path).application"),
            generation: try checkedOrdinal(status.generation, at: "\(path).generation"),
            digest: try checkedOptionalDigest(status.digest, at: "\(path).digest"),
            epoch: try checkedOrdinal(status.epoch, at: "\(path).epoch"),
            phase: try status.phase.checked(at: "\(path).phase"),
            health: try status.health.checked(at: "\(path).health"), reason: reason.isEmpty ? nil : reason,
            message: message.isEmpty ? nil : message,
            proven: try checkedOptionalDigest(status.provenDigest, at: "\(path).proven_digest"),
            driftCount: try checkedCount(status.driftCount, at: "\(path).drift_count"),
            drift: status.hasDrift ? try DriftReport(status.drift, at: "\(path).drift") : nil)
    }
}

/// The reports of a list; an application named twice is an error, since one of the two would be lost.
func checkedReports(_ statuses: [Swell_V1_ApplicationStatus], at path: String) throws(WireError) -> [ApplicationReport]
{
    try checkCount(statuses.count, limit: WireLimits.applications, at: path)
    var seen: Set<ApplicationName> = []
    var reports: [ApplicationReport] = []
    reports.reserveCapacity(statuses.count)
    for (index, status) in statuses.enumerated() {
        let report = try ApplicationReport(status, at: "\(path)[\(index)]")
        guard seen.insert(report.application).inserted else {
            throw WireError(
                .invalidValue, at: "\(path)[\(index)].application", "\(report.application) is in the list already")
        }
        reports.append(report)
    }
    return reports
}

extension Swell_V1_Phase {
    init(_ phase: AgentPhase) {
        self =
            switch phase {
            case .accepted: .accepted
            case .applying: .applying
            case .verifying: .verifying
            case .healthy: .healthy
            case .failed: .failed
            case .reverting: .reverting
            case .reverted: .reverted
            case .removed: .removed
            }
    }

    func checked(at path: String) throws(WireError) -> AgentPhase {
        switch self {
        case .accepted: .accepted
        case .applying: .applying
        case .verifying: .verifying
        case .healthy: .healthy
        case .failed: .failed
        case .reverting: .reverting
        case .reverted: .reverted
        case .removed: .removed
        case .unspecified: throw WireError(.missingField, at: path, "expected a phase")
        case .UNRECOGNIZED(let value): throw WireError(.invalidValue, at: path, "\(value) is no phase known here")
        }
    }
}

extension Swell_V1_Health {
    init(_ health: Health) {
        self =
            switch health {
            case .failed: .failed
            case .degraded: .degraded
            case .unknown: .unknown
            case .progressing: .progressing
            case .suspended: .suspended
            case .healthy: .healthy
            }
    }

    func checked(at path: String) throws(WireError) -> Health {
        switch self {
        case .failed: .failed
        case .degraded: .degraded
        case .unknown: .unknown
        case .progressing: .progressing
        case .suspended: .suspended
        case .healthy: .healthy
        case .unspecified: throw WireError(.missingField, at: path, "expected a health")
        case .UNRECOGNIZED(let value): throw WireError(.invalidValue, at: path, "\(value) is no health known here")
        }
    }
}
