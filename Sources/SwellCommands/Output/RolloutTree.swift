internal import SwellModel

/// A rollout as a tree: stages, regions side by side, clusters, and below what it waits for.
struct RolloutTree {
    let view: RolloutView
    let now: Timestamp
    let style: Style

    /// The lines, cut to the width; where there are more than `rows`, clusters that are healthy or still queued are summed up.
    func lines(columns: Int, rows: Int = .max) -> [String] {
        let whole = build(isBrief: false)
        let chosen = whole.count <= rows ? whole : build(isBrief: true)
        return chosen.prefix(rows).map { $0.text(columns: columns, style: style) }
    }

    private func build(isBrief: Bool) -> [Line] {
        var lines = [header]
        for (index, stage) in view.status.stages.enumerated() {
            let isLast = index == view.status.stages.count - 1
            lines.append(stageLine(stage, branch: isLast ? "└─ " : "├─ "))
            let indent = isLast ? "   " : "│  "
            let targets = view.status.targets.filter { $0.stage == stage.name }
            let regions = Dictionary(grouping: targets, by: \.region).sorted { $0.key < $1.key }
            for (position, region) in regions.enumerated() {
                let isLastRegion = position == regions.count - 1
                lines.append(regionLine(region.key, region.value, branch: indent + (isLastRegion ? "└─ " : "├─ ")))
                let deeper = indent + (isLastRegion ? "   " : "│  ")
                let shown =
                    isBrief
                    ? region.value.filter { !["healthy", "queued", "skipped"].contains($0.phase) } : region.value
                for (place, target) in shown.enumerated() {
                    lines.append(targetLine(target, branch: deeper + (place == shown.count - 1 ? "└─ " : "├─ ")))
                }
            }
        }
        return lines + waits + advice
    }

    private var header: Line {
        let status = view.status
        var line = Line()
        line.add(view.metadata.name, .strong)
        line.add(
            "  \(view.spec.type == "undo" ? "undo of " : "")\(view.spec.application) \(view.spec.release.version)  ")
        line.add(status.phase, Style.tone(ofPhase: status.phase))
        let end = status.endedAt ?? now
        line.add("  \(Ages.since(view.metadata.createdAt, now: end))  policy \(view.spec.policy)", .faint)
        if let reason = status.reason { line.add("  \(reason)") }
        if let pause = status.pause {
            line.add("  paused by \(pause.by)\(pause.reason.map { ": \($0)" } ?? "")", .busy)
        }
        return line
    }

    private func stageLine(_ stage: StageView, branch: String) -> Line {
        var line = Line()
        line.add(branch, .faint)
        line.add("\(stage.name)  ", .strong)
        line.add(stage.phase, Style.tone(ofPhase: stage.phase))
        if stage.phase == "soaking", let end = stage.soakEndsAt {
            line.add("  \(Ages.text(end - now)) to go, until \(Ages.clock(end))", .faint)
        } else if let passed = stage.passedAt, let started = stage.startedAt {
            line.add("  in \(Ages.text(passed - started))", .faint)
        }
        if let reason = stage.reason { line.add("  \(reason)") }
        return line
    }

    private func regionLine(_ region: RegionName, _ targets: [TargetView], branch: String) -> Line {
        var line = Line()
        line.add(branch, .faint)
        line.add("\(region)  ")
        let healthy = targets.count { $0.phase == "healthy" }
        line.add("\(healthy)/\(targets.count) healthy", healthy == targets.count ? .good : nil)
        if view.status.pausedRegions[region] != nil { line.add("  paused", .busy) }
        return line
    }

    private func targetLine(_ target: TargetView, branch: String) -> Line {
        var line = Line()
        line.add(branch, .faint)
        line.add("\(target.cluster)  ")
        line.add(target.phase, Style.tone(ofPhase: target.phase))
        if let release = target.release { line.add("  \(release)") }
        if target.phase != "queued" {
            line.add("  \(Ages.since(target.changedAt, now: view.status.endedAt ?? now))", .faint)
        }
        if let reason = target.reason { line.add("  \(reason)") }
        return line
    }

    /// What to do about rights that an agent lacks.
    private var advice: [Line] {
        let lacking = view.status.targets.filter { target in
            target.reason.map { $0.contains("; grant it to ") || $0.contains("not currently held") } ?? false
        }
        guard !lacking.isEmpty else { return [] }
        let versions = Set([view.spec.release.version] + lacking.compactMap(\.previous)).sorted()
            .map { " --version \($0)" }.joined()
        var line = Line()
        line.add("an agent lacks rights: ", .busy)
        line.add("`swell rbac \(view.spec.application)\(versions)` prints the roles for `kubectl apply -f -`")
        return [line]
    }

    private var waits: [Line] {
        view.status.waitingFor.map { blocker in
            var line = Line()
            line.add("waits for \(blocker.what): ", .busy)
            line.add(blocker.why)
            if let until = blocker.until { line.add("  (until \(Ages.clock(until)))", .faint) }
            return line
        }
    }
}

/// One line of a tree: pieces of text with their tones, so that it can be cut without cutting through colours.
struct Line {
    private var pieces: [(text: String, tone: Style.Tone?)] = []

    mutating func add(_ text: String, _ tone: Style.Tone? = nil) { pieces.append((text, tone)) }

    func text(columns: Int, style: Style) -> String {
        var left = columns
        var result = ""
        for piece in pieces where left > 0 {
            // Line breaks in a reason would break the redrawing.
            let flat = String(piece.text.map { $0.isNewline ? " " : $0 })
            let cut = flat.count <= left ? flat : String(flat.prefix(left - 1)) + "…"
            result += style.paint(cut, piece.tone)
            left -= cut.count
        }
        while result.hasSuffix(" ") { result.removeLast() }
        return result
    }
}
