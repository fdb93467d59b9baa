internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What the author of documents should know before clusters move to other regions.
enum MoveWarnings {
    /// At most this many moves are told of one by one.
    static let maximum = 50

    /// Warns of moves that a rollout under way, or a pause for everybody, has a say in.
    static func of(_ clusters: [Cluster], stored: [Cluster], store: any Store) async throws -> [WarningView] {
        let known = Dictionary(stored.map { ($0.name, $0.region) }) { first, _ in first }
        let moves = clusters.compactMap { cluster in
            known[cluster.name].flatMap { $0 == cluster.region ? nil : (cluster: cluster, from: $0) }
        }
        guard !moves.isEmpty else { return [] }
        let pauses = try await store.regionPauses()
        let holders = try await store.activeRollouts(on: moves.map(\.cluster.name))
        var warnings: [WarningView] = []
        for (cluster, from) in moves {
            let names = holders[cluster.name] ?? []
            guard !names.isEmpty || pauses[from] != nil else { continue }
            var text = "cluster '\(cluster.name)' moves from region '\(from)' to '\(cluster.region)'"
            if !names.isEmpty {
                let shown = names.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
                let more = names.count > 3 ? " and \(names.count - 3) more" : ""
                text +=
                    " while it is a target of rollout \(shown)\(more), which goes on with it where it was planned: "
                    + "pauses of both regions cover it there"
            }
            if let pause = pauses[from] {
                text +=
                    names.isEmpty
                    ? ", out of a region that \(pause.by) paused: new rollouts go to it, unless '\(cluster.region)' is paused too"
                    : "; '\(from)' is paused by \(pause.by), and the pause goes on covering it in that; new rollouts go "
                        + "by '\(cluster.region)'"
            }
            warnings.append(WarningView(kind: "moves", message: text, clusters: [cluster.name]))
        }
        guard warnings.count > maximum else { return warnings }
        let rest = warnings[maximum...].flatMap { $0.clusters ?? [] }
        return warnings[..<maximum] + [
            WarningView(
                kind: "moves", message: "and \(rest.count) more clusters move to other regions likewise", clusters: rest
            )
        ]
    }
}
