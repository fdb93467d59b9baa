internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

/// What the agent remembers in the cluster itself: one ConfigMap for each application, so that an agent that lost its
/// disk knows how far generations have come.
struct ClusterRecords: Sendable {
    let api: KubernetesAPI
    /// The cluster's name in the fleet; nil where records of any are believed.
    var cluster: ClusterName?
    /// The namespace for what the agent keeps.
    let namespace: String
    let fieldManager: String
    let binding: RecordBinding
    let logger: Logger

    private static let type = GroupVersionKind(version: "v1", kind: "ConfigMap")
    static let label = "swell.dev/record"
    /// The most bytes of one record that are believed: several times what the longest has.
    static let sizeLimit = 256 * 1024

    /// Makes the namespace where there is none.
    func prepare() async throws { try await api.ensureNamespace(namespace, fieldManager: fieldManager) }

    /// What is remembered of every application. A record that cannot be believed is left out: the coordinator's next
    /// assignment brings its generation again.
    ///
    /// Believed are records that the agent of this cluster may have written itself: under their application's name, of numbers that
    /// can be outranked, of this very namespace, and no more than an agent has applications.
    func all() async throws -> [InventoryRecord] {
        let selection = ObjectSelection(type: Self.type, namespace: namespace, labelSelector: Self.label)
        let uid = await binding.uid()
        var believed: [InventoryRecord] = []
        for object in try await api.list(selection).objects.sorted(by: { $0.name < $1.name }) {
            guard let record = record(object, in: uid) else { continue }
            guard believed.count < WireLimits.applications else {
                logger.warning(
                    "records beyond the most that an agent has are not believed",
                    metadata: ["limit": "\(WireLimits.applications)", "first": "\(object.name)"])
                break
            }
            believed.append(record)
        }
        return believed
    }

    /// What is remembered of one application.
    func one(_ application: ApplicationName) async throws -> InventoryRecord? {
        let reference = ObjectReference(type: Self.type, namespace: namespace, name: Self.name(of: application))
        guard let object = try await api.get(reference) else { return nil }
        return record(object, in: await binding.uid())
    }

    private func record(_ object: KubernetesObject, in uid: String?) -> InventoryRecord? {
        do {
            return try Self.read(object, in: uid, of: cluster)
        } catch {
            if binding.isNews(object) {
                logger.warning(
                    "a record is not believed", metadata: ["record": "\(object.name)", "reason": "\(error.reason)"])
            }
            return nil
        }
    }

    static let prefix = "swell-record-"

    private static func name(of application: ApplicationName) -> String { "\(prefix)\(application)" }

    /// Why a record is not believed.
    struct Disbelief: Error {
        let reason: String
    }

    /// - Parameters:
    ///   - uid: That of the namespace as it is now; nil where it is not known, and all are taken to be of it.
    ///   - cluster: The agent's own; nil where records of any are believed.
    static func read(
        _ object: KubernetesObject, in uid: String?, of cluster: ClusterName? = nil
    ) throws(Disbelief) -> InventoryRecord {
        func text(_ key: String) -> String? { object["data"]?[key]?.stringValue }
        let size = (object["data"]?.objectValue ?? [:]).reduce(0) { $0 + ($1.value.stringValue?.utf8.count ?? 0) }
        guard size <= sizeLimit else { throw Disbelief(reason: "it has \(size) bytes, of \(sizeLimit) at most") }
        guard let application = text("application").flatMap({ try? ApplicationName($0) }),
            let generation = text("generation").flatMap({ Int64($0) }),
            let epoch = text("epoch").flatMap({ Int64($0) })
        else { throw Disbelief(reason: "it names no application, generation or epoch") }
        guard object.name == name(of: application) else {
            throw Disbelief(reason: "it is of application \(application), whose record has another name")
        }
        guard (0...AgentMachine.highestOrdinal).contains(generation), (0...AgentMachine.highestOrdinal).contains(epoch)
        else { throw Disbelief(reason: "no coordinator gives out generation \(generation) in epoch \(epoch)") }
        // Those of earlier versions do not say where they were written.
        if let uid, let written = text("namespace-uid"), written != uid {
            throw Disbelief(reason: "it was written in another cluster, or before this namespace was made again")
        }
        if let cluster, let written = text("cluster"), written != cluster.rawValue {
            throw Disbelief(reason: "it was written by the agent of cluster '\(written)', not '\(cluster)'")
        }
        var record = InventoryRecord(application: application, generation: generation, epoch: epoch)
        if let version = text("version"), let digest = text("digest").flatMap({ try? ContentDigest($0) }) {
            record.release = ReleaseReference(version: version, digest: digest)
        }
        record.begun = text("begun").flatMap { try? ContentDigest($0) }
        record.isRemoved = text("removed") == "true"
        // One that cannot be read excuses nothing.
        record.before = text("before").flatMap { try? JSONDecoder().decode(FormerTroubles.self, from: Data($0.utf8)) }
        record.repeatedJobs = Set((text("again") ?? "").split(separator: "\n").map(String.init))
        record.left = text("left")
        record.dealings = text("dealings")
        record.kept = text("evidence").flatMap { try? JSONDecoder().decode(KeptEvidence.self, from: Data($0.utf8)) }
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
        if let cluster { data["cluster"] = .string(cluster.rawValue) }
        if let release = record.release {
            data["version"] = .string(release.version)
            data["digest"] = .string(release.digest.rawValue)
        }
        if let uid = await binding.uid() { data["namespace-uid"] = .string(uid) }
        if record.isRemoved { data["removed"] = "true" }
        if let begun = record.begun { data["begun"] = .string(begun.rawValue) }
        if !record.repeatedJobs.isEmpty {
            data["again"] = .string(record.repeatedJobs.sorted().joined(separator: "\n"))
        }
        if let left = record.left { data["left"] = .string(left) }
        if let dealings = record.dealings { data["dealings"] = .string(dealings) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // What is too long to be read back is not written: it would take the rest with it.
        var room = Self.sizeLimit - 4_096 - (data["again"]?.stringValue?.utf8.count ?? 0)
        func keep(_ value: (some Encodable)?, as key: String) throws {
            guard let value else { return }
            let text = String(decoding: try encoder.encode(value), as: UTF8.self)
            guard text.utf8.count <= room else { return }
            room -= text.utf8.count
            data[key] = .string(text)
        }
        try keep(record.before.flatMap { $0.isEmpty ? nil : $0 }, as: "before")
        try keep(record.kept, as: "evidence")
        object["data"] = .object(data)
        _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
    }
}

/// What ties records to where they were written: the uid of their namespace, which a copy in another cluster does not have.
final class RecordBinding: Sendable {
    private let api: KubernetesAPI
    private let namespace: String
    private let told = Mutex<Set<String>>([])

    init(api: KubernetesAPI, namespace: String) {
        self.api = api
        self.namespace = namespace
    }

    /// The namespace's uid; nil where it cannot be seen. Asked each time: it may be deleted and made again meanwhile.
    func uid() async -> String? {
        let reference = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: namespace)
        return try? await api.get(reference)?.uid
    }

    /// Whether nothing was said of an object as it is.
    func isNews(_ object: KubernetesObject) -> Bool {
        told.withLock { told in
            if told.count >= 1_024 { told = [] }
            return told.insert("\(object.name) \(object.resourceVersion ?? "")").inserted
        }
    }
}
