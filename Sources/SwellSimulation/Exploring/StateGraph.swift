/// The states met, each with how it was reached first, and the steps between them that need neither fault nor order.
struct StateGraph {
    static let root: UInt32 = 0

    private var places: [Fingerprint: UInt32] = [:]
    /// The state from which each was reached first, and by which of its steps: together the shortest path to it.
    private var parents: [UInt32] = []
    private var ordinals: [UInt8] = []
    /// Whether a rollout in this state has ended or waits at a named gate.
    private var isAtRest: [Bool] = []
    /// What each state's steps lead to, in one number; 0 while they were not taken.
    private var outcomes: [UInt64] = []
    private var edges: [(from: UInt32, to: UInt32)] = []

    var count: Int { parents.count }

    /// The state's place, and whether it is new.
    mutating func add(_ state: Fingerprint, from parent: UInt32, by ordinal: Int) -> (place: UInt32, isNew: Bool) {
        if let place = places[state] { return (place, false) }
        let place = UInt32(parents.count)
        places[state] = place
        parents.append(parent)
        ordinals.append(UInt8(ordinal))
        isAtRest.append(false)
        outcomes.append(0)
        return (place, true)
    }

    mutating func connect(_ from: UInt32, to place: UInt32) { if from != place { edges.append((from, place)) } }
    mutating func noteRest(_ place: UInt32) { isAtRest[Int(place)] = true }
    mutating func noteOutcome(_ outcome: UInt64, of place: UInt32) { outcomes[Int(place)] = outcome }
    /// What the steps of a state led to; nil while they were not taken.
    func outcome(of place: UInt32) -> UInt64? { outcomes[Int(place)] == 0 ? nil : outcomes[Int(place)] }

    /// The steps' ordinals that lead to a state from the beginning.
    func path(to place: UInt32) -> [Int] {
        var path: [Int] = []
        var at = place
        while at != Self.root {
            path.append(Int(ordinals[Int(at)]))
            at = parents[Int(at)]
        }
        return path.reversed()
    }

    /// A state from which no path without further faults and orders leads to rest; nil where there is none, as it must be.
    func stuckState() -> UInt32? {
        // Backwards from the states at rest, over the edges sorted by where they lead.
        var starts = [Int](repeating: 0, count: count + 1)
        for edge in edges { starts[Int(edge.to) + 1] += 1 }
        for index in 1...count { starts[index] += starts[index - 1] }
        var fill = starts
        var sources = [UInt32](repeating: 0, count: edges.count)
        for edge in edges {
            sources[fill[Int(edge.to)]] = edge.from
            fill[Int(edge.to)] += 1
        }
        var isGood = isAtRest
        var work = (0..<count).filter { isAtRest[$0] }
        while let place = work.popLast() {
            for source in sources[starts[place]..<starts[place + 1]] where !isGood[Int(source)] {
                isGood[Int(source)] = true
                work.append(Int(source))
            }
        }
        return isGood.firstIndex(of: false).map { UInt32($0) }
    }
}
