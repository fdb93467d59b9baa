internal import AsyncSupport
internal import KubernetesObjects

/// The watches of a client, each shared by all who want something of it.
///
/// A long-lived thing: ``run()`` keeps the watches going until it is cancelled, and whoever wants something is told of it by
/// `KubernetesAPI.follow`, for as long as that runs.
///
/// Overflow rule: past ``Limits/subscribers`` subscribers, ``Limits/scopes`` watches or ``Limits/bytes`` of objects, whoever comes is
/// refused with ``KubernetesError/Code/overloaded``; those who are there go on.
public actor SharedWatches {
    /// How much may be held.
    public struct Limits: Sendable, Hashable {
        /// The most subscribers at once.
        public var subscribers = 20_000
        /// The most watches at once; of those the client opens as many as its options let it, and the others wait.
        public var scopes = 1_024
        /// The most bytes of objects, roughly.
        public var bytes = 512 << 20
        /// How long what a subscriber wanted is kept once it has gone: most go to come back, as from applying to watching.
        public var linger: Duration = .seconds(30)

        /// Creates the default limits.
        public init() {}
    }

    /// Takes what a subscriber is told. They are called one after another, and the watches wait for them: they must be quick, and not
    /// ask anything of the watches.
    struct Sink: Sendable {
        let onUpdate: @Sendable (Reflector.Update, ObjectSelection) -> Void
        /// Takes that nothing will be told any more of an interest, and why.
        let onEnd: @Sendable (ObjectSelection, KubernetesError) -> Void
    }

    private struct Subscription {
        var sink: Sink?
        let terms: [ObjectSelection: ScopeView.Terms]
    }

    private struct Slot {
        let number: Int
        /// Sent when the watch is to end, or to list again.
        let signal = Signal()
        /// Whether it is to list again.
        var isAsked = false
    }

    /// How long who has written waits until what was written is seen, before the server is asked again: a watch that lives tells of it
    /// within moments.
    private static let patience = Duration.milliseconds(500)
    /// How long after it was asked for a list begins, so that those who come together are served together.
    private static let gathering = Duration.milliseconds(50)
    /// How long after a watch has ended for good it is tried again at the soonest, however many want it.
    private static let holdOff = Duration.seconds(2)
    /// How long between two starts of watches: a fleet's agents come back together, and each has some.
    private static let spacing = Duration.milliseconds(5)
    /// The most that have gone and of whom something is kept; past that the first are forgotten.
    private static let mostLingering = 4_096

    private let api: KubernetesAPI
    private let limits: Limits
    private var plan: WatchPlan
    private var objects = SharedObjects()
    private var subscriptions: [Int: Subscription] = [:]
    private var slots: [WatchScope: Slot] = [:]
    private var starting: [WatchScope] = []
    private var failedAt: [WatchScope: ContinuousClock.Instant] = [:]
    private var lingering: [(id: Int, until: ContinuousClock.Instant)] = []
    private var lastNumber = 0
    private var hasRun = false
    /// Sent when there is something to start, or to forget.
    private let work = Signal()

    /// Prepares watches; none runs before ``run()``.
    ///
    /// - Parameters:
    ///   - api: The client.
    ///   - mayWatchEverywhere: Whether a kind may be watched in all namespaces at once where it is wanted in many; where the server refuses
    ///     that, it is watched in each.
    public init(api: KubernetesAPI, mayWatchEverywhere: Bool = true, limits: Limits = Limits()) {
        self.api = api
        self.limits = limits
        self.plan = WatchPlan(mayWatchEverywhere: mayWatchEverywhere)
    }

    /// What is held now.
    public var load: (subscribers: Int, scopes: Int, objects: Int, bytes: Int) {
        (subscriptions.count { $0.value.sink != nil }, slots.count, objects.count, objects.bytes)
    }

    /// Keeps the watches going until cancelled; may be called again then.
    public func run() async {
        if hasRun { for scope in slots.keys { begin(scope) } }
        hasRun = true
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                while let scope = starting.first, !Task.isCancelled {
                    starting.removeFirst()
                    guard let number = slots[scope]?.number else { continue }
                    group.addTask { await self.serve(scope, number) }
                    try? await ContinuousClock().sleep(for: Self.spacing)
                }
                forgetThoseGone()
                let next = lingering.first.map { max(.milliseconds(10), ContinuousClock.now.duration(to: $0.until)) }
                await work.wait(upTo: next)
            }
            group.cancelAll()
        }
    }

    // MARK: Subscribers

    /// Tells of objects until cancelled.
    ///
    /// - Parameter sent: What was written of them: what is told is of after that.
    /// - Throws: `CancellationError`; ``KubernetesError`` with the code `overloaded`.
    func follow(_ interests: [WatchInterest], sent: SentEvidence, _ sink: Sink) async throws {
        let id = try subscribe(interests, sent: sent, sink)
        defer { leave(id) }
        while true {
            try await ContinuousClock().sleep(for: Self.patience)
            guard objects.isPending(id) else { break }
            for scope in objects.demand(for: id) { askForList(scope) }
        }
        // Whatever comes of its watches from here on is for them to mend.
        while true { try await ContinuousClock().sleep(for: .seconds(3_600)) }
    }

    private func subscribe(_ interests: [WatchInterest], sent: SentEvidence, _ sink: Sink) throws -> Int {
        if plan.subscribers >= limits.subscribers || slots.count >= limits.scopes || objects.bytes >= limits.bytes {
            for (id, _) in lingering { forget(id) }
            lingering = []
        }
        guard plan.subscribers < limits.subscribers, slots.count < limits.scopes, objects.bytes < limits.bytes else {
            throw KubernetesError(
                code: .overloaded,
                message:
                    "\(plan.subscribers) subscribers, \(slots.count) watches, \(objects.bytes) bytes of objects: the client "
                    + "allows no more")
        }
        lastNumber += 1
        let id = lastNumber
        var terms: [ObjectSelection: ScopeView.Terms] = [:]
        for interest in interests {
            terms[interest.selection] = ScopeView.Terms(
                notBefore: api.reach.recoveredAt, versions: sent.versions(of: interest))
        }
        subscriptions[id] = Subscription(sink: sink, terms: terms)
        carryOut(plan.subscribe(id, interests))
        // Those that were started for it tell of it by now.
        for interest in interests {
            for scope in plan.scopes(for: interest) where !objects.takesPart(id, interest.selection, in: scope) {
                attach(id, interest, to: scope)
            }
        }
        return id
    }

    private func leave(_ id: Int) {
        subscriptions[id]?.sink = nil
        objects.idle(id)
        guard limits.linger > .zero else { return forget(id) }
        lingering.append((id, ContinuousClock.now + limits.linger))
        if lingering.count > Self.mostLingering { forget(lingering.removeFirst().id) }
        if lingering.count == 1 { work.send() }
    }

    private func forgetThoseGone() {
        while let first = lingering.first, first.until <= .now {
            lingering.removeFirst()
            forget(first.id)
        }
    }

    private func forget(_ id: Int) {
        subscriptions[id] = nil
        objects.remove(id)
        carryOut(plan.unsubscribe(id))
    }

    private func attach(_ id: Int, _ interest: WatchInterest, to scope: WatchScope) {
        guard let subscription = subscriptions[id] else { return }
        let terms = subscription.terms[interest.selection] ?? ScopeView.Terms()
        deliver(objects.attach(id, interest, to: scope, terms))
        if subscription.sink == nil { objects.idle(id) }
        if objects.needsList(scope) { askForList(scope) }
    }

    private func deliver(_ deliveries: [SharedObjects.Delivery]) {
        for delivery in deliveries {
            subscriptions[delivery.subscriber]?.sink?.onUpdate(delivery.update, delivery.selection)
        }
    }

    // MARK: Watches

    private func carryOut(_ changes: [WatchPlan.Change]) {
        for case .start(let scope) in changes { begin(scope) }
        for case .stop(let scope) in changes {
            objects.stop(scope)
            slots.removeValue(forKey: scope)?.signal.send()
        }
        if !changes.isEmpty { work.send() }
    }

    private func begin(_ scope: WatchScope) {
        lastNumber += 1
        slots[scope] = Slot(number: lastNumber)
        objects.stop(scope)
        objects.start(scope)
        for (id, interest) in plan.subscribers(of: scope) { attach(id, interest, to: scope) }
        starting.append(scope)
    }

    private func askForList(_ scope: WatchScope) {
        guard let slot = slots[scope], !slot.isAsked else { return }
        slots[scope]?.isAsked = true
        slot.signal.send()
    }

    private enum End {
        case failed(KubernetesError)
        case signalled
        case cancelled
    }

    /// Runs one watch until it is stopped, or cannot go on.
    private func serve(_ scope: WatchScope, _ number: Int) async {
        if let former = failedAt[scope], let signal = slots[scope]?.signal {
            let pause = Self.holdOff - former.duration(to: .now)
            if pause > .zero { await signal.wait(upTo: pause) }
        }
        while slots[scope]?.number == number, let signal = slots[scope]?.signal, !Task.isCancelled {
            slots[scope]?.isAsked = false
            objects.expectList(of: scope)
            let end = await withTaskGroup(of: End.self) { group in
                group.addTask { await self.reflect(scope, number) }
                group.addTask { await signal.wait() == .sent ? .signalled : .cancelled }
                let end = await group.next() ?? .cancelled
                group.cancelAll()
                return end
            }
            switch end {
            case .failed(let error): return fail(scope, number, error)
            case .cancelled: return
            case .signalled: try? await ContinuousClock().sleep(for: Self.gathering)
            }
        }
    }

    private func reflect(_ scope: WatchScope, _ number: Int) async -> End {
        do {
            try await Reflector(api: api, selection: scope.selection).relay {
                self.began(scope, number)
            } onUpdate: { relayed in
                self.take(relayed, of: scope, number)
            }
            return .cancelled
        } catch let error as KubernetesError {
            return .failed(error)
        } catch {
            return .cancelled
        }
    }

    private func began(_ scope: WatchScope, _ number: Int) -> @Sendable (KubernetesObject) -> ScopeView.Read? {
        guard slots[scope]?.number == number else { return { _ in nil } }
        return objects.began(scope, at: .now) ?? { _ in nil }
    }

    private func take(_ relayed: Reflector.Relayed<ScopeView.Read>, of scope: WatchScope, _ number: Int) {
        guard slots[scope]?.number == number else { return }
        deliver(objects.take(relayed, of: scope))
        if case .listed = relayed {
            failedAt[scope] = nil
            carryOut(plan.listed(scope))
        }
        if objects.needsList(scope) { askForList(scope) }
    }

    private func fail(_ scope: WatchScope, _ number: Int, _ error: KubernetesError) {
        guard slots[scope]?.number == number else { return }
        slots[scope] = nil
        if failedAt.count >= limits.scopes { failedAt = [:] }
        failedAt[scope] = .now
        let silenced = objects.stop(scope)
        let (lost, changes) = plan.failed(scope, isRefusal: error.status == 403)
        for (id, interest) in lost {
            objects.remove(id, interest.selection)
            subscriptions[id]?.sink?.onEnd(interest.selection, error)
        }
        let gone = Set(lost.map { WatchMember(subscriber: $0.subscriber, selection: $0.interest.selection) })
        // To the others it is a gap, until what takes its place has listed.
        for member in silenced where !gone.contains(member) {
            subscriptions[member.subscriber]?.sink?.onUpdate(.interrupted(error), member.selection)
        }
        carryOut(changes)
    }
}

