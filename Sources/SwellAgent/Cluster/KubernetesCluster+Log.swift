internal import KubernetesClient
internal import KubernetesObjects
internal import Logging
internal import SwellModel

// What an apply says beside whether it succeeded.
extension KubernetesCluster {
    /// Puts what the server warned of into the log, where the object was written: at every look it would say so again.
    func logWarnings(of result: BundleResult, _ application: ApplicationName) {
        for report in result.objects where [.created, .configured, .replaced].contains(report.outcome) {
            for warning in report.warnings {
                logger.notice(
                    "the API server warns",
                    metadata: [
                        "application": "\(application)", "object": "\(report.reference)", "warning": "\(warning)",
                    ])
            }
        }
    }

    /// Puts into the log what there is to say of objects that were written: what is left to whom, what was taken from whom.
    func logRemarks(of result: BundleResult, _ application: ApplicationName) {
        let written: [BundleProgress.Outcome] = [.created, .configured, .replaced]
        let told = result.objects.filter { written.contains($0.outcome) || $0.isPassedOver }
        for report in told where !report.isHook && !report.message.isEmpty {
            logger.notice(
                "applied",
                metadata: [
                    "application": "\(application)", "object": "\(report.reference)", "remark": "\(report.message)",
                ])
        }
    }

    /// Puts into the log what a removal or a release without it has left in the cluster, and why.
    func logLeft(in result: BundleResult, _ application: ApplicationName) {
        for report in result.objects where report.outcome == .kept {
            logger.notice(
                "left in the cluster",
                metadata: [
                    "application": "\(application)", "object": "\(report.reference)", "why": "\(report.message)",
                ])
        }
    }

    /// Puts into the log every object that a way back could not bring back: the reason has no room for many.
    func logNotPutBack(in result: BundleResult, _ application: ApplicationName) {
        for report in result.failures {
            logger.notice(
                "not put back",
                metadata: [
                    "application": "\(application)", "object": "\(report.reference)", "why": "\(report.message)",
                ])
        }
    }

    /// Puts into the log what another application had made of what it gave back.
    func logPutBack(in result: BundleResult, _ application: ApplicationName) {
        for report in result.objects where report.outcome == .configured || report.outcome == .replaced {
            logger.notice(
                "put back",
                metadata: [
                    "application": "\(application)", "object": "\(report.reference)",
                    "why": "another application had taken it, and gave it back",
                ])
        }
    }
}
