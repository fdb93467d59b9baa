internal import Logging
internal import ServiceLifecycle
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellStore

/// Notes in the database which authorities this replica trusts, as they change one after the other: the next start, of this replica or
/// another one, is held to them. Ends the replica where it is not of the database's installation any more, since what it signs is trusted by
/// nobody else.
struct AuthorityNotes: Service {
    let store: PostgresStore
    let authority: RotatingAuthority
    let logger: Logger
    var interval: Duration = .seconds(5)

    static func keys(of set: AuthoritySet) -> TrustedKeys {
        TrustedKeys(issuing: "\(set.issuing.fingerprint)", all: set.fingerprintsByAge.map { "\($0)" })
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            var noted = Self.keys(of: authority.current).all
            var isAway = false
            while (try? await Task.sleep(for: interval)) != nil {
                let current = Self.keys(of: authority.current)
                do {
                    try await store.changeAuthorities(to: current, formerly: noted)
                    noted = current.all
                    isAway = false
                } catch let error as StoreError where error.code == .refused {
                    logger.error("this replica ends", metadata: ["error": "\(error.message)"])
                    throw error
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
