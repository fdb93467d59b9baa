internal import SwellEngine
internal import SwellModel

/// What the cluster's side is to do for one application from now on.
enum ClusterOrder: Sendable, Hashable {
    case idle
    /// Applying the work's release has failed; what the release has for that is to be done.
    case giveUp(AgentWork)
    case apply(AgentWork, epoch: Int64)
    case remove(AgentWork, epoch: Int64)
    case watch(AgentWork, DriftPolicy, epoch: Int64)
}

extension ClusterOrder {
    /// Whether it comes of the failure of a work: giving it up, or going back.
    func follows(failureOf failed: AgentWork) -> Bool {
        switch self {
        case .giveUp(let work): work == failed
        case .apply(let work, _):
            if case .revert = work.kind, case .forward = failed.kind {
                work.generation == failed.generation
            } else {
                false
            }
        case .idle, .remove, .watch: false
        }
    }
}

/// The latest order for each application; a newer one takes the place of what is under way.
actor ApplicationOrders {
    /// Applications that were never given an order before.
    let newcomers = Mailbox<ApplicationName>(capacity: 1_024)
    private var slots: [ApplicationName: LatestSlot<ClusterOrder>] = [:]

    func put(_ order: ClusterOrder, for application: ApplicationName) async {
        if let slot = slots[application] {
            slot.put(order)
            return
        }
        let slot = LatestSlot<ClusterOrder>()
        slots[application] = slot
        slot.put(order)
        await newcomers.send(application)
    }

    func slot(of application: ApplicationName) -> LatestSlot<ClusterOrder>? { slots[application] }
}

/// A number of turns; who finds none waits.
actor Turns {
    private var free: Int
    private var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    private var nextID: UInt64 = 0

    init(_ count: Int) { self.free = max(1, count) }

    /// Runs `work` when its turn has come.
    func run<Result: Sendable>(_ work: @Sendable () async throws -> Result) async throws -> Result {
        try await take()
        defer { giveBack() }
        return try await work()
    }

    private func take() async throws {
        if free > 0 {
            free -= 1
            return
        }
        nextID += 1
        let id = nextID
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiting.append((id, $0)) }
        } onCancel: {
            // An actor can only be reached from a task; it ends at once.
            Task { await self.giveUp(id) }
        }
        if Task.isCancelled {
            // A turn may have been handed over in the same moment; then it goes on to the next.
            if !abandoned.contains(id) { giveBack() }
            abandoned.remove(id)
            throw CancellationError()
        }
    }

    private var abandoned: Set<UInt64> = []

    private func giveUp(_ id: UInt64) {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
        abandoned.insert(id)
        waiting.remove(at: index).continuation.resume()
    }

    private func giveBack() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().continuation.resume()
        }
    }
}
