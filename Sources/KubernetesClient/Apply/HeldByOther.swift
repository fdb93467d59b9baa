internal import KubernetesObjects

/// An object that another application has taken since, and that a bundle which comes back does not take from it: what goes back by itself
/// takes nothing over, and what is ordered once more no more than it says. Nor is it made in that one's place where it is missing only to put
/// back what others changed.
struct HeldByOther: Error {
    let name: String

    /// Nil where it may be asked for.
    init?(_ holder: InventoryStore.OtherHold, of wanted: KubernetesObject, _ options: BundleOptions) {
        let isTold = !options.isReturn && !options.leavesHeld && options.takesOver && options.isForced(wanted)
        guard options.takesBack || options.leavesHeld, !isTold, !holder.isPending else { return nil }
        self.name = holder.name
    }

    /// Nil where an object that is missing may be made: by whoever holds it, or is told to bring it. A way back is told nothing.
    init?(missing holder: InventoryStore.OtherHold?, isOurs: Bool, _ options: BundleOptions) {
        guard !options.takesOver || options.isReturn || options.leavesHeld, !isOurs, let holder, !holder.isPending
        else { return nil }
        self.name = holder.name
    }

    func report(on object: KubernetesObject) -> BundleProgress {
        var report = BundleProgress(
            reference: object.reference, outcome: .kept, message: "left as it is: application \(name) has it by now")
        report.holder = name
        return report
    }
}
