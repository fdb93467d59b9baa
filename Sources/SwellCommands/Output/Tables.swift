internal import KubernetesObjects
internal import SwellModel

/// What stands in the columns of `get`.
struct Tables {
    let isWide: Bool
    private let now = Timestamp.onThisMachine

    init(isWide: Bool) {
        self.isWide = isWide
    }

    func table(_ resource: Resource, _ items: [JSONValue]) throws -> Table {
        switch resource {
        case .clusters: clusters(try items.map { try $0.decoded(as: ClusterView.self) })
        case .applications: applications(items)
        case .policies: policies(items)
        case .releases: releases(try items.map { try $0.decoded(as: ReleaseView.self) })
        case .rollouts: try rollouts(items)
        case .regions: regions(try items.map { try $0.decoded(as: RegionView.self) })
        }
    }

    private func clusters(_ items: [ClusterView]) -> Table {
        var table = Table("NAME", "REGION", "ENVIRONMENT", "AGENT", "LAST SEEN", "PAUSED")
        if isWide { table.header += ["DRIFT", "VERSION", "LABELS"] }
        for item in items {
            let status = item.status
            let agent =
                status.connection(at: now)
                + (status.readmittedUntil.map { ", door open \(Ages.text(max(.zero, $0 - now)))" } ?? "")
            var row = [
                item.metadata.name, item.spec.region.rawValue, item.spec.environment.rawValue, agent,
                Ages.since(status.lastSeenAt, now: now),
                status.pause?.by ?? status.regionPause.map { "\($0.by) (region)" } ?? "-",
            ]
            if isWide {
                let labels = (item.metadata.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                row += [
                    status.drift.map(drift) ?? "-", status.agentVersion ?? "-",
                    labels.isEmpty ? "-" : labels.joined(separator: ","),
                ]
            }
            table.rows.append(row)
        }
        return table
    }

    /// `2 objects`, or `1 put back 3m ago`.
    private func drift(_ summary: DriftSummary) -> String {
        var words: [String] = []
        if summary.reported > 0 { words.append("\(summary.reported) object\(summary.reported == 1 ? "" : "s")") }
        if summary.corrected > 0 {
            words.append("\(summary.corrected) put back \(Ages.since(summary.at, now: now)) ago")
        }
        return words.joined(separator: ", ")
    }

    private func applications(_ items: [JSONValue]) -> Table {
        var table = Table("NAME", "NAMESPACE", "OVERRIDES", "CHECKS", "MANIFESTS")
        for item in items {
            let spec = item["spec"]
            table.add(
                name(item), spec?["namespace"]?.stringValue ?? "-", count(spec?["overrides"]), count(spec?["checks"]),
                spec?["manifests"]?.stringValue ?? "-")
        }
        return table
    }

    private func policies(_ items: [JSONValue]) -> Table {
        var table = Table("NAME", "STAGES", "ON FAILURE", "DEADLINE")
        for item in items {
            let spec = item["spec"]
            let stages = (spec?["stages"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            let failure = spec?["onFailure"]
            table.add(
                name(item), stages.joined(separator: " > "),
                "\(failure?["action"]?.stringValue ?? "-") \(failure?["scope"]?.stringValue ?? "")",
                spec?["progressDeadline"]?.stringValue ?? "-")
        }
        return table
    }

    private func releases(_ items: [ReleaseView]) -> Table {
        var table = Table("VERSION", "DIGEST", "OBJECTS", "BY", "AGE", "COMMIT", "MESSAGE")
        for item in items {
            let digest = isWide ? item.status.digest.rawValue : item.status.digest.short
            table.add(
                item.spec.version, digest, "\(item.status.objects)", item.metadata.createdBy ?? "-",
                Ages.since(item.metadata.createdAt, now: now), String((item.spec.commit ?? "-").prefix(12)),
                item.spec.message ?? "-")
        }
        return table
    }

    private func rollouts(_ items: [JSONValue]) throws -> Table {
        var table = Table("NAME", "APPLICATION", "VERSION", "PHASE", "TARGETS", "BY", "AGE")
        if isWide { table.header.append("REASON") }
        for item in items {
            let counts: [String: Int]
            let version: String
            if item["status"]?["targets"] != nil {
                let view = try item.decoded(as: RolloutView.self)
                counts = Dictionary(grouping: view.status.targets, by: \.phase).mapValues(\.count)
                let previous = Set(view.status.targets.compactMap(\.previous)).sorted()
                version = Self.version(view.spec.release.version, type: view.spec.type, brings: previous)
            } else {
                let view = try item.decoded(as: RolloutListView.self)
                counts = view.status.counts
                version = Self.version(view.spec.version, type: view.spec.type, brings: view.spec.brings ?? [])
            }
            let total = counts.values.reduce(0, +)
            let created = item["metadata"]?["createdAt"]?.stringValue.flatMap { Timestamp($0) }
            var row = [
                name(item), item["spec"]?["application"]?.stringValue ?? "-", version,
                item["status"]?["phase"]?.stringValue ?? "-", standing(counts, of: total),
                item["metadata"]?["createdBy"]?.stringValue ?? "-", Ages.since(created, now: now),
            ]
            if isWide { row.append(item["status"]?["reason"]?.stringValue ?? "-") }
            table.rows.append(row)
        }
        return table
    }

    /// `1.1.0`; of an undo what it brings before what it takes back, `1.0.0 (undo of 1.1.0)`.
    static func version(_ version: String, type: String?, brings: [String]) -> String {
        guard let type, type != "release" else { return version }
        guard type == "undo" else { return "\(type) of \(version)" }
        return brings.isEmpty ? "undo of \(version)" : "\(brings.joined(separator: ", ")) (undo of \(version))"
    }

    /// `9/10 healthy, 1 removed`.
    private func standing(_ counts: [String: Int], of total: Int) -> String {
        let others = ["removed", "held"].compactMap { word in counts[word].map { ", \($0) \(word)" } }
        return "\(counts["healthy"] ?? 0)/\(total) healthy" + others.joined()
    }

    private func regions(_ items: [RegionView]) -> Table {
        // Clusters that were planned here and are elsewhere by now: a pause of the region covers them too.
        let hasPlanned = items.contains { $0.status.planned?.isEmpty == false }
        var table = Table("NAME", "CLUSTERS", "CONNECTED", "ENVIRONMENTS", "PAUSED", "REASON")
        if hasPlanned { table.header.append("ALSO PLANNED HERE") }
        for item in items {
            let status = item.status
            var row = [
                item.metadata.name, "\(status.clusters)", "\(status.connected)",
                status.environments.map(\.rawValue).joined(separator: ","), status.pause?.by ?? "-",
                status.pause?.reason ?? "-",
            ]
            if hasPlanned { row.append(planned(status.planned ?? [])) }
            table.rows.append(row)
        }
        return table
    }

    /// `a, b, c and 4 more`; all of them where the table is wide.
    private func planned(_ clusters: [ClusterName]) -> String {
        guard !clusters.isEmpty else { return "-" }
        let shown = isWide ? clusters[...] : clusters.prefix(3)
        let rest = clusters.count - shown.count
        return shown.map(\.rawValue).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private func name(_ item: JSONValue) -> String { item["metadata"]?["name"]?.stringValue ?? "-" }

    private func count(_ list: JSONValue?) -> String { "\(list?.arrayValue?.count ?? 0)" }
}

extension ClusterView.Status {
    /// Whether its agent is there; of one whose certificate was revoked that, since nothing of a network is to be mended.
    func connection(at now: Timestamp) -> String {
        if let revokedAt { return "revoked \(Ages.since(revokedAt, now: now)) ago" }
        return connected ? "connected" : enrolled ? "disconnected" : "never joined"
    }
}
