internal import Logging
public import ServiceLifecycle
public import SwellIdentity
public import SwellModel

/// Renews the coordinator's own certificate in time, for all of its ports; open connections keep the one they began with.
public struct ServerCredentialRotation: Service {
    private let authority: RotatingAuthority
    private let names: ServerNames
    private let credential: RotatingCredential
    private let jitter: Double
    private let now: @Sendable () -> Timestamp
    private let logger = Logger(label: "swell.identity")

    /// - Parameter jitter: 0 up to 1, so that replicas do not renew together.
    public init(
        authority: RotatingAuthority, names: ServerNames, credential: RotatingCredential, jitter: Double,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.authority = authority
        self.names = names
        self.credential = credential
        self.jitter = jitter
        self.now = now
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var failedBefore = false
            while true {
                let current = credential.current
                let wait = RenewalRule.delay(
                    notValidBefore: current.notValidBefore, notValidAfter: current.notValidAfter, jitter: jitter,
                    failedBefore: failedBefore, now: now())
                guard (try? await Task.sleep(for: wait.duration)) != nil else { return }
                do {
                    try credential.replace(with: authority.issueServerCredential(names: names, now: now()))
                    failedBefore = false
                    logger.info("renewed the server certificate", metadata: ["serial": "\(credential.current.serial)"])
                } catch {
                    failedBefore = true
                    logger.error("the server certificate could not be renewed", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
