internal import SwellModel

/// Where a chart's templates ask a cluster by `lookup`: without one they get nothing, as `helm template` does.
enum ChartLookups {
    /// The most that are told of one chart.
    private static let maximumNotes = 10

    /// What is to be told of a chart's folder; of a packaged chart nothing is seen.
    static func notes(on folder: String) throws -> [String] {
        if folder.hasSuffix(".tgz") { return [] }
        let files = try FolderWalk(folder, extensions: nil).files().filter { $0.contains("/templates/") }
        let places = files.flatMap { file -> [String] in
            guard let source = try? SourceFiles.read([file], keepsForeign: true).files.first else { return [] }
            return lines(in: source.content).map { "'\(file)', line \($0)" }
        }
        let notes = places.prefix(maximumNotes).map {
            "\($0): lookup finds nothing, since no cluster is asked: what the template makes of that is stored, and the same on every "
                + "cluster; give what it would find in --values"
        }
        let more = places.count - notes.count
        return notes + (more > 0 ? ["'\(folder)': \(more) more templates' lines have lookup"] : [])
    }

    /// The lines with an action that calls it; comments and texts do not count.
    static func lines(in template: String) -> [Int] {
        var lines: [Int] = []
        var line = 1
        var rest = Array(template.utf8)[...]
        func begins(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { rest.starts(with: $0) }
        }
        var isAction = false
        var word: [UInt8] = []
        func endWord() {
            if word.elementsEqual("lookup".utf8), lines.last != line { lines.append(line) }
            word = []
        }
        func skip(past end: StaticString) {
            while !rest.isEmpty, !begins(end) {
                if rest.removeFirst() == 0x0A { line += 1 }
            }
        }
        while let byte = rest.first {
            if !isAction {
                isAction = begins("{{")
                if byte == 0x0A { line += 1 }
                rest = rest.dropFirst(isAction ? 2 : 1)
                continue
            }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "`"):
                endWord()
                rest.removeFirst()
                while let next = rest.first, next != byte {
                    if next == 0x0A { line += 1 }
                    rest = rest.dropFirst(next == UInt8(ascii: "\\") && byte != UInt8(ascii: "`") ? 2 : 1)
                }
                rest = rest.dropFirst()
            case _ where begins("/*"): skip(past: "*/")
            case _ where begins("}}"):
                endWord()
                isAction = false
                rest = rest.dropFirst(2)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."),
                UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                word.append(byte)
                rest.removeFirst()
            default:
                endWord()
                if byte == 0x0A { line += 1 }
                rest.removeFirst()
            }
        }
        return lines
    }
}
