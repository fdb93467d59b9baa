/// Guesses what a misspelt word was meant to be.
public enum Spelling {
    /// `, did you mean 'x'?` where a candidate is near enough; otherwise the candidates, if they are few.
    public static func advice(for word: String, among candidates: [String]) -> String {
        if let nearest = nearest(to: word, among: candidates) { return "; did you mean '\(nearest)'?" }
        guard !candidates.isEmpty, candidates.count <= 12 else { return "" }
        return "; known are \(candidates.sorted().joined(separator: ", "))"
    }

    /// The candidate with the fewest edits, at most a third of the word's length (and at least two) away.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let written = Array(word.lowercased().utf8.prefix(64))
        let limit = max(2, written.count / 3)
        let ranked = candidates.map { (distance: distance(written, Array($0.lowercased().utf8)), word: $0) }
        return ranked.filter { $0.distance <= limit && $0.distance < max(1, $0.word.utf8.count) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
    }

    /// How many insertions, deletions, substitutions and swaps of neighbours lie between two words (Damerau, each place edited once).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var older: [Int] = []
        var former = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var row = [index + 1]
            for column in right.indices {
                let substituted = former[column] + (byte == right[column] ? 0 : 1)
                var least = min(substituted, former[column + 1] + 1, row[column] + 1)
                if index > 0, column > 0, byte == right[column - 1], left[index - 1] == right[column] {
                    least = min(least, older[column - 1] + 1)
                }
                row.append(least)
            }
            (older, former) = (former, row)
        }
        return former[right.count]
    }
}
