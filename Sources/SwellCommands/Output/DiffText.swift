internal import KubernetesObjects
internal import ShownText
internal import SwellModel

/// Differences as text: lines of old and new as `diff -u` has them, clusters that would change alike together.
struct DiffText {
    let style: Style
    let isWide: Bool
    let now: Timestamp

    /// Names of clusters in one heading, beyond which the others are counted.
    private static let names = 12

    // MARK: A release over clusters

    func lines(of view: DiffView) -> [String] {
        var lines: [String] = []
        for group in groups(of: view.clusters) {
            lines += self.lines(of: group)
        }
        return lines + [summary(of: view)]
    }

    /// Clusters with the same answer, in the order of the first of each; with `-o wide` each alone.
    private func groups(of clusters: [ClusterDiffView]) -> [[ClusterDiffView]] {
        var groups: [[ClusterDiffView]] = []
        for cluster in clusters {
            let index = isWide ? nil : groups.firstIndex { $0[0].isAlike(cluster) }
            if let index { groups[index].append(cluster) } else { groups.append([cluster]) }
        }
        return groups
    }

    private func lines(of group: [ClusterDiffView]) -> [String] {
        let first = group[0]
        var heading = group.prefix(Self.names).map(\.cluster.rawValue).joined(separator: ", ")
        if group.count > Self.names { heading += " and \(group.count - Self.names) more" }
        if group.count > 1 { heading += " (\(group.count) clusters alike)" }
        if isWide { heading += " in \(first.region), \(first.environment)" }
        switch first.state {
        case .answered: heading += ": \(counts(of: first))"
        case .failed:
            heading += ": " + (first.failure.map { "\($0.reason): \(Self.plain($0.message))" } ?? "no answer")
        case .noAnswer, .notConnected:
            if let revoked = first.revokedAt {
                heading += ": its agent's certificate was revoked \(Ages.since(revoked, now: now)) ago"
                break
            }
            let since = first.lastSeenAt.map { "\($0), \(Ages.since($0, now: now)) ago" } ?? "it joined"
            heading +=
                first.state == .notConnected
                ? ": not connected since \(since)"
                : ": no answer, last heard of \(Ages.since(first.lastSeenAt, now: now)) ago"
        case .neverJoined: heading += ": no agent ever joined"
        }
        let tone: Style.Tone = first.state == .answered ? .strong : .bad
        var lines = [style.paint("=== \(heading)", tone)]
        for object in first.objects { lines += self.lines(of: object) }
        if first.omitted > 0 { lines.append("… and \(first.omitted) objects more that would change") }
        return lines
    }

    /// `1 created, 2 changed, 12 unchanged`.
    private func counts(of cluster: ClusterDiffView) -> String {
        var words: [String] = []
        for action in ObjectChange.Action.allCases {
            let count = cluster.objects.count { $0.action == action }
            if count > 0 { words.append("\(count) \(action.participle)") }
        }
        if cluster.omitted > 0 { words.append("\(cluster.omitted) not shown") }
        if words.isEmpty { return "no differences in \(cluster.unchanged) objects" }
        return (words + ["\(cluster.unchanged) unchanged"]).joined(separator: ", ")
    }

    private func summary(of view: DiffView) -> String {
        func count(_ condition: (ClusterDiffView) -> Bool) -> Int { view.clusters.count(where: condition) }
        let parts = [
            (count { $0.hasDifferences }, "would change"),
            (
                count { cluster in
                    cluster.state == .answered && !cluster.hasDifferences
                        && !cluster.objects.contains { $0.action == .fail }
                }, "would not change"
            ),
            (count { cluster in cluster.objects.contains { $0.action == .fail } }, "would refuse objects"),
            (count { $0.state == .failed || $0.state == .noAnswer }, "gave no answer"),
            (count { $0.state == .notConnected || $0.state == .neverJoined }, "not connected"),
        ]
        let words = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let total = view.clusters.count
        return "\(view.metadata.name) \(view.spec.version) on \(total) cluster\(total == 1 ? "" : "s"): "
            + words.joined(separator: ", ")
    }

    // MARK: Drift

    /// What others changed of one application, from what was released (`-`) to what was found (`+`).
    func lines(of drift: DriftReport, application: ApplicationName) -> [String] {
        let age = Ages.since(drift.foundAt, now: now)
        let what = drift.isCorrected ? "put back \(age) ago" : "left as it is, seen \(age) ago"
        let legend = drift.objects.contains { !$0.fields.isEmpty } ? " (- as released, + as found)" : ""
        var lines = [
            style.paint(
                "Drift of \(application): \(drift.count) object\(drift.count == 1 ? "" : "s"), \(what)\(legend)",
                .strong)
        ]
        if let contention = drift.contention { lines.append(style.paint(Self.plain(contention), .bad)) }
        for object in drift.objects { lines += self.lines(of: object) }
        if drift.omitted > 0 { lines.append("… and \(drift.omitted) objects more") }
        return lines
    }

