internal import ShownText
internal import SwellModel

/// Colours by meaning; without colours the text alone.
struct Style: Sendable {
    let hasColours: Bool

    enum Tone: String, CaseIterable {
        case good = "32"
        case bad = "31"
        case busy = "33"
        case calm = "36"
        case faint = "2"
        case strong = "1"
    }

    /// The text in a tone, without anything of its own that a terminal would act upon.
    func paint(_ text: String, _ tone: Tone?) -> String {
        let text = PlainText.shown(text)
        guard hasColours, let tone else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    /// The text with everything spelled out that a terminal would act upon, but for what ``paint(_:_:)`` writes.
    static func keepingColours(_ text: String) -> String {
        guard text.utf8.contains(0x1B) else { return PlainText.shown(text) }
        let own = Tone.allCases.map { "[\($0.rawValue)m" } + ["[0m"]
        var result = ""
        for (index, part) in text.unicodeScalars.split(separator: "\u{1B}", omittingEmptySubsequences: false)
            .enumerated()
        {
            let part = String(part)
            if index > 0 { result += own.contains(where: part.hasPrefix) ? "\u{1B}" : "\\x1b" }
            result += PlainText.shown(part)
        }
        return result
    }

    /// What a phase of a rollout, stage or target means.
    static func tone(ofPhase phase: String) -> Tone? {
        switch phase {
        case "succeeded", "healthy", "passed": .good
        case "failed", "rollbackFailed", "aborted", "unreachable", "unknown", "degraded": .bad
        case "rollingBack", "rolledBack", "paused", "gated", "superseded", "removed", "held": .busy
        case "progressing", "dispatched", "applying", "verifying", "soaking": .calm
        case "queued", "waiting", "scheduled", "skipped": .faint
        default: nil
        }
    }
}
