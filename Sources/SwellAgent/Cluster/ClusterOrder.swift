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

    func put(_ order: ClusterOrder, for application: ApplicationName) async {
        if let slot = slots[application] {
            slot.send(order)
            return
        }
        let slot = LatestValue<ClusterOrder>()
        slots[application] = slot
        slot.send(order)
        await newcomers.send(application)
    }

    func slot(of application: ApplicationName) -> LatestValue<ClusterOrder>? { slots[application] }
}
