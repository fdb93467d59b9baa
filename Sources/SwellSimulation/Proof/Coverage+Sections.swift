internal import SwellEngine
internal import SwellModel

extension Coverage {
    /// One kind of thing that a thorough run should meet.
    public struct Section: Sendable {
        public var name: String
        /// What was met, and how often.
        public var met: [(what: String, count: Int)]
        /// What can be met and was not.
        public var missed: [String]
        /// What cannot be met, and why.
        public var unreachable: [(what: String, why: String)]
        /// What was met though it is said to be unreachable: then the reason is wrong.
        public var contradicted: [String]
    }

    /// Everything worth meeting, by kind.
    public var sections: [Section] {
        [
            section("faults", Fault.allCases, \.rawValue, faults),
            section("commands accepted", CommandKind.allCases, \.rawValue, accepted),
            section("commands refused", CommandKind.allCases.filter { $0 != .supersede }, \.rawValue, refused),
            section("rollout transitions", rolloutMoves, Reachability.reason),
            section("stage transitions", stageMoves, Reachability.reason),
            section("target transitions", targetMoves, Reachability.reason),
            section("agent transitions", agentMoves, Reachability.reason),
            section("kinds of late members", LateMember.allCases, \.rawValue, lateMembers),
            section("reasons to skip", SkipReason.allCases, \.rawValue, skips),
            section("agents' decisions", Self.agentWords, \.self, agentNotes),
            section(
                "rare moments",
                [
                    "leases lost", "decisions overtaken", "orphaned assignments reissued",
                    "failovers that left sessions standing",
                ], \.self,
                [
                    "decisions overtaken": overtaken,
                    "leases lost": leasesLost,
                    "orphaned assignments reissued": reissued,
                    "failovers that left sessions standing": survivedFailovers,
                ]
                .filter { $0.value > 0 }),
        ]
    }

    private static let agentWords = [
        "accepted", "refused", "applying", "verifying", "healthy", "failed", "reverting", "reverted", "removed",
        "retrying", "drift",
    ]

    private func section<Thing: Hashable>(
        _ name: String, _ all: [Thing], _ word: (Thing) -> String, _ counts: [Thing: Int]
    ) -> Section {
        Section(
            name: name, met: all.compactMap { thing in counts[thing].map { (word(thing), $0) } },
            missed: all.filter { counts[$0] == nil }.map(word), unreachable: [], contradicted: [])
    }

    private func section<Phase: CaseIterable & Hashable & Sendable & RawRepresentable<String>>(
        _ name: String, _ counts: [Move<Phase>: Int], _ reason: (Move<Phase>) -> String?
    ) -> Section {
        var section = Section(name: name, met: [], missed: [], unreachable: [], contradicted: [])
        for from in [nil] + Phase.allCases.map(Optional.some) {
            for to in Phase.allCases where from != to {
                let move = Move(from: from, to: to)
                let text = "\(from?.rawValue ?? "new") -> \(to.rawValue)"
                switch (counts[move], reason(move)) {
                case (let count?, nil): section.met.append((text, count))
                case (let count?, .some):
                    section.met.append((text, count))
                    section.contradicted.append(text)
                case (nil, let why?): section.unreachable.append((text, why))
                case (nil, nil): section.missed.append(text)
                }
            }
        }
        return section
    }
}