    // MARK: One object

    func lines(of object: ObjectChange) -> [String] {
        let tone = object.action.tone
        var heading = "\(object.action.mark) \(object.apiVersion) \(object.title)"
        if let message = object.message { heading += ": \(message)" }
        var lines = [style.paint(Self.plain(heading), tone)]
        for field in object.fields {
            var place = "@@ \(field.path) @@"
            if !field.managers.isEmpty { place += " also owned by \(field.managers.joined(separator: ", "))" }
            lines.append("    " + style.paint(Self.plain(place), .calm))
            lines += self.lines(from: field.before, to: field.after)
        }
        if object.omittedFields > 0 { lines.append("    … and \(object.omittedFields) fields more") }
        return lines
    }

    private func lines(from before: JSONValue?, to after: JSONValue?) -> [String] {
        LineDifference(from: before.map(Self.text) ?? [], to: after.map(Self.text) ?? []).lines.map { line in
            let text = "    \(line.mark)\(Self.quoted(line.text))"
            return switch line.mark {
            case "+": style.paint(text, .good)
            case "-": style.paint(text, .bad)
            default: text
            }
        }
    }

    /// A value in lines, as YAML has it; a text of several lines as it is.
    private static func text(_ value: JSONValue) -> [String] {
        if case .string(let text) = value, text.utf8.contains(UInt8(ascii: "\n")) {
            // By bytes: a carriage return before the line end is part of the line, and may be all that differs.
            return text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
        }
        return value.yaml().split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// A line of a text; in quotes, as YAML has them, where something in it has to be spelled out: without, `\u202e` would read as
    /// letters of the text.
    private static func quoted(_ line: String) -> String {
        // Of a line end of another system the last character is left, and cannot be taken for anything else.
        let text = line.unicodeScalars.last == "\r" ? line.unicodeScalars.dropLast() : line.unicodeScalars[...]
        guard text.contains(where: PlainText.isUnsafe) else { return plain(line) }
        return plain(String(JSONValue.string(line).yaml().dropLast()))
    }

    /// Text from a cluster on one line, without what a terminal would act upon.
    static func plain(_ text: String) -> String { PlainText.shown(text).replacing("\n", with: "\\xa") }
}

extension ClusterDiffView {
    /// Whether two clusters may be shown as one.
    fileprivate func isAlike(_ other: ClusterDiffView) -> Bool {
        guard state == other.state, failure == other.failure, objects == other.objects, omitted == other.omitted else {
            return false
        }
        return state == .answered ? unchanged == other.unchanged : state == .failed || state == .neverJoined
    }
}

extension ObjectChange.Action {
    fileprivate var mark: String {
        switch self {
        case .create: "+"
        case .update: "~"
        case .replace: "±"
        case .delete: "-"
        case .keep: "="
        case .run: ">"
        case .fail: "!"
        }
    }

    fileprivate var participle: String {
        switch self {
        case .create: "created"
        case .update: "changed"
        case .replace: "replaced"
        case .delete: "deleted"
        case .keep: "kept"
        case .run: "run"
        case .fail: "refused"
        }
    }

    fileprivate var tone: Style.Tone {
        switch self {
        case .create: .good
        case .update, .replace, .run: .busy
        case .delete, .fail: .bad
        case .keep: .faint
        }
    }
}

/// Two texts line by line: what is gone, what is new, and some lines around either. Pure.
struct LineDifference {
    struct Line: Hashable {
        /// `-`, `+`, a space for what both have, `…` for lines left out.
        var mark: String
        var text: String
    }

    /// Lines around a change that are shown.
    static let context = 3
    let lines: [Line]

    init(from old: [String], to new: [String]) {
        // Two spellings of one letter are another line.
        let difference = new.map(ExactText.init).difference(from: old.map(ExactText.init))
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var all: [Line] = []
        var (former, latter) = (0, 0)
        while former < old.count || latter < new.count {
            if removed.contains(former) {
                all.append(Line(mark: "-", text: old[former]))
                former += 1
            } else if inserted.contains(latter) {
                all.append(Line(mark: "+", text: new[latter]))
                latter += 1
            } else {
                all.append(Line(mark: " ", text: old[former]))
                former += 1
                latter += 1
            }
        }
        self.lines = Self.withContext(all)
    }

    private static func withContext(_ all: [Line]) -> [Line] {
        var isShown = [Bool](repeating: false, count: all.count)
        for index in all.indices where all[index].mark != " " {
            for near in max(0, index - context)...min(all.count - 1, index + context) { isShown[near] = true }
        }
        var lines: [Line] = []
        var skipped = 0
        for index in all.indices {
            guard isShown[index] else {
                skipped += 1
                continue
            }
            if skipped > 0 { lines.append(Line(mark: "…", text: " \(skipped) lines alike")) }
            skipped = 0
            lines.append(all[index])
        }
        if skipped > 0 { lines.append(Line(mark: "…", text: " \(skipped) lines alike")) }
        return lines
    }
}
