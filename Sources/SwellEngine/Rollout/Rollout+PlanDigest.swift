public import SwellModel

extension Rollout {
    /// What a person agrees to beside the content: the policy, how the application is to be run, and which clusters are in which stage.
    ///
    /// It changes when a cluster joins or moves: who looked before that has not seen it, and looks again (invariant 14). How far the
    /// rollout has come is not in it.
    public var planDigest: ContentDigest {
        var lines = [
            "rollout \(header.name)", "application \(header.application)",
            "release \(header.release.version) \(header.release.digest)",
            "policy \(header.policy.documentDigest)",
            "strategy \(header.strategy.selfRollback) \(header.strategy.whenDisconnected) \(header.strategy.drift) \(header.strategy.whenNeverHealthy)",
        ]
        lines += stages.map { "stage \($0.name)" }
        lines += targets.values.sorted { $0.cluster < $1.cluster }.map {
            "target \($0.cluster) \($0.region) \($0.stage)"
        }
        return ContentDigest(of: Array(lines.joined(separator: "\n").utf8))
    }
}
