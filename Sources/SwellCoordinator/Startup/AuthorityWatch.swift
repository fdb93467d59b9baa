internal import Logging
public import ServiceLifecycle
public import SwellIdentity
public import SwellModel

/// Follows the authority's directory, in which an operator may replace it: what is there a moment later signs and is trusted here, and the
/// server shows a certificate of it from the next handshake on. Open connections stay. What was retired is left out, though the directory has
/// it still.
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
            // What the replica began with was written at its start.
            var done = Done(published: authority.current.fingerprints, shown: authority.current.fingerprints)
            var failedBefore: String?
            while (try? await Task.sleep(for: pace)) != nil {
                let failure = look(&done)
                // In the middle of a change, half of it is there: what was, goes on.
                if let failure, failedBefore != failure.step {
                    logger.error("\(failure.step)", metadata: ["error": "\(failure.error)"])
                }
                failedBefore = failure?.step
            }
        }
    }

    /// The fingerprints of what operators were told of, and of what the server's certificate leads to.
    private struct Done {
        var published: [KeyFingerprint]
        var shown: [KeyFingerprint]
    }

    /// Takes over what is in the directory. What fails is tried again at the next look: nothing is taken over before there is a server's
    /// certificate of it, and files for operators that could not be written are written later, which holds up nobody's trust.
    private func look(_ done: inout Done) -> (step: String, error: IdentityError)? {
        var step = "the authority cannot be read; the former one goes on"
        do throws(IdentityError) {
            let found = try folder.directory.loadSet(trustDomain: authority.trustDomain, now: now())
            let set = authority.trusting(found)
            let isNew = found.fingerprints != authority.found.fingerprints || set.fingerprints != done.shown
            guard isNew || done.published != set.fingerprints else { return nil }
            step = "no server certificate can be made of the authority; the former one goes on"
            let renewed = isNew ? try set.issueServerCredential(names: names, now: now()) : nil
            var unpublished: IdentityError?
            do throws(IdentityError) {
                try folder.publish(set)
                done.published = set.fingerprints
            } catch {
                unpublished = error
            }
            if let renewed {
                step = "the server certificate cannot be put in place; the former authority goes on"
                try credential.replace(with: renewed)
                authority.replace(with: found)
                done.shown = set.fingerprints
                logger.notice(
                    "the authority has changed",
                    metadata: [
                        "signs": "\(set.issuing.fingerprint)",
                        "trusted": "\(set.fingerprints.map { "\($0)" }.joined(separator: ", "))",
                    ])
            }
            guard let unpublished else { return nil }
            return ("ca.pem and ca-hash cannot be written; they are tried again", unpublished)
        } catch {
            return (step, error)
        }
    }
}
