internal import Hummingbird
internal import Logging
internal import Metrics
internal import NIOCore
internal import PortGuard
internal import SwellEngine
internal import SwellModel
internal import Synchronization

/// What comes of requests with and without a token that is known: who has one is no stranger to the port any more, who has none is
/// counted, told to the log, and slowed.
///
/// Of one address some failures are told and answered at once, then one a minute (``MentionLimit``). The others wait for ``delay``; where
/// ``maximumDelayed`` wait already, they are sent away. A token that is known is let in all the while, from the same address too: whoever
/// shares it with a guesser, or has left one program with an old token, is not locked out.
final class SignIns: Sendable {
    /// Why a request was not let in.
    enum Failure: String, Sendable, CaseIterable {
        case missing = "no token"
        case unknown = "a token that is not known"
    }

    static let delay = Duration.seconds(1)
    static let maximumDelayed = 64

    private let connections: ConnectionGuard
    private let log: StrangerLog<Failure>
    private let delayed = Mutex(0)
    private let counters: [Failure: Counter]

    init(connections: ConnectionGuard, logger: Logger, tick: @escaping @Sendable () -> Tick) {
        self.connections = connections
        self.log = StrangerLog("sign-in refused", level: .warning, logger: logger, tick: tick)
        self.counters = Dictionary(
            uniqueKeysWithValues: Failure.allCases.map {
                ($0, Counter(label: "swell_sign_ins_failed_total", dimensions: [("why", "\($0)")]))
            })
    }

    /// A token is known: the connection is an operator's.
    func succeeded(_ operatorName: String, over channel: any Channel) {
        connections.recognise(channel, as: operatorName)
    }

    /// A request was not let in; returns what it is answered, when it is time to.
    func failed(_ why: Failure, _ request: Request, over channel: any Channel) async -> Problem {
        counters[why]?.increment()
        let address = AddressBlock(channel.remoteAddress)
        guard !log.note(why, from: address, ["path": "\(request.uri.path.prefix(80))"]) else { return .unauthorized }
        let isDelayed = delayed.withLock { count in
            guard count < Self.maximumDelayed else { return false }
            count += 1
            return true
        }
        guard isDelayed else { return .tooManySignIns }
        defer { delayed.withLock { $0 -= 1 } }
        try? await Task.sleep(for: Self.delay)
        return .unauthorized
    }
}

extension Problem {
    static let tooManySignIns = Problem(
        code: "too-many-sign-ins", title: "Too many failed sign-ins", status: 429,
        detail: "too many requests without a token that is known came from there; mend the token, and come back later")
}
