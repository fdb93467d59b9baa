internal import FoundationEssentials
internal import SwellIdentity
internal import SwellModel

/// The cluster that a state directory belongs to, in a file beside the journal. What the agent keeps (journal, documents, certificate)
/// means nothing in another cluster, and does harm there.
struct StateOwner: Sendable, Hashable, Codable {
    /// The version of the file's form.
    var version = 1
    var cluster: ClusterName
    /// The uids of the namespaces that the agent told its cluster by, by name: `kube-system`, or its own where it keeps to namespaces.
    var uids: [String: String] = [:]
    /// Whether the coordinator has ever welcomed the agent with one of these uids.
    var isWelcomed = false
    /// What the coordinator said when it took this for another cluster than the one that enrolled; nil once it has welcomed the agent.
    var refusal: String?

    private static let sizeLimit = 64 << 10

    static func path(in stateDirectory: String) -> String { stateDirectory + "/cluster.json" }

    /// The owner of a state directory, which is `cluster` where nobody has it yet.
    ///
    /// - Throws: ``AgentError`` with code `otherCluster` where it is another one's.
    static func load(stateDirectory: String, cluster: ClusterName) throws(AgentError) -> StateOwner {
        let path = path(in: stateDirectory)
        func refuse(_ other: String) -> AgentError {
            AgentError(
                .otherCluster,
                "\(stateDirectory) holds the state of cluster '\(other)', not '\(cluster)': nothing was touched; give --state-dir a directory of this cluster's own"
            )
        }
        var known: StateOwner?
        if let bytes = try AtomicFile.read(path, limit: sizeLimit) {
            guard let owner = try? JSONDecoder().decode(StateOwner.self, from: Data(bytes)), owner.version == 1 else {
                throw AgentError(
                    .otherCluster,
                    "\(path) cannot be understood, so nobody knows whose this state is: nothing was touched; where it is that of cluster '\(cluster)', remove the file"
                )
            }
            guard owner.cluster == cluster else { throw refuse(owner.cluster.rawValue) }
            known = owner
        }
        // One that cannot be read is the enroller's business.
        let stored = try? AgentCredentialDirectory(path: stateDirectory + "/identity").load()
        if let name = stored?.credential.identity.clusterName, name != cluster { throw refuse(name.rawValue) }
        if let known { return known }
        let owner = StateOwner(cluster: cluster)
        try owner.write(in: stateDirectory)
        return owner
    }

    /// Writes it down; on return it has reached the disk.
    func write(in stateDirectory: String) throws(AgentError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(self) else { return }
        try AtomicFile.write(Array(data), to: Self.path(in: stateDirectory), isDurable: true)
    }

    /// The namespace and the uid in what ``ClusterPort/uid()`` tells.
    static func parts(of told: String) -> (namespace: String, uid: String) {
        guard let slash = told.firstIndex(of: "/") else { return ("kube-system", told) }
        return (String(told[..<slash]), String(told[told.index(after: slash)...]))
    }
}
