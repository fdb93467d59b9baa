extension Pattern {
    /// Where the pattern is found first from a place on: the leftmost match, and of those the one that the pattern prefers.
    /// Repetitions are read as taking all that they can.
    ///
    /// - Returns: Nil where telling would take more than ``maximumWork``; an empty option where there is no match.
    func firstMatch(in scalars: [Unicode.Scalar], from start: Int) -> Range<Int>?? {
        guard (scalars.count + 1) * steps.count <= Self.maximumWork else { return .none }
        var threads: [(step: Int, start: Int)] = []
        var found: Range<Int>?
        var position = start
        while position <= scalars.count {
            var next: [(step: Int, start: Int)] = []
            var seen = Array(repeating: false, count: steps.count)
            // A match that begins later is less wanted than any that is on its way.
            if found == nil { threads.append((0, position)) }
            search: for thread in threads {
                var pending = [thread.step]
                while let step = pending.popLast() {
                    if seen[step] { continue }
                    seen[step] = true
                    switch steps[step] {
                    case .one(let wanted):
                        if position < scalars.count, wanted.contains(scalars[position].value) {
                            next.append((step + 1, thread.start))
                        }
                    case .hold(let assertion):
                        if assertion.holds(at: position, of: scalars) { pending.append(step + 1) }
                    case .either(let first, let second): pending += [second, first]
                    case .end:
                        found = thread.start..<position
                        break search
                    }
                }
            }
            if next.isEmpty, found != nil { break }
            threads = next
            position += 1
        }
        return .some(found)
    }
}
