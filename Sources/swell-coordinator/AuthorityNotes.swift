internal import Logging
internal import ServiceLifecycle
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellStore

/// Notes in the database which authorities this replica trusts, as they change one after the other: the next start, of this replica or
/// another one, is held to them.
struct AuthorityNotes: Service {
    let store: PostgresStore
    let authority: RotatingAuthority
    let logger: Logger
    var interval: Duration = .seconds(5)

    static func fingerprints(of set: AuthoritySet) -> [String] { set.fingerprints.map { "\($0)" } }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var noted = Self.fingerprints(of: authority.current)
            var isAway = false
            while (try? await Task.sleep(for: interval)) != nil {
                let current = Self.fingerprints(of: authority.current)
                guard current != noted else { continue }
                do {
                    try await store.changeAuthorities(trusted: current, formerly: noted)
                    noted = current
                    isAway = false
                } catch {
                    // Tried again: what is away comes back.
                    if !isAway {
                        logger.warning(
                            "the authorities cannot be noted in the database", metadata: ["error": "\(error)"])
                    }
                    isAway = true
                }
            }
        }
    }
}
