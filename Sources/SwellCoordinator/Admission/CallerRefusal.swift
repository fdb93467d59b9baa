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
        /// It is not listed since the database was restored, and was ended before.
        case endedBeforeRestore
        case notInFleet
        /// Its serial number is listed for another key.
        case anotherKey
        case otherCluster(uid: String, enrolled: String)
        /// The cluster is in the fleet under another name.
        case secondName(uid: String, of: ClusterName)

        /// One word, fit for a metric's label.
        var word: String {
            switch self {
            case .expired: "expired"
            case .revoked: "revoked"
            case .superseded: "superseded"
            case .unknown: "unknown"
            case .endedBeforeRestore: "revoked"
            case .notInFleet: "not_in_fleet"
            case .anotherKey: "untrusted"
            case .otherCluster: "other_cluster"
            case .secondName: "second_name"
            }
        }

        /// Whether the agent must leave the cluster alone that it has before it.
        var isOtherCluster: Bool {
            switch self {
            case .otherCluster, .secondName: true
            case .expired, .revoked, .superseded, .unknown, .endedBeforeRestore, .notInFleet, .anotherKey: false
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
            case .endedBeforeRestore:
                "it was revoked, or ended by a new token, and the database was restored to a moment before that"
            case .notInFleet: "the cluster is not in the fleet"
            case .anotherKey:
                "its serial number is that of a certificate for another key, and no coordinator has issued it: whoever signed it has an authority's key"
            case .otherCluster(let uid, let enrolled):
                "the agent speaks for another cluster than the one that enrolled: its kube-system has uid \(uid), not \(enrolled)"
            case .secondName(let uid, let other):
                "it is the cluster '\(other)': both have kube-system uid \(uid)"
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
        case .secondName(_, let other):
            "Give its agent the kubeconfig of '\(cluster)'; where it has that one, and the cluster is called '\(cluster)' now, 'swell cluster remove \(other)', and start this agent again: it needs no new token."
        case .anotherKey:
            "Where that is no mistake, the authority's key was stolen: replace it by another one ('swell-coordinator authority adopt')."
        case .otherCluster:
            "Give its agent the kubeconfig of '\(cluster)'; where that was built again, an empty --state-dir and the token that 'swell cluster token \(cluster)' prints."
        default: "'swell cluster token \(cluster)' makes a token that lets its agent in again and ends what was before."
        }
    }

    var description: String {
        if case .secondName(let uid, let other) = reason {
            return "cluster '\(cluster)' is the cluster '\(other)': both have kube-system uid \(uid). \(advice)"
        }
        return "The certificate \(serial) of cluster '\(cluster)' does not count: \(reason.explanation). \(advice)"
    }
}
