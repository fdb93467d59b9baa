internal import Logging
internal import ServiceLifecycle
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellStore

/// Notes in the database which authorities this replica trusts, as they change one after the other: the next start, of this replica or
/// another one, is held to them. Learns there which were retired, and trusts none of them, though its folder has it still. Ends the replica where it is not of the database's installation any more, since what it signs is trusted by
/// nobody else.
struct AuthorityNotes: Service {
    let store: PostgresStore
    let authority: RotatingAuthority
    let folder: StateFolder
    /// Who left the keys for Secrets as this replica was started with them, where that is known.
    let secretsBy: String?
    let logger: Logger
    var interval: Duration = .seconds(5)

    static func keys(of set: AuthoritySet, in folder: StateFolder? = nil) -> TrustedKeys {
        TrustedKeys(
            issuing: "\(set.issuing.fingerprint)", all: set.fingerprintsByAge.map { "\($0)" },
            changedBy: folder.flatMap { ChangeNote.author(of: set.changeKeys, at: $0.authorityNote) })
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            var noted = Self.keys(of: authority.found).all
            var leftOut: [KeyFingerprint] = []
            tell(authority.leftOut, &leftOut)
            var (isAway, awaited) = (false, [String]())
            var (areSecretsNoted, areSecretsAway) = (false, false)
            while (try? await Task.sleep(for: interval)) != nil {
                let set = authority.found
                let current = Self.keys(of: set, in: folder)
                // Whose doing it is is written down last: a new set without a name is looked at once more.
                if current.changedBy == nil, current.all != noted, awaited != set.changeKeys {
                    awaited = set.changeKeys
                    continue
                }
                // Apart: what fails of the one hides nothing of the other.
                do {
                    if !areSecretsNoted { try await store.noteSecretKeys(by: secretsBy) }
                    areSecretsNoted = true
                } catch {
                    if !areSecretsAway {
                        logger.warning(
                            "the keys for Secrets cannot be noted in the database", metadata: ["error": "\(error)"])
                    }
                    areSecretsAway = true
                }
                do {
                    authority.leaveOut(try await store.changeAuthorities(to: current, formerly: noted))
                    tell(authority.leftOut, &leftOut)
                    noted = current.all
                    isAway = false
                } catch let error as StoreError where error.code == .refused {
                    logger.error("this replica ends", metadata: ["error": "\(error.message)"])
                    throw error
                } catch {
                    // Tried again: what is away comes back.
                    if !isAway {
                        logger.warning(
                            "which authorities there are cannot be noted in the database",
                            metadata: ["error": "\(error)"])
                    }
                    isAway = true
                }
            }
        }
    }

    /// Says what the folder has that is not trusted, where that is news.
    private func tell(_ leftOut: [KeyFingerprint], _ told: inout [KeyFingerprint]) {
        defer { told = leftOut }
        guard !leftOut.isEmpty, told != leftOut else { return }
        logger.warning(
            "an authority in the state directory was retired, and is not trusted: give this replica a copy of the other replicas' directory",
            metadata: ["authority": "\(leftOut.map { "\($0)" }.joined(separator: ", "))"])
    }
}
