package import GRPCCore

/// Why a coordinator refuses an agent, where the agent has to do more about it than to come back: told beside the words for people.
package enum WireRefusal {
    /// Metadata of a call that was refused.
    package static let key = "swell-refusal"
    /// The agent speaks for another cluster than the one that enrolled, or for one that is in the fleet under another name.
    package static let otherCluster = "other_cluster"

    /// The metadata that tells it.
    package static var otherClusterMetadata: Metadata { [key: .string(otherCluster)] }

    /// Whether a call was refused for it.
    package static func isOtherCluster(_ error: RPCError) -> Bool {
        error.code == .permissionDenied && error.metadata[stringValues: key].contains(otherCluster)
    }
}
