internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellModel

/// What the agent remembers in the cluster itself: one ConfigMap for each application, so that an agent that lost its
/// disk knows how far generations have come.
struct ClusterRecords: Sendable {
    let api: KubernetesAPI
    /// The namespace for what the agent keeps.
    let namespace: String
    let fieldManager: String

    private static let type = GroupVersionKind(version: "v1", kind: "ConfigMap")
    private static let label = "swell.dev/record"

    /// Makes the namespace where there is none.
    func prepare() async throws { try await api.ensureNamespace(namespace, fieldManager: fieldManager) }

    /// What is remembered of every application. A record that cannot be read is left out: the coordinator's next
    /// assignment brings its generation again.
    func all() async throws -> [InventoryRecord] {
        let selection = ObjectSelection(type: Self.type, namespace: namespace, labelSelector: Self.label)
        return try await api.list(selection).objects.compactMap(Self.record)
    }

    /// What is remembered of one application.
    func one(_ application: ApplicationName) async throws -> InventoryRecord? {
        let reference = ObjectReference(type: Self.type, namespace: namespace, name: Self.name(of: application))
        return try await api.get(reference).flatMap(Self.record)
    }

    static let prefix = "swell-record-"

    private static func name(of application: ApplicationName) -> String { "\(prefix)\(application)" }

    private static func record(_ object: KubernetesObject) -> InventoryRecord? {
        func text(_ key: String) -> String? { object["data"]?[key]?.stringValue }
        guard let application = text("application").flatMap({ try? ApplicationName($0) }),
            let generation = text("generation").flatMap({ Int64($0) }),
            let epoch = text("epoch").flatMap({ Int64($0) })
        else { return nil }
        var record = InventoryRecord(application: application, generation: generation, epoch: epoch)
        if let version = text("version"), let digest = text("digest").flatMap({ try? ContentDigest($0) }) {
            record.release = ReleaseReference(version: version, digest: digest)
        }
        record.begun = text("begun").flatMap { try? ContentDigest($0) }
        record.isRemoved = text("removed") == "true"
        // One that cannot be read excuses nothing.
        record.before = text("before").flatMap { try? JSONDecoder().decode(FormerTroubles.self, from: Data($0.utf8)) }
        return record
    }

    /// Remembers how far an application has come, and what is wholly applied.
    func write(_ record: InventoryRecord) async throws {
        var object = KubernetesObject(
            type: Self.type, namespace: namespace, name: Self.name(of: record.application))
        object.labels = [Self.label: "application", "app.kubernetes.io/managed-by": fieldManager]
        var data: [String: JSONValue] = [
            "application": .string(record.application.rawValue), "generation": .string(String(record.generation)),
            "epoch": .string(String(record.epoch)),
        ]
        if let release = record.release {
            data["version"] = .string(release.version)
            data["digest"] = .string(release.digest.rawValue)
        }
        if record.isRemoved { data["removed"] = "true" }
        if let begun = record.begun { data["begun"] = .string(begun.rawValue) }
        if let before = record.before, !before.isEmpty {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            data["before"] = .string(String(decoding: try encoder.encode(before), as: UTF8.self))
        }
        object["data"] = .object(data)
        _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}
