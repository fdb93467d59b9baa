internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesSimulator
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// Somebody beside the agent who writes to objects of a release, again and again.
struct OtherWriter: Sendable {
    var name: String
    /// Between two of its writes.
    var every: Interval
    /// Writes; the number counts from 1.
    var write: @Sendable (KubernetesAPI, Int) async throws -> Void

    /// Scales a workload as an autoscaler does.
    static func autoscaler(_ name: String, to replicas: Int64, every: Interval = .seconds(15)) -> OtherWriter {
        OtherWriter(name: "kube-controller-manager", every: every) { api, _ in
            let type = GroupVersionKind(apiVersion: "apps/v1", kind: "Deployment")
            _ = try await api.patch(
                ObjectReference(type: type, namespace: "shop", name: name),
                .merge(["spec": ["replicas": .integer(replicas)]]),
                fieldManager: "kube-controller-manager", subresource: "scale")
        }
    }

    /// Applies an object by force, as controllers do that keep to server-side apply.
    static func applier(_ manager: String, every: Interval, _ manifest: String) -> OtherWriter {
        OtherWriter(name: manager, every: every) { api, _ in
            for object in try Manifest.objects(in: manifest) {
                _ = try await api.apply(object, ApplyOptions(fieldManager: manager, force: true))
            }
        }
    }

    /// Patches an object with a merge patch that may differ each time.
    static func patcher(
        _ manager: String, every: Interval, _ reference: ObjectReference,
        _ patch: @escaping @Sendable (Int) -> JSONValue
    ) -> OtherWriter {
        OtherWriter(name: manager, every: every) { api, count in
            _ = try await api.patch(reference, .merge(patch(count)), fieldManager: manager)
        }
    }

    /// Deletes an object.
    static func deleter(every: Interval, _ reference: ObjectReference) -> OtherWriter {
        OtherWriter(name: "somebody", every: every) { api, _ in _ = try await api.delete(reference) }
    }
}

/// Plays an agent's looks for drift against other writers, on a clock of its own.
struct Fight: Sendable {
    /// What a look said, at a moment of the played time.
    struct Word: Sendable {
        var at: Interval
        var finding: DriftFinding
    }

    let api: KubernetesAPI
    let cluster: KubernetesCluster

    /// A cluster that runs while the body does.
    static func run(_ body: @escaping @Sendable (Fight) async throws -> Void) async throws {
        let fleet = try SimulatedFleet(clusters: [.init(name: "east-1")], pace: .quick)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fleet.run() }
            try await fleet.ready()
            let kubeconfig = try Kubeconfig(text: try await fleet.kubeconfig(for: "east-1"), file: "simulated")
            let api = try KubernetesAPI(connection: try kubeconfig.connection())
            var logger = Logger(label: "test.fight")
            logger.logLevel = .error
            let cluster = KubernetesCluster(api: api, namespace: "swell-system", now: { .wall }, logger: logger)
            do {
                try await body(Fight(api: api, cluster: cluster))
            } catch {
                await api.shutdown()
                group.cancelAll()
                throw error
            }
            await api.shutdown()
            group.cancelAll()
        }
    }

    static func release(
        _ manifests: String, of name: String = "shop", version: String = "1", ignoring: [IgnoredFields] = [],
        adopt: AdoptionPolicy? = nil
    ) throws -> ClusterRelease {
        let application = Application(
            name: try ApplicationName(name), namespace: "shop", ignoreFields: ignoring, adopt: adopt)
        let objects = try Manifest.objects(in: manifests)
        let digest = ContentDigest(of: Array("\(name) \(version) \(manifests)".utf8))
        return ClusterRelease(
            application: application, release: ReleaseReference(version: version, digest: digest), generation: 1,
            epoch: 1, objects: objects)
    }

    func apply(_ release: ClusterRelease) async throws { try await cluster.apply(release) { _, _ in } }

    /// Plays looks at releases and the writers for some minutes; the release is applied already.
    ///
    /// - Returns: What was said, by release.
    func play(
        _ releases: [ClusterRelease], against writers: [OtherWriter], minutes: Int64
    ) async throws -> [[Word]] {
        let end = minutes * 60_000
        var watches = releases.map { _ in DriftWatch(base: .seconds(1), ceiling: .seconds(20)) }
        var words: [[Word]] = releases.map { _ in [] }
        var looks = releases.map { _ in Int64(1_000) }
        var writes = writers.map { ($0.every.milliseconds, 1) }
        while true {
            let nextLook = looks.indices.min { looks[$0] < looks[$1] }
            let nextWrite = writes.indices.min { writes[$0].0 < writes[$1].0 }
            let lookAt = nextLook.map { looks[$0] } ?? .max
            let writeAt = nextWrite.map { writes[$0].0 } ?? .max
            guard min(lookAt, writeAt) < end else { return words }
            if let index = nextWrite, writeAt <= lookAt {
                try await writers[index].write(api, writes[index].1)
                writes[index] = (writeAt + writers[index].every.milliseconds, writes[index].1 + 1)
                // A watch tells of it: the next look is due once the pause is over.
                for look in looks.indices { looks[look] = min(looks[look], writeAt + watches[look].pause.milliseconds) }
            } else if let index = nextLook {
                let look = try await DriftLook.look(
                    at: cluster, for: releases[index], isCorrecting: true, &watches[index],
                    now: { Timestamp(milliseconds: lookAt) })
                if let finding = look.finding {
                    words[index].append(Word(at: Interval(milliseconds: lookAt), finding: finding))
                }
                looks[index] = lookAt + max(watches[index].pause.milliseconds, 20_000)
            }
        }
    }
}

extension [Fight.Word] {
    /// How often something was put back.
    var corrections: Int { count { $0.finding.isCorrected && !$0.finding.objects.isEmpty } }
    /// When something was put back for the last time, in seconds.
    var lastCorrection: Int64 {
        (last { $0.finding.isCorrected && !$0.finding.objects.isEmpty }?.at.milliseconds ?? 0) / 1_000
    }
    /// What was said about those who keep writing.
    var contention: String { compactMap(\.finding.contention).last ?? "" }
}
