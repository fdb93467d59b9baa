internal import Crypto
internal import SwellEngine
internal import SwellIdentity
internal import Synchronization
internal import X509

/// Where the journal is written before what follows from it is done.
protocol JournalKeeping: Sendable {
    /// Writes the journal; on return a new start of the agent would find it.
    func write(_ journal: AgentJournal) async throws
}

extension JournalFile: JournalKeeping {}

/// The journal of an agent that starts once: ``JournalView`` holds all that there is.
struct MemoryJournal: JournalKeeping {
    /// Told of what would have been written.
    let onWrite: @Sendable (AgentJournal) -> Void

    func write(_ journal: AgentJournal) async { onWrite(journal) }
}

/// Who an agent is, for as long as the process lives. It was enrolled by whoever made it.
final class MemoryCredentials: CredentialKeeping {
    private struct State {
        var credential: Credential
        var authorities: [Certificate]
        var pin: KeyFingerprint?
    }

    private let state: Mutex<State>

    init(_ credential: Credential, authorities: [Certificate]) {
        self.state = Mutex(State(credential: credential, authorities: authorities))
    }

    func load() -> (credential: Credential, authorities: [Certificate])? {
        state.withLock { ($0.credential, $0.authorities) }
    }

    func pin() -> KeyFingerprint? { state.withLock { $0.pin } }
    func store(pin: KeyFingerprint) { state.withLock { $0.pin = pin } }
    func pendingKey() -> P256.Signing.PrivateKey { P256.Signing.PrivateKey() }

    func store(_ credential: Credential, authorities: [Certificate]) {
        state.withLock { state in
            state.credential = credential
            state.authorities = authorities
        }
    }
}
