/// A set of characters in a pattern, as ranges of code points.
struct PatternClass: Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]
    private(set) var isNegated = false

    init(_ ranges: [ClosedRange<UInt32>]) { self.ranges = ranges }

    func contains(_ value: UInt32) -> Bool { ranges.contains { $0.contains(value) } != isNegated }

    /// The one character that is in it, if it is one.
    var only: UInt32? {
        ranges.count == 1 && ranges[0].count == 1 && !isNegated ? ranges[0].lowerBound : nil
    }

    /// The characters that are not in it.
    var negated: PatternClass {
        var result = self
        result.isNegated.toggle()
        return result
    }

    mutating func formUnion(_ other: PatternClass) {
        if isNegated { ranges = Self.outside(ranges) }
        isNegated = false
        ranges += other.isNegated ? Self.outside(other.ranges) : other.ranges
    }

    /// With the other case of every ASCII letter in it; letters beyond ASCII keep theirs.
    var inEitherCase: PatternClass {
        guard !isNegated else { return self }
        var result = self
        for range in ranges {
            let large = range.clamped(to: 0x41...0x5A)
            if range.overlaps(0x41...0x5A) { result.ranges.append(large.lowerBound + 32...large.upperBound + 32) }
            let small = range.clamped(to: 0x61...0x7A)
            if range.overlaps(0x61...0x7A) { result.ranges.append(small.lowerBound - 32...small.upperBound - 32) }
        }
        return result
    }

    /// The code points between ranges.
    private static func outside(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > start { result.append(start...range.lowerBound - 1) }
            start = max(start, range.upperBound + 1)
        }
        return start <= 0x10FFFF ? result + [start...0x10FFFF] : result
    }
}

extension PatternClass {
    static func single(_ scalar: Unicode.Scalar) -> PatternClass { PatternClass([scalar.value...scalar.value]) }

    static let all = PatternClass([0...0x10FFFF])
    static let notNewline = PatternClass([0xA...0xA]).negated
    static let digit = PatternClass([0x30...0x39])
    static let space = PatternClass([9...10, 12...13, 32...32])
    static let word = PatternClass([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])

    /// `[:alpha:]` and the like.
    static let named: [String: PatternClass] = [
        "alnum": PatternClass([0x30...0x39, 0x41...0x5A, 0x61...0x7A]),
        "alpha": PatternClass([0x41...0x5A, 0x61...0x7A]), "ascii": PatternClass([0...0x7F]),
        "blank": PatternClass([9...9, 32...32]), "cntrl": PatternClass([0...31, 127...127]), "digit": digit,
        "graph": PatternClass([33...126]), "lower": PatternClass([0x61...0x7A]), "print": PatternClass([32...126]),
        "punct": PatternClass([33...47, 58...64, 91...96, 123...126]),
        "space": PatternClass([9...13, 32...32]), "upper": PatternClass([0x41...0x5A]), "word": word,
        "xdigit": PatternClass([0x30...0x39, 0x41...0x46, 0x61...0x66]),
    ]
}
