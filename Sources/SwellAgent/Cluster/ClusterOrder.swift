internal import AsyncSupport
internal import SwellEngine
internal import SwellModel

/// What an order is carried out under.
struct OrderTerms: Sendable, Hashable {
    var epoch: Int64
    /// The release that was proven healthy here last.
    var proven: ContentDigest?
    /// Whether the release itself was proven healthy here before.
    var wasProven = false
    /// Whether the order takes another release back: it names none to go back to, though there is one that was proven here.
    var takesBack = false
    /// The generation under which something was proven healthy here last.
    var provenGeneration: Int64?
    var silentControllers: SilentControllerRule = .wait
}

/// What the cluster's side is to do for one application from now on.
enum ClusterOrder: Sendable, Hashable {
    case idle
    /// Applying the work's release has failed; what the release has for that is to be done.
    case giveUp(AgentWork)
    case apply(AgentWork, OrderTerms)
    case remove(AgentWork, epoch: Int64)
    case watch(AgentWork, DriftPolicy, OrderTerms)
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
    private var slots: [ApplicationName: LatestValue<ClusterOrder>] = [:]
    /// Those that have a release here, and have it brought or watched.
    private var running: Set<ApplicationName> = []
    /// What wakes those who look after an application's objects.
    private var watchers: [ApplicationName: Signal] = [:]

    func put(_ order: ClusterOrder, for application: ApplicationName) async {
        switch order {
        case .apply, .watch: running.insert(application)
        case .idle, .giveUp, .remove: running.remove(application)
        }
        if let slot = slots[application] {
            slot.send(order)
            return
        }
        let slot = LatestValue<ClusterOrder>()
        slots[application] = slot
        slot.send(order)
        await newcomers.send(application)
    }

    /// Takes who is to look at an application's objects at a send.
    func wake(_ watcher: Signal, for application: ApplicationName) { watchers[application] = watcher }

    /// Has an application look at its objects, one of which was given back to it; false where nobody here looks after them.
    func giveBack(to application: ApplicationName) -> Bool {
        guard running.contains(application) else { return false }
        watchers[application]?.send()
        return true
    }

    func slot(of application: ApplicationName) -> LatestValue<ClusterOrder>? { slots[application] }
}
