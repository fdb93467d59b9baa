/// One line of a tree: pieces of text with their tones, so that it can be cut or wrapped without cutting through colours.
struct Line {
    private var pieces: [(text: String, tone: Style.Tone?)] = []
    /// What stands before the lines that a long one is wrapped into.
    private var margin = "  "

    mutating func add(_ text: String, _ tone: Style.Tone? = nil) { pieces.append((text, tone)) }

    /// Begins with a tree's branch, which goes on beside the lines that follow from wrapping.
    mutating func begin(_ branch: String) {
        add(branch, .faint)
        margin = branch.replacing("├─", with: "│ ").replacing("└─", with: "  ") + "  "
    }

    /// The line, cut to the width.
    func text(columns: Int, style: Style) -> String {
        var left = columns
        var result = ""
        for piece in pieces where left > 0 {
            let flat = Self.flat(piece.text)
            let cut = flat.count <= left ? flat : String(flat.prefix(left - 1)) + "…"
            result += style.paint(cut, piece.tone)
            left -= cut.count
        }
        while result.hasSuffix(" ") { result.removeLast() }
        return result
    }

    /// The line as several where it is longer than the width, broken at spaces as far as there are any.
    func wrapped(columns: Int, style: Style) -> [String] {
        var signs = pieces.flatMap { piece in Self.flat(piece.text).map { Sign(text: $0, tone: piece.tone) } }[...]
        let isNarrow = margin.count > columns / 2
        var lines: [String] = []
        var start = ""
        repeat {
            var width = max(1, columns - start.count)
            if signs.count > width {
                let end = signs.startIndex + width
                // What fits may end before a space; before the first word, only a branch would be left.
                let first = signs.firstIndex { $0.text.isLetter || $0.text.isNumber } ?? end
                if let space = signs[...end].lastIndex(where: { $0.text == " " }), space > first {
                    width = space - signs.startIndex
                }
            }
            let part = signs.prefix(width)
            lines.append((start.isEmpty ? "" : style.paint(start, .faint)) + Self.painted(part, style))
            signs = signs.dropFirst(part.count).drop { $0.text == " " }
            start = isNarrow ? "" : margin
        } while !signs.isEmpty
        return lines
    }

    private struct Sign {
        var text: Character
        var tone: Style.Tone?
    }

    private static func painted(_ signs: ArraySlice<Sign>, _ style: Style) -> String {
        var rest = signs
        while rest.last?.text == " " { rest.removeLast() }
        var result = ""
        while let tone = rest.first.map(\.tone) {
            let run = rest.prefix { $0.tone == tone }
            result += style.paint(String(run.map(\.text)), tone)
            rest = rest.dropFirst(run.count)
        }
        return result
    }

    /// Line breaks in a reason would break the redrawing.
    private static func flat(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
