internal import Testing

@testable internal import PostgresClient

@Suite("The pool's decisions")
struct PoolStateMachineTests {
    typealias Action = PoolStateMachine.Action

    /// What happens to a pool, told by tables.
    enum Event {
        case start
        case request(Int)
        case withdraw(Int)
        case opened(Int)
        case openFailed(Int)
        case returned(Int, usable: Bool)
        case probed(Int, usable: Bool)
        case closed(Int)
        case tick(seconds: Int)
        case shutDown
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var minimum = 0
        var maximum = 2
        let steps: @Sendable () -> [(Event, [Action])]
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "opens the minimum at the start", minimum: 2) {
            [(.start, [.open(1, after: .zero), .open(2, after: .zero)]), (.opened(1), []), (.opened(2), [])]
        },
        Case(name: "opens on demand, and lends what came back last") {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.request(2), [.open(2, after: .zero)]),
                (.request(3), []), (.opened(2), [.lend(2, 1)]), (.opened(1), [.lend(1, 2)]),
                (.returned(2, usable: true), [.lend(2, 3)]), (.returned(1, usable: true), []),
                (.returned(2, usable: true), []), (.request(4), [.lend(2, 4)]), (.request(5), [.lend(1, 5)]),
            ]
        },
        Case(name: "serves those who asked before the start") {
            [(.request(1), []), (.start, [.open(1, after: .zero)]), (.opened(1), [.lend(1, 1)])]
        },
        Case(name: "refuses when too many wait", maximum: 1) {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.request(2), []), (.request(3), []),
                (.request(4), [.refuse(4, .exhausted(waiting: 3))]), (.withdraw(2), []), (.request(5), []),
            ]
        },
        Case(name: "replaces what came back broken, once it is closed", maximum: 1) {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.opened(1), [.lend(1, 1)]), (.request(2), []),
                (.returned(1, usable: false), [.close(1)]), (.closed(1), [.open(2, after: .zero)]),
                (.opened(2), [.lend(2, 2)]),
            ]
        },
        Case(name: "tries one at a time, ever more slowly, while the server is away") {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.request(2), [.open(2, after: .zero)]),
                (.openFailed(1), []), (.openFailed(2), [.open(3, after: .milliseconds(200))]),
                (.openFailed(3), [.open(4, after: .milliseconds(400))]),
                (.openFailed(4), [.open(5, after: .milliseconds(800))]),
                (.openFailed(5), [.open(6, after: .seconds(1))]),
                (.opened(6), [.lend(6, 1), .open(7, after: .zero)]),
            ]
        },
        Case(name: "stops trying when nobody waits any more") {
            [(.start, []), (.request(1), [.open(1, after: .zero)]), (.withdraw(1), []), (.openFailed(1), [])]
        },
        Case(name: "keeps a connection that came too late for its waiter") {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.withdraw(1), []), (.opened(1), []),
                (.request(2), [.lend(1, 2)]),
            ]
        },
        Case(name: "probes idle connections, and replaces the dead", minimum: 1, maximum: 1) {
            [
                (.start, [.open(1, after: .zero)]), (.opened(1), []), (.tick(seconds: 29), []),
                (.tick(seconds: 30), [.probe(1)]), (.request(1), []), (.probed(1, usable: false), [.close(1)]),
                (.closed(1), [.open(2, after: .zero)]), (.opened(2), [.lend(2, 1)]),
            ]
        },
        Case(name: "lends a probed connection to who waits", minimum: 1, maximum: 1) {
            [
                (.start, [.open(1, after: .zero)]), (.opened(1), []), (.tick(seconds: 30), [.probe(1)]),
                (.tick(seconds: 60), []), (.request(1), []), (.probed(1, usable: true), [.lend(1, 1)]),
            ]
        },
        Case(name: "lets spare connections go, down to the minimum", minimum: 1) {
            [
                (.start, [.open(1, after: .zero)]), (.request(1), []), (.request(2), [.open(2, after: .zero)]),
                (.opened(1), [.lend(1, 1)]), (.opened(2), [.lend(2, 2)]), (.returned(1, usable: true), []),
                (.returned(2, usable: true), []), (.tick(seconds: 300), [.close(1), .probe(2)]), (.closed(1), []),
            ]
        },
        Case(name: "replaces the old", minimum: 1, maximum: 1) {
            [
                (.start, [.open(1, after: .zero)]), (.opened(1), []), (.request(1), [.lend(1, 1)]),
                (.tick(seconds: 3600), []), (.returned(1, usable: true), [.close(1)]),
                (.closed(1), [.open(2, after: .zero)]),
            ]
        },
        Case(name: "shuts down when all is back and closed") {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.request(2), [.open(2, after: .zero)]),
                (.request(3), []), (.opened(1), [.lend(1, 1)]),
                (.shutDown, [.refuse(2, .shutDown), .refuse(3, .shutDown)]), (.request(4), [.refuse(4, .shutDown)]),
                (.opened(2), [.close(2)]), (.closed(2), []), (.returned(1, usable: true), [.close(1)]),
                (.closed(1), [.stop]),
            ]
        },
        Case(name: "shuts down at once when there is nothing", minimum: 0) { [(.start, []), (.shutDown, [.stop])] },
        Case(name: "counts a failed attempt as gone in a shutdown") {
            [
                (.start, []), (.request(1), [.open(1, after: .zero)]), (.shutDown, [.refuse(1, .shutDown)]),
                (.openFailed(1), [.stop]),
            ]
        },
        Case(name: "ignores what makes no sense") {
            [
                (.start, []), (.returned(9, usable: true), []), (.closed(9), []), (.opened(9), []),
                (.probed(9, usable: true), []),
                (.start, []),
            ]
        },
    ]

    @Test(arguments: cases) func table(_ scenario: Case) {
        var settings = PostgresPoolSettings(minimum: scenario.minimum, maximum: scenario.maximum)
        settings.maximumWaiting = 3
        settings.reconnectDelay = .milliseconds(100)
        settings.maximumReconnectDelay = .seconds(1)
        var machine = PoolStateMachine(settings: settings)
        let start = ContinuousClock.now
        var now = start
        for (index, (event, expected)) in scenario.steps().enumerated() {
            let actions: [Action]
            switch event {
            case .start: actions = machine.start()
            case .request(let request): actions = machine.requested(request)
            case .withdraw(let request):
                _ = machine.withdrawn(request)
                actions = []
            case .opened(let id): actions = machine.opened(id, now: now)
            case .openFailed(let id): actions = machine.openFailed(id, jitter: 1)
            case .returned(let id, let usable): actions = machine.returned(id, usable: usable, now: now)
            case .probed(let id, let usable): actions = machine.probed(id, usable: usable, now: now)
            case .closed(let id): actions = machine.closed(id)
            case .tick(let seconds):
                now = start.advanced(by: .seconds(seconds))
                actions = machine.tick(now: now)
            case .shutDown: actions = machine.shutDown()
            }
            #expect(actions == expected, "step \(index): \(event)")
            let status = machine.status
            #expect(status.idle + status.lent + status.opening + status.closing <= scenario.maximum)
        }
    }

    @Test func aRandomLifeKeepsTheBoundsAndLendsNothingTwice() {
        var random = SplitMix(state: 42)
        for _ in 0..<200 {
            var settings = PostgresPoolSettings(minimum: random.below(3), maximum: 3)
            settings.maximumWaiting = 5
            var machine = PoolStateMachine(settings: settings)
            var now = ContinuousClock.now
            var opening: Set<Int> = []
            var lent: Set<Int> = []
            var closing: Set<Int> = []
            var probing: Set<Int> = []
            var waiting: Set<Int> = []
            var request = 0
            for _ in 0..<200 {
                now = now.advanced(by: .seconds(random.below(40)))
                var actions: [Action] = []
                switch random.below(9) {
                case 0: actions = machine.start()
                case 1, 2:
                    request += 1
                    waiting.insert(request)
                    actions = machine.requested(request)
                case 3:
                    if let id = opening.min() {
                        opening.remove(id)
                        actions = machine.opened(id, now: now)
                    }
                case 4:
                    if let id = opening.max() {
                        opening.remove(id)
                        actions = machine.openFailed(id, jitter: 0.5)
                    }
                case 5:
                    if let id = lent.min() {
                        lent.remove(id)
                        actions = machine.returned(id, usable: random.below(4) > 0, now: now)
                    }
                case 6:
                    if let id = closing.min() {
                        closing.remove(id)
                        actions = machine.closed(id)
                    }
                case 7:
                    if let id = probing.min() {
                        probing.remove(id)
                        actions = machine.probed(id, usable: random.below(2) > 0, now: now)
                    } else if let id = waiting.randomElement(using: &random) {
                        waiting.remove(id)
                        let wasWaiting = machine.withdrawn(id)
                        #expect(wasWaiting)
                    }
                default: actions = machine.tick(now: now)
                }
                for action in actions {
                    switch action {
                    case .open(let id, _):
                        let isNew = opening.insert(id).inserted
                        #expect(isNew)
                    case .close(let id):
                        let isNew = closing.insert(id).inserted
                        #expect(isNew)
                    case .probe(let id):
                        let isNew = probing.insert(id).inserted
                        #expect(isNew)
                    case .lend(let id, let to):
                        let isNew = lent.insert(id).inserted
                        let waited = waiting.remove(to)
                        #expect(isNew && waited != nil)
                    case .refuse(let id, _):
                        let waited = waiting.remove(id)
                        #expect(waited != nil)
                    case .stop: Issue.record("nobody shut it down")
                    }
                }
                let status = machine.status
                #expect(status.idle + status.lent + status.opening + status.closing <= 3)
                #expect(status.waiting == waiting.count)
                #expect(status.lent == lent.count && status.opening == opening.count)
            }
        }
    }
}

/// A small generator of reproducible numbers.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
