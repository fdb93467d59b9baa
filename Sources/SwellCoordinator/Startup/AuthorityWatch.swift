internal import Logging
public import ServiceLifecycle
public import SwellIdentity
public import SwellModel

/// Follows the authority's directory, in which an operator may replace it: what is there a moment later signs and is trusted here, and the
/// server shows a certificate of it from the next handshake on. Open connections stay.
public struct AuthorityWatch: Service {
    private let folder: StateFolder
    private let authority: RotatingAuthority
    private let names: ServerNames
    private let credential: RotatingCredential
    private let pace: Duration
    private let now: @Sendable () -> Timestamp
    private let logger = Logger(label: "swell.identity")

    public init(
        folder: StateFolder, authority: RotatingAuthority, names: ServerNames, credential: RotatingCredential,
        pace: Duration = .seconds(5), now: @escaping @Sendable () -> Timestamp
    ) {
        self.folder = folder
        self.authority = authority
        self.names = names
        self.credential = credential
        self.pace = pace
        self.now = now
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var failedBefore = false
            while (try? await Task.sleep(for: pace)) != nil {
                do throws(IdentityError) {
                    try look()
                    failedBefore = false
                } catch {
                    // In the middle of a change, half of it is there: what was, goes on.
                    if !failedBefore {
                        logger.error(
                            "the authority cannot be read; the former one goes on", metadata: ["error": "\(error)"])
                    }
                    failedBefore = true
                }
            }
        }
    }

    private func look() throws(IdentityError) {
        let set = try folder.directory.loadSet(trustDomain: authority.trustDomain, now: now())
        guard set.fingerprints != authority.current.fingerprints else { return }
        authority.replace(with: set)
        try credential.replace(with: authority.issueServerCredential(names: names, now: now()))
        try folder.publish(set)
        logger.notice(
            "the authority has changed",
            metadata: [
                "signs": "\(set.issuing.fingerprint)",
                "trusted": "\(set.fingerprints.map { "\($0)" }.joined(separator: ", "))",
            ])
    }
}
