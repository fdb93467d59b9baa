internal import ArgumentParser
internal import KubernetesObjects
internal import ShownText
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

@Suite struct TerminalTextTests {
    private let hostile = "\u{1B}]0;title\u{7}a\u{9B}2J\u{202E}b\r\u{7F}"

    private func isClean(_ text: String) -> Bool { !text.unicodeScalars.contains(where: PlainText.isUnsafe) }

    @Test func nothingThatATerminalActsUponGetsThrough() {
        let shown = PlainText.shown(hostile)
        #expect(shown == "\\x1b]0;title\\x7a\\x9b2J\\x202eb\\xd\\x7f" && isClean(shown))
        #expect(PlainText.shown("日本 👩‍👩‍👧 é\tx\ny") == "日本 👩‍👩‍👧 é\tx\ny")
        let painted = Style(hasColours: true).paint(hostile, .good)
        #expect(painted == "\u{1B}[32m\(shown)\u{1B}[0m" && Style.keepingColours(painted) == painted)
        #expect(isClean(Style.keepingColours(hostile)))
        #expect(Style(hasColours: false).paint(hostile, .bad) == shown)
        #expect(PlainText.shownAsJSON("\"a\u{9B}\"") == "\"a\\u009b\"")
    }

    /// What turns the direction of text, or shows nothing and hides that two words differ.
    @Test(arguments: [
        "\u{200E}", "\u{200F}", "\u{61C}", "\u{202A}", "\u{202E}", "\u{2066}", "\u{2069}", "\u{206A}", "\u{85}",
        "\u{9F}",
    ])
    func whatTurnsTextIsSpelledOut(mark: String) {
        let hex = String(mark.unicodeScalars.first?.value ?? 0, radix: 16)
        #expect(PlainText.shown("a\(mark)b") == "a\\x\(hex)b")
        #expect(PlainText.problem(in: "a\(mark)b") != nil)
        // A block of text has no escapes: there it would read as letters.
        let block = JSONValue.object(["x": .string("one\nt\(mark)o\n")]).yaml()
        #expect(isClean(block) && block.hasPrefix("x: \"one\\nt\\u"), "\(block)")
        #expect((try? YAMLReader.documents(in: block)[0].root.json)?["x"] == .string("one\nt\(mark)o\n"))
    }

    @Test func whatTheServerSaysIsCleanOnceRead() throws {
        let view = try JSONValue.object(["reason": .string(hostile), "list": [.string("a\r\nb")]]).decoded(
            as: [String: JSONValue].self)
        #expect(view["reason"]?.stringValue.map { isClean($0.replacing("\r", with: "")) } == true)
        #expect(view["list"]?[0] == "a\r\nb", "line ends are shown by whoever shows them")
    }

    @Test func othersTextsAreChecked() {
        #expect(PlainText.problem(in: hostile)?.contains("U+001B") == true)
        #expect(PlainText.problem(in: "Fix: 日本 👩‍👩‍👧\r\n\n- more\tof it") == nil)
        #expect(PlainText.problem(in: "a\rb") != nil)
    }

    @Test(arguments: [
        ("delete cluster x", "'swell' has no command 'delete'; did you mean 'swell cluster remove'?"),
        ("cluster delete x", "'swell cluster' has no command 'delete'; did you mean 'swell cluster remove'?"),
        ("delete application shop", "'swell' has no command 'delete'; did you mean 'swell uninstall'?"),
        ("undo r", "'swell' has no command 'undo'; did you mean 'swell rollout undo'?"),
        ("rolout start", "'swell' has no command 'rolout'; did you mean 'rollout'?"),
        ("release craete", "'swell release' has no command 'craete'; did you mean 'create'?"),
        ("create shop", "'swell' has no command 'create'; did you mean 'swell release create'?"),
    ])
    func proposesACommandForAWordThatIsNone(line: String, expected: String) {
        let root = CommandWords.Word(SwellTool.configuration)
        let error = CommandWords.problem(in: line.split(separator: " ").map(String.init), root: root)
        #expect(error?.message.hasPrefix(expected + "\nUsage: swell ") == true && error?.code == .usage)
    }

    @Test(arguments: [
        "", "get clusters", "help release", "--version", "release create shop --version 1", "cluster list",
    ])
    func leavesCommandsAlone(line: String) {
        let root = CommandWords.Word(SwellTool.configuration)
        #expect(CommandWords.problem(in: line.split(separator: " ").map(String.init), root: root) == nil)
    }

    @Test func helpExplainsHowAReferenceStays() {
        let help = ReleaseCreate.helpMessage(columns: 200)
        #expect(
            help.contains("$${") && help.contains("swell.dev/substitute: disabled") && help.contains("substitute: true")
        )
    }

    @Test func anUndoShowsWhatItBrings() {
        #expect(Tables.version("1.1.0", type: "release", brings: []) == "1.1.0")
        #expect(Tables.version("1.1.0", type: "undo", brings: ["1.0.0"]) == "1.0.0 (undo of 1.1.0)")
        #expect(Tables.version("1.1.0", type: "undo", brings: []) == "undo of 1.1.0")
    }

    @Test func aSpellingIsALineOfItsOwn() {
        #expect(LineDifference(from: ["caf\u{E9}"], to: ["cafe\u{301}"]).lines.map(\.mark) == ["-", "+"])
    }
}
