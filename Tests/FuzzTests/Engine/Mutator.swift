/// Makes new inputs of old ones: bits, pieces, and what is known to break readers of text.
struct Mutator {
    /// No input grows beyond this many bytes.
    static let maximumSize = 64 << 10

    let corpus: [[UInt8]]
    let words: [String]

    /// An entry of the corpus after a few mutations.
    func input(_ random: inout FuzzRandom) -> [UInt8] {
        var input = random.pick(corpus)
        for _ in 0...random.below(4) { mutate(&input, &random) }
        return Array(input.prefix(Self.maximumSize))
    }

    private func mutate(_ input: inout [UInt8], _ random: inout FuzzRandom) {
        let place = random.below(input.count + 1)
        let length = min(input.count - place, 1 + random.below(random.below(4) == 0 ? 400 : 12))
        let piece = place..<(place + length)
        switch random.below(14) {
        case 0:
            if place < input.count { input[place] ^= 1 << UInt8(random.below(8)) }
        case 1:
            if place < input.count { input[place] = random.pick(Self.bytes) }
        case 2: input.removeSubrange(piece)
        case 3: input.removeSubrange(place...)
        case 4: input.insert(contentsOf: input[piece], at: random.below(input.count + 1))
        case 5:
            let times = 1 << random.below(10)
            let repeated = Array(repeatElement(Array(input[piece]), count: times).joined().prefix(Self.maximumSize))
            input.insert(contentsOf: repeated, at: place)
        case 6:
            let other = random.pick(corpus)
            let start = random.below(other.count + 1)
            input.replaceSubrange(piece, with: other[start...].prefix(1 + random.below(200)))
        case 7: input.replaceSubrange(piece, with: random.pick(Self.numbers).utf8)
        case 8: replaceNumber(in: &input, from: place, &random)
        case 9: nest(&input, piece, &random)
        case 10: repeatLine(in: &input, at: place, &random)
        case 11: input.insert(contentsOf: random.pick(Self.troubles), at: place)
        case 12 where !words.isEmpty: input.replaceSubrange(piece, with: random.pick(words).utf8)
        default: if !words.isEmpty { input.insert(contentsOf: random.pick(words).utf8, at: place) }
        }
    }

    private func replaceNumber(in input: inout [UInt8], from place: Int, _ random: inout FuzzRandom) {
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        guard let start = input[place...].firstIndex(where: isDigit) else { return }
        let end = input[start...].firstIndex { !isDigit($0) } ?? input.count
        input.replaceSubrange(start..<end, with: random.pick(Self.numbers).utf8)
    }

    private func nest(_ input: inout [UInt8], _ piece: Range<Int>, _ random: inout FuzzRandom) {
        let (open, close) = random.pick(Self.brackets)
        let depth = 1 << random.below(12)
        let inner = input[piece]
        let before = Array(repeatElement(Array(open.utf8), count: depth).joined())
        let after = Array(repeatElement(Array(close.utf8), count: random.below(8) == 0 ? 0 : depth).joined())
        input.replaceSubrange(piece, with: before + inner + after)
    }

    private func repeatLine(in input: inout [UInt8], at place: Int, _ random: inout FuzzRandom) {
        let start = input[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let end = input[place...].firstIndex(of: 0x0A).map { $0 + 1 } ?? input.count
        let line = Array(input[start..<end])
        input.insert(contentsOf: repeatElement(line, count: 1 + random.below(3)).joined(), at: start)
    }

    private static let bytes: [UInt8] = [0, 1, 9, 10, 13, 32, 34, 39, 44, 58, 92, 127, 128, 0xC0, 0xED, 0xFF]
    private static let numbers = [
        "0", "-0", "1", "-1", "00", "2147483647", "-2147483648", "2147483648", "9223372036854775807",
        "-9223372036854775808", "9223372036854775808", "18446744073709551615", "99999999999999999999", "1e308",
        "1e309", "-1e309", "1e-400", "0x7fffffffffffffff", "1_000", "0.1", "-0.0", "1.", ".5", "NaN", ".inf",
    ]
    private static let brackets = [
        ("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("[[", "]]"), ("- ", ""), ("? ", ""), ("!", ""), ("{a: ", "}"),
    ]
    /// A byte order mark, half a code point, a lone surrogate, an overlong slash, NUL, a mark that joins what stands before
    /// it, a line separator, a tab, YAML's anchors and tags.
    private static let troubles: [[UInt8]] = [
        [0xEF, 0xBB, 0xBF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0], [0xCC, 0x81], [0xE2, 0x80, 0xA8],
        [0x09], [0x0D, 0x0A], Array("&a ".utf8), Array("*a".utf8), Array("\n<<: *a\n".utf8), Array("!!binary ".utf8),
        Array("\n---\n".utf8), Array("\\ud800".utf8), Array("\\u0000".utf8),
    ]
}