extension SentEvidence {
    /// What the server answered when the objects that somebody is interested in were written, by their names.
    fileprivate func versions(of interest: WatchInterest) -> [String: UInt64] {
        var versions: [String: UInt64] = [:]
        for name in interest.names {
            let identity = ObjectIdentity(
                type: interest.selection.type.groupKind, namespace: interest.selection.namespace, name: name)
            versions[name] = marks[identity]?.resourceVersion.flatMap { UInt64($0) }
        }
        return versions
    }
}

extension KubernetesAPI {
    /// The same client, whose followers share watches.
    public func sharing(_ watches: SharedWatches) -> KubernetesAPI {
        var copy = self
        copy.sharedWatches = watches
        return copy
    }

    /// Tells how objects fare until cancelled: all that is wanted at first, then every change.
    ///
    /// - Parameters:
    ///   - evidence: What was written of them: what is told at first is of after that.
    ///   - onUpdate: Takes what is told of one of the selections. Called one after another; it must be quick.
    ///   - onEnd: Takes that nothing will be told any more of a selection, and why.
    /// - Throws: `CancellationError`; ``KubernetesError`` with the code `overloaded` where no more may follow.
    public func follow(
        _ watches: HealthWatches, evidence: EvidenceLedger,
        onUpdate: @escaping @Sendable (Reflector.Update, ObjectSelection) -> Void,
        onEnd: @escaping @Sendable (ObjectSelection, KubernetesError) -> Void
    ) async throws {
        let sink = SharedWatches.Sink(onUpdate: onUpdate, onEnd: onEnd)
        let (interests, sent) = (watches.interests, evidence.evidence)
        if let sharedWatches { return try await sharedWatches.follow(interests, sent: sent, sink) }
        // With nobody to share with, its own, for as long as it lasts.
        var limits = SharedWatches.Limits()
        limits.linger = .zero
        let own = SharedWatches(api: self, mayWatchEverywhere: false, limits: limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await own.run() }
            defer { group.cancelAll() }
            try await own.follow(interests, sent: sent, sink)
        }
    }
}
