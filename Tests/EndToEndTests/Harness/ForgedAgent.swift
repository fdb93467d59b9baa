internal import Foundation
internal import GRPCCore
internal import GRPCNIOTransportHTTP2
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellIdentity
internal import SwellModel
internal import SwellProtocol
internal import SwiftProtobuf
internal import Synchronization

/// A client that speaks the agents' protocol over mTLS under the identity of one cluster, and says whatever a test has it say.
struct ForgedAgent: Sendable {
    typealias Client = Swell_V1_Fleet.Client<HTTP2ClientTransport.Posix>

    let cluster: ClusterName
    private let port: Int
    private let credential: Credential
    private let authorities: TrustedAuthorities
    /// What tells its cluster from another of the same name: whoever has an agent's key has seen that, too.
    private let uid: String

    /// Kills a cluster's agent and goes on in its name.
    init(inPlaceOf cluster: String, _ fleet: Fleet, replica: String = "a") async throws {
        try await fleet.killAgent(cluster)
        let directory = AgentCredentialDirectory(path: fleet.agentFolder(cluster).appending(path: "identity").path)
        guard let stored = try directory.load() else { throw HarnessError("the agent of \(cluster) never enrolled") }
        self.cluster = try ClusterName(cluster)
        port = await fleet.fleetPort(replica)
        credential = stored.credential
        authorities = TrustedAuthorities(stored.authorities)
        let system = try await fleet.withAPI(cluster) {
            try await $0.get(ObjectReference("v1", "Namespace", "kube-system"))
        }
        guard let uid = system?.uid else { throw HarnessError("\(cluster) has no kube-system") }
        self.uid = uid
    }

    /// Dials the fleet port.
    func withClient<Result: Sendable>(_ body: @Sendable (Client) async throws -> Result) async throws -> Result {
        let verifier = PeerVerifier(
            authorities: authorities, expecting: .coordinator(in: credential.identity.trustDomain),
            now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) })
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .agent(credential: RotatingCredential(credential), verifier: verifier))
        return try await withGRPCClient(transport: transport) { try await body(Client(wrapping: $0)) }
    }

    /// Holds a session: says hello, then what `speaking` says, until that returns or throws, or the coordinator ends it.
    ///
    /// - Returns: What was heard.
    func converse(
        journal: [Swell_V1_ApplicationStatus] = [], highestEpoch: Int64 = 0, uid: String? = nil,
        _ speaking: @Sendable @escaping (ForgedSession) async throws -> Void
    ) async throws -> ForgedSession.Heard {
        let ear = ForgedSession.Ear()
        let hello = Swell_V1_AgentMessage.with {
            $0.hello = .with {
                $0.agentVersion = "0.0.0-forged"
                $0.clusterUid = uid ?? self.uid
                $0.bootID = "forged"
                $0.journal = journal
                $0.highestEpoch = highestEpoch
            }
        }
        return try await withClient { client in
            do {
                try await client.session(options: Self.options) { writer in
                    try await writer.write(hello)
                    try? await speaking(ForgedSession(ear: ear, writer: writer))
                } onResponse: { response in
                    for try await message in response.messages { ear.hear(message) }
                }
            } catch let error as RPCError {
                ear.end(error)
            }
            ear.end(nil)
            return ear.heard
        }
    }

    private static var options: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = false
        options.maxRequestMessageBytes = 4 << 20
        return options
    }
}

/// One session of a forged agent.
struct ForgedSession: Sendable {
    /// What the coordinator said so far.
    struct Heard: Sendable {
        var isWelcome = false
        /// The latest of each application.
        var assignments: [String: Swell_V1_Assignment] = [:]
        var acknowledged: Set<UInt64> = []
        /// Why it was told to come back later.
        var sentAway: String?
        var refusal: RPCError?
        var isOver = false
    }

    final class Ear: Sendable {
        private let state = Mutex(Heard())
        var heard: Heard { state.withLock { $0 } }

        fileprivate func hear(_ message: Swell_V1_CoordinatorMessage) {
            state.withLock { heard in
                switch message.kind {
                case .assignments(let list):
                    for assignment in list.assignments { heard.assignments[assignment.application] = assignment }
                    // The first list ends the greeting.
                    heard.isWelcome = heard.isWelcome || list.resyncComplete
                case .reportsAcknowledged(let ids): heard.acknowledged.formUnion(ids.reportIds)
                case .retryLater(let later): heard.sentAway = later.reason
                default: break
                }
            }
        }

        fileprivate func end(_ error: RPCError?) {
            state.withLock {
                $0.refusal = $0.refusal ?? error
                $0.isOver = true
            }
        }
    }

    let ear: Ear
    fileprivate let writer: RPCWriter<Swell_V1_AgentMessage>

    var heard: Heard { ear.heard }

    func say(_ message: Swell_V1_AgentMessage) async throws {
        guard !heard.isOver, heard.sentAway == nil else { throw HarnessError("the session is over") }
        try await writer.write(message)
    }

    func report(_ id: UInt64, _ statuses: [Swell_V1_ApplicationStatus]) async throws {
        try await say(
            .with {
                $0.statusReport = .with {
                    $0.reportID = id
                    $0.statuses = statuses
                }
            })
    }

    /// Waits until the coordinator has welcomed the agent and said what it should run.
    func welcomed() async throws { try await hears("a welcome") { $0.isWelcome ? true : nil } }

    /// Waits until a report is stored.
    func acknowledged(_ id: UInt64) async throws {
        try await hears("an acknowledgement") { $0.acknowledged.contains(id) ? true : nil }
    }

    /// Waits for an application's assignment above a generation.
    func assigned(_ application: String, above generation: Int64) async throws -> Swell_V1_Assignment {
        try await hears("an assignment of \(application)") { heard in
            heard.assignments[application].flatMap { $0.generation > generation ? $0 : nil }
        }
    }

    /// Waits for something the coordinator says, unless it ends the session.
    @discardableResult private func hears<Value>(
        _ what: String, _ condition: (Heard) -> Value?
    ) async throws -> Value {
        try await eventually(what, within: .seconds(60)) {
            let heard = heard
            if let value = condition(heard) { return value }
            guard !heard.isOver, heard.sentAway == nil else { throw HarnessError("the session is over") }
            return nil
        }
    }
}
