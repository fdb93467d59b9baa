internal import Foundation
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Answers of the store as text, without the numbers that each form gives out by itself (ids, cursors).
enum OutcomeText {
    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            return "unencodable: \(error)"
        }
    }

    static func lease(_ lease: Lease?) -> String {
        lease.map { "\($0.name) of \($0.holder), epoch \($0.epoch), until \($0.expiresAt)" } ?? "none"
    }

    static func event(_ event: AuditEvent) -> String {
        var event = event
        event.id = 0
        return json(event)
    }

    /// Events whose ids must rise, without them.
    static func events(_ events: [AuditEvent]) -> String {
        let isRising = zip(events, events.dropFirst()).allSatisfy { $0.id < $1.id }
        return (isRising ? "" : "ids do not rise! ") + events.map(event).joined(separator: "\n")
    }

    static func snapshot(_ snapshot: FleetSnapshot) -> String {
        var lines = ["headroom \(snapshot.fleetHeadroom.map(String.init) ?? "any")"]
        lines += snapshot.pausedRegions.map { "region \($0) \(json($1))" }.sorted()
        lines += snapshot.pausedClusters.map { "cluster \($0) \(json($1))" }.sorted()
        for facts in snapshot.fleet.values.sorted(by: { $0.cluster.name < $1.cluster.name }) {
            lines.append(
                "\(json(facts.cluster)) enrolled \(facts.isEnrolled) seen \(moment(facts.lastSeenAt)) "
                    + "generation \(facts.highestGeneration) assigned \(facts.assigned.map(json) ?? "-") "
                    + "proven \(json(facts.proven)) report \(facts.report.map(json) ?? "-") "
                    + "at \(moment(facts.reportedAt)) held by \(facts.heldBy?.rawValue ?? "-")")
        }
        return lines.joined(separator: "\n")
    }

    static func moment(_ moment: Timestamp?) -> String { moment.map { "\($0)" } ?? "-" }

    static func input(_ input: DecisionInput) -> String {
        var lines = [
            "at \(input.now) under epoch \(input.epoch)", json(input.rollout), snapshot(input.snapshot),
        ]
        lines += input.commands.map { "command \(json($0.command)) by \($0.by) at \($0.at)" }
        // Reports on different clusters do not meet: which of two came first matters within a cluster alone.
        for (_, reports) in Dictionary(grouping: input.reports, by: \.cluster).sorted(by: { $0.key < $1.key }) {
            lines += reports.map { "report of \($0.cluster): \(json($0.report)) at \($0.receivedAt)" }
        }
        return lines.joined(separator: "\n")
    }

    static func decision(_ decision: Decision) -> String {
        var lines = [
            json(decision.rollout), json(decision.transitions), json(decision.assignments), json(decision.proven),
        ]
        lines.append("refusals \(decision.verdicts.map { $0.refusal ?? "-" }) wakes \(moment(decision.wakeAt))")
        return lines.joined(separator: "\n")
    }
}
