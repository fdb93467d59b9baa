/// Colours by meaning; without colours the text alone.
struct Style: Sendable {
    let hasColours: Bool

    enum Tone: String {
        case good = "32"
        case bad = "31"
        case busy = "33"
        case calm = "36"
        case faint = "2"
        case strong = "1"
    }

    func paint(_ text: String, _ tone: Tone?) -> String {
        guard hasColours, let tone else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }

    /// What a phase of a rollout, stage or target means.
    static func tone(ofPhase phase: String) -> Tone? {
        switch phase {
        case "succeeded", "healthy", "passed": .good
        case "failed", "rollbackFailed", "aborted", "unreachable", "degraded": .bad
        case "rollingBack", "rolledBack", "paused", "gated", "superseded", "removed", "held": .busy
        case "progressing", "dispatched", "applying", "verifying", "soaking": .calm
        case "queued", "waiting", "scheduled", "skipped": .faint
        default: nil
        }
    }
}
