public import KubernetesObjects

/// Keeps a view of a set of objects current: lists, watches, and lists again when the watch cannot go on.
public struct Reflector: Sendable {
    /// What a reflector tells.
    public enum Update: Sendable {
        /// The view is complete as of a list, with all objects in it.
        case listed([KubernetesObject])
        /// One object is new, changed or gone.
        case changed(ObjectCache.Change)
        /// The watch runs, for the first time since a list or since an interruption: it goes on where that ended, nothing was missed,
        /// and what changes from here on is told as it happens.
        case watching
        /// The server could not be asked; the view may be stale until the next update. Tried again by itself.
        case interrupted(KubernetesError)
    }

    /// How often in a row a path that discovery tells of may not be served.
    private static let unservedLimit = 5
    /// How often in a row such a path may be found to be of a kind that discovery does not know any more.
    private static let unknownLimit = 3

    private let api: KubernetesAPI
    private let selection: ObjectSelection
    private let backoff: RetryPolicy
    private let keep: @Sendable (KubernetesObject) -> KubernetesObject?

    /// Creates a reflector.
    ///
    /// - Parameters:
    ///   - backoff: How long to wait between attempts that fail; their number is not bounded.
    ///   - keeping: What is kept of each object, in the view and in what is told; nil for objects that are left out. It must
    ///     keep resource versions, and decide by what does not change.
    public init(
        api: KubernetesAPI, selection: ObjectSelection,
        backoff: RetryPolicy = RetryPolicy(base: .seconds(1), ceiling: .seconds(30)),
        keeping: @escaping @Sendable (KubernetesObject) -> KubernetesObject? = { $0 }
    ) {
        self.api = api
        self.selection = selection
        self.backoff = backoff
        self.keep = keeping
    }

    /// Runs until the task is cancelled or the closure throws.
    ///
    /// - Parameter onUpdate: Takes updates one by one, in order. The watch waits while it works.
    /// - Throws: What the closure throws; `CancellationError`; a ``KubernetesError`` that trying again cannot mend.
    public func run(onUpdate: (Update) async throws -> Void) async throws {
        var cache = ObjectCache()
        var failures = 0
        var unserved = 0
        var quietEnds = 0
        var needsList = true
        var isWatching = false
        while true {
            try Task.checkCancellation()
            do {
                if needsList {
                    let list = try await api.list(selection, keeping: keep)
                    _ = cache.replace(with: list)
                    needsList = false
                    failures = 0
                    unserved = 0
                    isWatching = false
                    try await deliver(.listed(cache.objects), onUpdate)
                }
                let from = cache.resourceVersion ?? "0"
                // Spread the ends, so that a fleet's watches do not come round in step.
                let lasting = Duration.seconds(240 + Int64(api.options.chance() * 60))
                var events = 0
                var isOpen = false
                do {
                    try await api.watch(selection, from: from, lasting: lasting) {
                        isOpen = true
                        if !isWatching { try await deliver(.watching, onUpdate) }
                        isWatching = true
                    } onEvent: { event in
                        failures = 0
                        events += 1
                        guard let change = cache.take(event.keeping(keep)) else { return }
                        try await deliver(.changed(change), onUpdate)
                    }
                } catch let error as KubernetesError where error.code == .timeout && isOpen {
                    // Quiet for so long that the connection may be dead: another one goes on from the same moment.
                    failures = 0
                }
                // A server or proxy that ends watches at once must not be asked in a tight loop.
                quietEnds = events == 0 ? quietEnds + 1 : 0
                if quietEnds > 1 {
                    let delay = backoff.delay(
                        afterAttempt: quietEnds - 1, retryAfter: nil, chance: api.options.chance())
                    try await api.options.clock.sleep(for: delay)
                }
            } catch let stop as Stopped {
                throw stop.error
            } catch let error as KubernetesError {
                try Task.checkCancellation()
                if error.code == .expired {
                    needsList = true
                    if failures == 0 {
                        failures = 1
                        continue
                    }
                } else if error.isPathUnserved && unserved < Self.unservedLimit
                    || error.code == .unknownKind && 1..<Self.unknownLimit ~= unserved
                {
                    // Of several servers behind one address, one may be a moment behind the others.
                    unserved += 1
                } else if !error.isTransient, error.status != 401 {
                    // Credentials are rotated, and those read next may be accepted.
                    throw error
                }
                failures += 1
                // A cut watch may have lost nothing: only a repeated failure makes the view doubtful enough to list.
                if failures > 1 { needsList = true }
                if [.noAnswer, .timeout, .invalidAnswer].contains(error.code) {
                    await api.transport.renewCredentials()
                }
                isWatching = false
                try await deliver(.interrupted(error), onUpdate)
                let delay = backoff.delay(
                    afterAttempt: failures, retryAfter: error.retryAfter, chance: api.options.chance())
                try await api.options.clock.sleep(for: delay)
            } catch let error as KubernetesObjectError {
                throw KubernetesError(code: .invalidAnswer, message: "\(selection): \(error)", cause: error)
            }
        }
    }

    /// Marks the closure's own errors, so that they are not taken for the server's.
    private struct Stopped: Error {
        let error: any Error
    }

    private func deliver(_ update: Update, _ onUpdate: (Update) async throws -> Void) async throws {
        do {
            try await onUpdate(update)
        } catch {
            throw Stopped(error: error)
        }
    }
}
