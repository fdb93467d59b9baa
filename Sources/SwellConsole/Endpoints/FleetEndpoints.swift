internal import Hummingbird
internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Documents as applied, clusters and regions with what is known of them.
struct FleetEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    let hooks: ConsoleHooks

    func add(to group: RouterGroup<ConsoleContext>) {
        group.post("apply") { request, context in
            let body = try await reading.body(ApplyRequest.self, of: request, fields: ["files", "dryRun"])
            return Response(json: try await apply(body, by: context.actor))
        }
        group.get("clusters") { _, _ in
            let drifts = Dictionary(grouping: try await store.driftFigures(), by: \.cluster)
            let pauses = try await store.regionPauses()
            let clusters = try await store.clusterListing()
            return Response(
                json: clusters.view {
                    ClusterView($0, regionPause: pauses[$0.cluster.region], drifts: drifts[$0.cluster.name] ?? [])
                })
        }
        group.get("clusters/:name") { _, context in
            let name: ClusterName = try context.name("name", "cluster")
            return Response(json: try await cluster(name))
        }
        group.get("clusters/:name/removal") { _, context in
            let name: ClusterName = try context.name("name", "cluster")
            return Response(json: try await ClusterRemoval(store: store).view(name))
        }
        group.delete("clusters/:name") { request, context in
            let name: ClusterName = try context.name("name", "cluster")
            let isConfirmed = try request.flag("confirmed")
            try await ClusterRemoval(store: store).remove(name, isConfirmed: isConfirmed, by: context.actor)
            // After a restore the log is what tells whom to remove again.
            context.logger.info("removed", metadata: ["cluster": "\(name)", "by": "\(context.actor)"])
            await hooks.trustChanged()
            return Response(status: .noContent)
        }
        group.get("applications") { _, _ in
            Response(json: try await store.applicationListing().view(\.document))
        }
        group.get("applications/:name") { _, context in
            let name: ApplicationName = try context.name("name", "application")
            return Response(json: try await application(name))
        }
        group.get("policies") { _, _ in
            Response(json: try await store.policyListing().view(\.document))
        }
        group.get("policies/:name") { _, context in
            let name: PolicyName = try context.name("name", "policy")
            return Response(json: try await store.policy(name).document)
        }
        group.get("regions") { _, _ in
            Response(json: try await regions())
        }
    }

    private func apply(_ request: ApplyRequest, by actor: String) async throws -> ApplyAnswer {
        guard request.files.count <= 5_000 else {
            throw Problem.invalid("there are \(request.files.count) files; at most 5000 are taken at once")
        }
        let documents = try DocumentReader.read(request.files)
        // What cannot be read is mended by being applied again.
        let clusters = try await store.clusterListing().items.map(\.cluster)
        let problems = documents.problems(knownClusters: clusters)
        guard problems.isEmpty else { throw DocumentErrors(problems) }
        let isDryRun = request.dryRun ?? false
        let fleet = FleetDocuments(
            clusters: documents.clusters.map(\.value), applications: documents.applications.map(\.value),
            policies: documents.policies.map(\.value))
        // Looked up before: afterwards nobody knows where they were.
        let doubts = documents.warnings(knownClusters: clusters).prefix(DocumentErrors.maximumCount).map {
            WarningView(kind: "unknown", message: $0.description)
        }
        let warnings =
            try await doubts + MoveWarnings.of(fleet.clusters, stored: clusters, store: store)
            + SettingsWarnings.of(fleet.applications, store: store)
            + SettingsWarnings.of(fleet.policies, store: store)
        let applied =
            isDryRun ? try await preview(fleet, clusters) : try await store.apply(fleet, by: actor)
        return ApplyAnswer(
            dryRun: isDryRun,
            documents: applied.map {
                ApplyAnswer.Document(kind: $0.kind, name: $0.name, outcome: $0.outcome.rawValue)
            }, warnings: warnings)
    }

    /// What applying would do.
    private func preview(_ fleet: FleetDocuments, _ clusters: [Cluster]) async throws -> [AppliedDocument] {
        func compare<Value: Equatable, Key: Equatable>(
            _ new: [Value], _ old: [Value], _ kind: DocumentKind, _ key: KeyPath<Value, Name<Key>>
        ) -> [AppliedDocument] {
            new.map { value in
                let before = old.first { $0[keyPath: key] == value[keyPath: key] }
                let outcome: AppliedDocument.Outcome =
                    before.map { $0 == value ? .unchanged : .configured } ?? .created
                return AppliedDocument(kind: kind.rawValue, name: value[keyPath: key].rawValue, outcome: outcome)
            }
        }
        return compare(fleet.clusters, clusters, .cluster, \.name)
            + compare(fleet.applications, try await store.applicationListing().items, .application, \.name)
            + compare(fleet.policies, try await store.policyListing().items, .rolloutPolicy, \.name)
    }

    private func cluster(_ name: ClusterName) async throws -> ClusterView {
        let record = try await store.clusterRecord(name)
        let wanted = try await store.assignments(of: name)
        let drifts = try await store.drifts(of: name)
        let figures = try await store.driftFigures().filter { $0.cluster == name }
        var views: [ClusterApplicationView] = []
        for status in try await store.statuses(of: nil) where status.cluster == name {
            let report = status.report
            let assignment = wanted.first { $0.application == report.application }
            var version: String?
            if let digest = report.digest {
                version = try await store.version(of: digest, application: report.application, hint: assignment)
            }
            var wantedVersion: String?
            if case .run(let release)? = assignment?.goal { wantedVersion = release.version }
            var message = report.message
            if let assignment, message == nil, report.provesAnother(than: assignment) {
                message =
                    "left as it is: proven here, though the database knows of no order for it (was it restored?); "
                    + "a rollout brings it in line"
            }
            views.append(
                ClusterApplicationView(
                    application: report.application, version: version, digest: report.digest,
                    health: report.health.rawValue, phase: report.phase.rawValue, generation: report.generation,
                    reason: report.reason, message: message, driftCount: report.driftCount,
                    drift: drifts.first { $0.application == report.application }?.drift,
                    reportedAt: status.receivedAt, wantedVersion: wantedVersion,
                    wantedGeneration: assignment?.generation))
        }
        let pause = try await store.regionPauses()[record.cluster.region]
        return ClusterView(
            record, regionPause: pause, drifts: figures, applications: views.sorted { $0.application < $1.application })
    }

    /// The application's document with what its clusters run.
    private func application(_ name: ApplicationName) async throws -> JSONValue {
        var document = try await store.application(name).document
        let clusters: [JSONValue] = try await store.statuses(of: name).sorted { $0.cluster < $1.cluster }.map {
            status in
            var entry: [String: JSONValue] = [
                "cluster": .string(status.cluster.rawValue), "health": .string(status.report.health.rawValue),
                "phase": .string(status.report.phase.rawValue), "generation": .integer(status.report.generation),
            ]
            entry["digest"] = (status.report.digest?.rawValue).map(JSONValue.string)
            return .object(entry)
        }
        document["status"] = .object(["clusters": .array(clusters)])
        return document
    }

    /// The regions as they are, and as active rollouts planned them: a pause covers both.
    private func regions() async throws -> ListView<RegionView> {
        let pauses = try await store.regionPauses()
        let listing = try await store.clusterListing()
        let byRegion = Dictionary(grouping: listing.items, by: \.cluster.region)
        var planned: [RegionName: [ClusterName]] = [:]
        for (cluster, regions) in try await store.plannedRegions() {
            for region in regions { planned[region, default: []].append(cluster) }
        }
        let views = Set(byRegion.keys).union(pauses.keys).union(planned.keys).sorted().map { region in
            let records = byRegion[region] ?? []
            return RegionView(
                name: region,
                status: RegionView.Status(
                    clusters: records.count, connected: records.count { $0.isConnected },
                    environments: Set(records.map(\.cluster.environment)).sorted(), pause: pauses[region],
                    planned: planned[region]?.sorted()))
        }
        return ListView(items: views, unreadable: listing.unreadable.map(UnreadableView.init))
    }
}

extension UnreadableView {
    init(_ row: UnreadableRow) { self.init(name: row.name, reason: row.reason) }
}

extension Listing {
    /// As it is answered: what can be read, and what cannot by name.
    func view<Item>(_ item: (Element) throws -> Item) rethrows -> ListView<Item> {
        ListView(items: try items.map(item), unreadable: unreadable.map(UnreadableView.init))
    }
}
