internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel

@testable internal import SwellAgent

/// A cluster in memory: remembers what was applied, and is as healthy as the test says.
actor FakeCluster: ClusterPort {
    /// The version that runs, by application; what is applied and not removed.
    private(set) var running: [ApplicationName: ClusterRelease] = [:]
    private(set) var applied: [String] = []
    private(set) var removals = 0
    private(set) var underWay = 0
    private(set) var mostUnderWay = 0
    private var health: [String: ObservedHealth] = [:]
    private var failures: [String: ClusterError] = [:]
    private var blocked: Set<String> = []
    private var drifted = 0
    private(set) var corrections = 0
    private(set) var previewed: [String] = []
    private(set) var remembered: [InventoryRecord] = []
    private var isSilent = false
    private var isAway = false
    private let ownUID: String

    init(uid: String = "uid-1") { self.ownUID = uid }

    // MARK: - The script

    func setHealth(_ value: ObservedHealth, of version: String) { health[version] = value }
    func setFailure(_ failure: ClusterError?, of version: String) { failures[version] = failure }
    func block(_ version: String) { blocked.insert(version) }
    func unblock(_ version: String) { blocked.remove(version) }
    func setDrift(_ count: Int) { drifted = count }
    func remember(_ records: [InventoryRecord]) { remembered = records }
    func setAway(_ value: Bool) { isAway = value }
    /// Whether it takes what is asked and does not answer.
    func setSilent(_ value: Bool) { isSilent = value }
    func version(of application: ApplicationName) -> String? { running[application]?.release.version }

    // MARK: - The port

    /// What asking for a namespace's uid fails with, where it does.
    private var uidError: ClusterError?
    func failUID(with error: ClusterError?) { uidError = error }

    func uid() async throws -> String {
        try reachable()
        // An agent in namespaces sees its own.
        if let uidError, !ownUID.contains("/") { throw uidError }
        return ownUID
    }

    func uid(of namespace: String) async throws -> String? {
        try reachable()
        if let uidError { throw uidError }
        return ownUID
    }

    func inventories() async throws -> [InventoryRecord] {
        while isSilent { try await Task.sleep(for: .milliseconds(5)) }
        try reachable()
        return remembered
    }

    func apply(_ release: ClusterRelease, onHoldUp: @escaping HoldUpObserver) async throws -> String? {
        try reachable()
        let version = release.release.version
        applied.append(version)
        underWay += 1
        mostUnderWay = max(mostUnderWay, underWay)
        defer { underWay -= 1 }
        while blocked.contains(version) { try await Task.sleep(for: .milliseconds(5)) }
        if let failure = failures[version] { throw failure }
        running[release.application.name] = release
        return nil
    }

    func runFailureHooks(of release: ClusterRelease) async throws {
        let version = release.release.version
        applied.append("\(version) failed")
        while blocked.contains("\(version) failed") { try await Task.sleep(for: .milliseconds(5)) }
    }

    func remove(
        _ application: ApplicationName, generation: Int64, epoch: Int64, onHoldUp: @escaping HoldUpObserver
    ) async throws -> String? {
        try reachable()
        removals += 1
        running[application] = nil
        return nil
    }

    func watch(
        _ release: ClusterRelease, isApplying: Bool, onHealth: @Sendable (ObservedHealth) async -> Void,
        onChange: @escaping @Sendable () -> Void
    ) async throws {
        var last: ObservedHealth?
        while true {
            let now = health[release.release.version] ?? ObservedHealth(.healthy)
            if now != last { await onHealth(now) }
            last = now
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func watchReach(onChange: @Sendable (ObservedHealth?) async -> Void) async {
        var told = false
        while !Task.isCancelled {
            if isAway != told {
                told = isAway
                await onChange(
                    told ? ObservedHealth(.unknown, reason: "APIServerUnreachable", message: "no answer") : nil)
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    func drift(of release: ClusterRelease, isCorrecting: Bool, leaving: [ContestedField]) async throws -> [ObjectChange]
    {
        defer { if isCorrecting { drifted = 0 } }
        if isCorrecting, drifted > 0 { corrections += 1 }
        return (0..<drifted).map { index in
            ObjectChange(
                apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "c\(index)", action: .update,
                fields: [ChangedField(path: "data.a", before: "1", after: "2", managers: ["kubectl-edit"])])
        }
    }

    func preview(_ release: ClusterRelease) async throws -> PreviewAnswer {
        try reachable()
        previewed.append(release.release.version)
        while blocked.contains("preview") { try await Task.sleep(for: .milliseconds(5)) }
        return PreviewAnswer(
            objects: [
                ObjectChange(
                    apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "settings", action: .create,
                    message: release.release.version)
            ], unchanged: release.objects.count)
    }

    private func reachable() throws {
        if isAway { throw ClusterError(isTransient: true, isAway: true, reason: "Unavailable", message: "no answer") }
    }
}
