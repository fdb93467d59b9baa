internal import SwellModel

/// A rollout as a tree: stages, regions side by side, clusters, and below what it waits for.
struct RolloutTree {
    let view: RolloutView
    let now: Timestamp
    let style: Style

    /// The lines, the long ones wrapped to the width. Where there are more than `rows`, clusters that are healthy or still
    /// queued are summed up; where there still are, each line is cut to the width.
    func lines(columns: Int = .max, rows: Int = .max) -> [String] {
        for isBrief in [false, true] {
            let wrapped = build(isBrief: isBrief).flatMap { $0.wrapped(columns: columns, style: style) }
            if wrapped.count <= rows { return wrapped }
        }
        return build(isBrief: true).prefix(rows).map { $0.text(columns: columns, style: style) }
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
        return lines + waits + rights + nextSteps
    }

    private var header: Line {
        let status = view.status
        var line = Line()
        line.add(view.metadata.name, .strong)
        line.add(
            "  \(view.spec.type == "release" ? "" : "\(view.spec.type) of ")\(view.spec.application) "
                + "\(view.spec.release.version)  ")
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
        line.begin(branch)
        line.add("\(stage.name)  ", .strong)
        line.add(stage.phase, Style.tone(ofPhase: stage.phase))
        if stage.phase == "soaking", let end = stage.soakEndsAt {
            line.add("  \(Ages.text(end - now)) to go, until \(Ages.clock(end))", .faint)
        } else if let passed = stage.passedAt, let started = stage.startedAt {
            line.add("  in \(Ages.text(passed - started))", .faint)
        }
        if let reason = stage.reason { line.add("  \(reason)") }
        for approval in stage.approvals ?? [] {
            let what = approval.gate == ApprovalView.before ? "start" : "pass"
            line.add("  \(what) approved by \(approval.by) at \(Ages.clock(approval.at))", .faint)
        }
        if let promotion = stage.promotion {
            line.add("  promoted by \(promotion.by) at \(Ages.clock(promotion.at))", .busy)
        }
        return line
    }

    private func regionLine(_ region: RegionName, _ targets: [TargetView], branch: String) -> Line {
        var line = Line()
        line.begin(branch)
        line.add("\(region)  ")
        let healthy = targets.count { $0.phase == "healthy" }
        line.add("\(healthy)/\(targets.count) healthy", healthy == targets.count ? .good : nil)
        for phase in ["removed", "held"] {
            let count = targets.count { $0.phase == phase }
            if count > 0 { line.add(", \(count) \(phase)", Style.tone(ofPhase: phase)) }
        }
        if view.status.pausedRegions[region] != nil { line.add("  paused", .busy) }
        return line
    }

    private func targetLine(_ target: TargetView, branch: String) -> Line {
        var line = Line()
        line.begin(branch)
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
    private var rights: [Line] {
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

    private var nextSteps: [Line] {
        NextStep.lines(view).map { text in
            var line = Line()
            line.add("next: ", .busy)
            line.add(text)
            return line
        }
    }

    private var waits: [Line] {
        view.status.waitingFor.map { blocker in
            var line = Line()
            line.add("waits for \(blocker.words): ", .busy)
            line.add(blocker.why)
            if let until = blocker.until { line.add("  (until \(Ages.clock(until)))", .faint) }
            return line
        }
    }
}
