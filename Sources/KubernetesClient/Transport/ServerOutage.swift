internal import NIOHTTP1
internal import Synchronization

/// What keeps a client from its API server.
public struct ServerOutage: Sendable, Hashable {
    /// A word for it: `APIServerUnreachable`, `APIServerSilent`, `APIServerUnintelligible`, `APIServerUnavailable` or
    /// `APIServerUnauthorized`.
    public var reason: String
    /// What was asked, and what came of it.
    public var message: String

    /// Creates an outage.
    public init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }

    /// The outage that a failed request tells of; nil where the server is well and merely refused.
    public init?(_ error: KubernetesError) {
        switch error.code {
        case .noAnswer: self.init(reason: "APIServerUnreachable", message: error.message)
        case .timeout: self.init(reason: "APIServerSilent", message: error.message)
        case .invalidAnswer: self.init(reason: "APIServerUnintelligible", message: error.message)
        case .refused where error.status == 401:
            self.init(
                reason: "APIServerUnauthorized", message: "\(error.message); the credentials are not accepted")
        case .refused where [429, 502, 503, 504].contains(error.status):
            self.init(reason: "APIServerUnavailable", message: error.message)
        default: return nil
        }
    }
}

/// What a client's requests have told of its server so far. Pure: moments come from outside.
struct ReachState: Sendable {
    /// A request that has not been answered.
    private struct Pending {
        var what: String
        var since: ContinuousClock.Instant
    }

    private var pending: [Int: Pending] = [:]
    private var nextTicket = 0
    private var lastAnswer: ContinuousClock.Instant?
    private var failing: (since: ContinuousClock.Instant, outage: ServerOutage)?

    /// Notes that a request was sent, and gives it a number.
    mutating func began(_ what: String, at now: ContinuousClock.Instant) -> Int {
        nextTicket += 1
        pending[nextTicket] = Pending(what: what, since: now)
        return nextTicket
    }

    /// Notes how a request ended: with an answer, or with an error; nil for one that was given up.
    mutating func ended(_ ticket: Int, _ outcome: Result<Void, KubernetesError>?, at now: ContinuousClock.Instant) {
        pending[ticket] = nil
        guard let outcome else { return }
        if case .failure(let error) = outcome, let outage = ServerOutage(error) {
            failing = (failing?.since ?? now, outage)
        } else {
            lastAnswer = now
            failing = nil
        }
    }

    /// Notes that an exchange broke off that had begun well.
    mutating func broke(_ error: KubernetesError, at now: ContinuousClock.Instant) {
        guard let outage = ServerOutage(error) else { return }
        failing = (failing?.since ?? now, outage)
    }

    /// When the server last answered, or was last asked where it never did; nil before the first request.
    var lastSign: ContinuousClock.Instant? { lastAnswer ?? pending.values.map(\.since).min() }

    /// What is wrong, once it has been wrong for a while and nothing was answered since.
    func outage(lasting least: Duration, silence: Duration, at now: ContinuousClock.Instant) -> ServerOutage? {
        if let failing, failing.since.duration(to: now) >= least { return failing.outage }
        guard let oldest = pending.values.min(by: { $0.since < $1.since }) else { return nil }
        let waited = oldest.since.duration(to: now)
        guard waited >= silence, lastAnswer.map({ $0 <= oldest.since }) ?? true else { return nil }
        return ServerOutage(
            reason: "APIServerSilent", message: "\(oldest.what): no answer for \(waited.components.seconds) s")
    }
}

/// Keeps a ``ReachState`` for all requests of a client.
final class ReachMonitor: Sendable {
    private let state = Mutex(ReachState())

    /// Runs a request and notes how it ended.
    func observing<Answer>(_ what: String, _ body: () async throws -> Answer) async throws -> Answer {
        let ticket = state.withLock { $0.began(what, at: .now) }
        do {
            let answer = try await body()
            state.withLock { $0.ended(ticket, .success(()), at: .now) }
            return answer
        } catch let error as KubernetesError {
            state.withLock { $0.ended(ticket, .failure(error), at: .now) }
            throw error
        } catch {
            state.withLock { $0.ended(ticket, nil, at: .now) }
            throw error
        }
    }

    func broke(_ error: KubernetesError) { state.withLock { $0.broke(error, at: .now) } }

    func outage(lasting least: Duration, silence: Duration) -> ServerOutage? {
        state.withLock { $0.outage(lasting: least, silence: silence, at: .now) }
    }

    var lastSign: ContinuousClock.Instant? { state.withLock { $0.lastSign } }
}

extension KubernetesAPI {
    /// What keeps this client from its server, as its requests have found; nil while it answers.
    ///
    /// - Parameter lasting: How long it must have been wrong without any good answer; requests that are tried again and
    ///   succeed are nobody's news.
    public func outage(lasting: Duration = .seconds(1)) -> ServerOutage? {
        reach.outage(lasting: lasting, silence: .seconds(5))
    }

    /// Whether the server answers now. Where it has not been heard for a while, it is asked.
    public func isInSight() async -> Bool { await currentOutage() == nil }

    private func currentOutage() async -> ServerOutage? {
        guard !pause.isOn, let sign = reach.lastSign, sign.duration(to: .now) >= .seconds(3) else { return outage() }
        // How it went is in the monitor; a failure here has lasted long enough already.
        _ = try? await exchange.once(KubernetesRequest(.GET, "/version", timeout: .seconds(3)))
        return outage(lasting: .zero)
    }

    /// Tells of outages as they come and go, until cancelled; nil when one is over.
    ///
    /// A client that merely watches would not notice that its server has gone silent: where nothing has been answered for
    /// a while, this asks for the server's version.
    public func watchOutages(onChange: (ServerOutage?) async -> Void) async {
        var told: ServerOutage?
        while !Task.isCancelled {
            let outage = await currentOutage()
            if outage?.reason != told?.reason {
                told = outage
                await onChange(outage)
            }
            // Ends early on cancellation, which the loop sees.
            try? await ContinuousClock().sleep(for: .milliseconds(500))
        }
    }
}
