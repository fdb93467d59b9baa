internal import Crypto
internal import KubernetesObjects

/// How a record is laid out in ConfigMaps. One is enough for most; what has no room in it lies in parts, named by their content,
/// which the one names: it is written last, so that whoever reads finds a whole record, old or new, and nothing between.
extension InventoryStore {
    /// The most bytes that one ConfigMap takes; a server refuses more than 1 MiB.
    static let partSize = 700_000

    /// Stores a record.
    ///
    /// - Parameter former: What was read, where it is another's to write and must not have changed since; nil to store in any case.
    /// - Throws: ``KubernetesError``; then what was stored before is still what is read.
    func write(_ record: Record, over former: KubernetesObject? = nil) async throws {
        var data = record.inventory.data
        data["hooks"] = record.finished.text
        data["pending"] = record.inventory.places(of: record.pending)
        data["created"] = record.inventory.places(of: record.created)
        data["adopted"] = record.inventory.places(of: record.adopted)
        data["bare"] = record.inventory.places(of: record.bare)
        data["deletable"] = record.inventory.places(of: record.permits.withData)
        data["namespaceDefaults"] = record.permits.namespaceDefaultsText
        data["uids"] =
            record.uids.isEmpty
            ? "" : record.inventory.sorted.map { record.uids[$0.identity] ?? "" }.joined(separator: "\n")
        data["installed"] = record.isInstalled ? "true" : "false"
        var parts: [String] = []
        if data.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) > Self.partSize {
            parts = try await writeParts(JSONValue.object(data.mapValues { .string($0) }).serializedBytes())
            data = ["format": "2", "parts": parts.joined(separator: "\n")]
        }
        var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: reference.name)
        object.labels = ["app.kubernetes.io/managed-by": fieldManager]
        object["data"] = .object(data.mapValues { .string($0) })
        _ = try await api.apply(
            object, ApplyOptions(fieldManager: fieldManager, force: true, version: former?.resourceVersion))
        if !parts.isEmpty || !record.parts.isEmpty { try await removeParts(but: Set(parts)) }
    }

    /// What parts hold together.
    func assembled(_ parts: [String]) async throws -> [String: String] {
        var bytes: [UInt8] = []
        for name in parts {
            let part = ObjectReference(type: reference.type, namespace: reference.namespace, name: name)
            guard let text = try await api.get(part)?.value(at: ["data", "part"])?.stringValue else {
                throw KubernetesError(
                    code: .invalidInput,
                    message: "the inventory \(reference.name) lacks its part \(name); apply the release again, or take "
                        + "the inventory away to begin a new one")
            }
            bytes += text.utf8
        }
        return (try JSONValue(parsing: bytes, duplicateKeys: .refuse).objectValue ?? [:])
            .compactMapValues(\.stringValue)
    }

    private var partLabel: String {
        Hook.hexadecimal(SHA256.hash(data: Array(reference.name.utf8)).prefix(16))
    }

    private func writeParts(_ bytes: [UInt8]) async throws -> [String] {
        var names: [String] = []
        var start = bytes.startIndex
        while start < bytes.endIndex {
            var end = min(start + Self.partSize, bytes.endIndex)
            // Not in the middle of a character.
            while end < bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            let slice = Array(bytes[start..<end])
            let hash = Hook.hexadecimal(SHA256.hash(data: slice).prefix(8))
            let name = "\(partLabel.prefix(16)).\(hash)"
            var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: name)
            object.labels = [isPart: partLabel]
            object["data"] = ["part": .string(String(decoding: slice, as: UTF8.self))]
            _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
            names.append(name)
            start = end
        }
        return names
    }

    /// Deletes parts that nothing names any more. One that stays does no harm.
    private func removeParts(but named: Set<String>) async throws {
        do {
            let selection = ObjectSelection(
                type: reference.type, namespace: reference.namespace, labelSelector: "\(isPart)=\(partLabel)")
            for object in try await api.list(selection).objects where !named.contains(object.name) {
                _ = try await api.delete(object.reference, DeleteOptions(uid: object.uid))
            }
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }
}
