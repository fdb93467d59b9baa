public import KubernetesObjects

/// The health of a set: as its worst member.
public struct HealthSummary: Sendable, Hashable {
    /// The worst value; healthy for an empty set.
    public var value: HealthValue
    /// Which member is the worst, and why: `apps/v1 Deployment shop/web: …`. The first one where several are. Of a healthy set, which
    /// members are so by leave.
    public var message: String
    /// Whether all that holds it is that controllers have said nothing.
    public var isUnspoken: Bool
    /// How many members there are of each value.
    public var counts: [HealthValue: Int]

    /// Sums up members.
    ///
    /// What nobody has spoken of yet comes after all that is on its way: there a deadline runs, and silence must not stop it.
    public init(of members: [(reference: ObjectReference, assessment: HealthAssessment)]) {
        var counts: [HealthValue: Int] = [:]
        for member in members { counts[member.assessment.value, default: 0] += 1 }
        self.counts = counts
        let spoken = members.filter { $0.assessment.remark != .silent && $0.assessment.value < .suspended }
        let silent = members.filter { $0.assessment.remark == .silent }
        let worst =
            spoken.min { $0.assessment.value < $1.assessment.value } ?? silent.first
            ?? members.min { $0.assessment.value < $1.assessment.value }
        self.value = worst?.assessment.value ?? .healthy
        self.isUnspoken = worst?.assessment.remark == .silent
        self.message = ""
        guard let worst, worst.assessment.value != .healthy else {
            let accepted = members.filter { $0.assessment.remark == .accepted }
            guard let first = accepted.first else { return }
            let more = accepted.count > 1 ? " (and \(accepted.count - 1) more)" : ""
            self.message = "\(first.reference): \(first.assessment.message)\(more)"
            return
        }
        let why = worst.assessment.message.isEmpty ? worst.assessment.value.description : worst.assessment.message
        self.message = "\(worst.reference): \(why)"
        if worst.assessment.remark == .silent, silent.count > 1 { self.message += " (and \(silent.count - 1) more)" }
    }
}
