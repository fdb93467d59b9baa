internal import Hummingbird
internal import Logging
internal import SwellModel
internal import SwellStore

/// What a release would change: every agent concerned is asked for its API server's own dry run.
///
/// The questions go through the store, since another replica may have an agent's session.
struct DiffEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    let hooks: ConsoleHooks
    let limit: EventStreamLimit
    /// How often answers are looked for.
    let interval: Interval

    /// Clusters in one diff at most.
    static let maximumClusters = 500
    /// Seconds that agents are waited for.
    static let timeouts = 1...40
    static let standardTimeout = 30

    func add(to group: RouterGroup<ConsoleContext>) {
        group.post("applications/:name/diff") { request, context in
            let name: ApplicationName = try context.name("name", "application")
            let body = try await reading.body(
                DiffRequest.self, of: request, fields: ["version", "select", "timeout"])
            return Response(json: try await diff(name, body, context))
        }
    }

    private func diff(
        _ name: ApplicationName, _ request: DiffRequest, _ context: ConsoleContext
    ) async throws -> DiffView {
        let timeout = request.timeout ?? Self.standardTimeout
        guard Self.timeouts.contains(timeout) else {
            throw Problem.malformed(
                "timeout is \(timeout); write seconds from \(Self.timeouts.lowerBound) to \(Self.timeouts.upperBound)")
        }
        let application = try await store.application(name)
        let release = try await store.existingRelease(of: name, version: request.version)
        let records = try await clusters(of: application, request.select)
        guard limit.enter() else { throw Problem.busy("too many diffs are under way here; come back in a minute") }
        defer { limit.leave() }
        context.logger.info(
            "diff asked for",
            metadata: [
                "application": "\(name)", "version": "\(release.reference.version)", "clusters": "\(records.count)",
                "by": "\(context.actor)",
            ])
        let connected = records.filter(\.isConnected).map(\.cluster.name)
        let answers = try await answers(
            of: connected, release.reference, name, within: .seconds(Int64(timeout)))
        return DiffView(release, clusters: records.map { view($0, answers[$0.cluster.name]) })
    }

    /// The application's clusters that are selected, in the order of regions and names.
    private func clusters(
        of application: SwellModel.Application, _ select: ClusterSelector?
    ) async throws -> [ClusterRecord] {
        let all = try await store.clusters()
        if let unknown = select?.clusters.first(where: { name in !all.contains { $0.cluster.name == name } }) {
            _ = try await store.clusterRecord(unknown)
        }
        let chosen = all.filter { record in
            application.select.matches(record.cluster) && (select?.matches(record.cluster) ?? true)
        }
        guard !chosen.isEmpty else {
            throw Problem.invalid("no cluster of application '\(application.name)' is selected")
        }
        guard chosen.count <= Self.maximumClusters else {
            throw Problem.invalid(
                "\(chosen.count) clusters are selected, and one diff takes \(Self.maximumClusters): narrow them by cluster, "
                    + "region, environment or label")
        }
        return chosen.sorted { ($0.cluster.region, $0.cluster.name) < ($1.cluster.region, $1.cluster.name) }
    }

    /// Asks, and waits until all have answered or the time is over.
    private func answers(
        of clusters: [ClusterName], _ release: ReleaseReference, _ application: ApplicationName, within limit: Interval
    ) async throws -> [ClusterName: PreviewAnswer] {
        guard !clusters.isEmpty else { return [:] }
        let asked = try await store.askPreviews(
            of: release, application: application, on: clusters, lifetime: limit)
        let outcome: Result<[Int64: PreviewAnswer], any Error>
        do {
            await hooks.previewsAsked()
            outcome = .success(try await answers(to: asked.map(\.id), until: .now + limit.duration))
        } catch {
            outcome = .failure(error)
        }
        // What is left over, as when the database is away or the client has gone, expires.
        try? await store.closePreviews(asked.map(\.id))
        let answers = try outcome.get()
        return asked.reduce(into: [:]) { $0[$1.cluster] = answers[$1.id] }
    }

    private func answers(
        to ids: [Int64], until deadline: ContinuousClock.Instant
    ) async throws -> [Int64: PreviewAnswer] {
        while true {
            let known = try await store.answeredPreviews(ids)
            if known.count == ids.count || ContinuousClock.now >= deadline {
                return try await store.previewAnswers(to: ids)
            }
            try await Task.sleep(for: interval.duration)
        }
    }

    private func view(_ record: ClusterRecord, _ answer: PreviewAnswer?) -> ClusterDiffView {
        let state: ClusterDiffView.State
        if let answer {
            state = answer.failure == nil ? .answered : .failed
        } else {
            state = record.isConnected ? .noAnswer : record.isEnrolled ? .notConnected : .neverJoined
        }
        var view = ClusterDiffView(
            record.cluster, state: state, lastSeenAt: record.lastSeenAt, answer: answer ?? PreviewAnswer())
        if answer == nil { view.revokedAt = record.revokedAt }
        return view
    }
}
