internal import SwellModel

/// Why an agent whose certificate is well signed is not let in: told to the agent, whose log is what an operator looks at first, and to
/// ours.
struct CallerRefusal: Error, CustomStringConvertible {
    /// What is wrong with the certificate.
    enum Reason: Hashable {
        case expired
        case revoked(Timestamp)
        case superseded
        case unknown
        case notInFleet
        case otherCluster(uid: String, enrolled: String)

        /// One word, fit for a metric's label.
        var word: String {
            switch self {
            case .expired: "expired"
            case .revoked: "revoked"
            case .superseded: "superseded"
            case .unknown: "unknown"
            case .notInFleet: "not_in_fleet"
            case .otherCluster: "other_cluster"
            }
        }

        var explanation: String {
            switch self {
            case .expired: "it has expired"
            case .revoked(let moment): "it was revoked at \(moment)"
            case .superseded:
                "a later one has taken its place and is in use: this is a copy of an agent's state, or a stolen key"
            case .unknown:
                "it is not listed: the database was restored to a moment before it was issued, or it expired long ago"
            case .notInFleet: "the cluster is not in the fleet"
            case .otherCluster(let uid, let enrolled):
                "the agent speaks for another cluster than the one that enrolled: its kube-system has uid \(uid), not \(enrolled)"
            }
        }
    }

    let reason: Reason
    let cluster: ClusterName
    let serial: String

    init(_ reason: Reason, _ caller: AgentCaller) {
        self.reason = reason
        self.cluster = caller.cluster
        self.serial = caller.serial
    }

    private var advice: String {
        switch reason {
        case .notInFleet: "Apply the cluster, then make a token with 'swell cluster token \(cluster)'."
        case .unknown:
            "'swell cluster readmit \(cluster)' takes it in, or the token that 'swell cluster token \(cluster)' prints."
        default: "'swell cluster token \(cluster)' makes a token that lets its agent in again and ends what was before."
        }
    }

    var description: String {
        "The certificate \(serial) of cluster '\(cluster)' does not count: \(reason.explanation). \(advice)"
    }
}
