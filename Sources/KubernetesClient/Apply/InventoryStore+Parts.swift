internal import Crypto
internal import KubernetesObjects

/// How a record is laid out in ConfigMaps. One is enough for most; what has no room in it lies in parts, named by their content,
/// which the one names: it is written last, so that whoever reads finds a whole record, old or new, and nothing between.
extension InventoryStore {
    /// The most bytes that one ConfigMap takes; a server refuses more than 1 MiB.
    static let partSize = 700_000

    /// How often an inventory is read again that others keep writing.
    static let writeAttempts = 5

    /// Stores a record over what was read or written last here.
    ///
    /// Where somebody else has written since, that is read, and what it says counts: what was taken over is not put back, and what was
    /// added is not lost.
    ///
    /// - Returns: What is stored.
    /// - Throws: ``KubernetesError``; then what was stored before is still what is read.
    @discardableResult
    func write(_ wanted: Record) async throws -> Record {
        var attempt = 1
        if state.base == nil { state.note(try await stored()) }
        while true {
            let base = state.base ?? InventoryState.Base()
            do {
                return try await write(state.settled(wanted), over: base)
            } catch let error as KubernetesError
                where error.status == 409 && ApplyConflict.list(in: error).isEmpty && attempt < Self.writeAttempts
            {
                attempt += 1
                state.note(found: try await stored())
            }
        }
    }

    /// Stores a record in place of a version that is still the one, or of none.
    func write(_ record: Record, over base: InventoryState.Base) async throws -> Record {
        var data = record.inventory.data
        data["hooks"] = record.finished.text
        data["pending"] = record.inventory.places(of: record.pending)
        data["leaving"] = record.inventory.places(of: record.leaving)
        data["created"] = record.inventory.places(of: record.created)
        data["adopted"] = record.inventory.places(of: record.adopted)
        data["bare"] = record.inventory.places(of: record.bare)
        data["deletable"] = record.inventory.places(of: record.permits.withData)
        data["unwanted"] = record.inventory.places(of: record.unwanted)
        data["replaceable"] = record.inventory.places(of: record.permits.replaceable)
        if !record.losses.isEmpty { data["losses"] = record.lossText }
        if !record.returned.references.isEmpty { data["returned"] = record.inventory.places(of: record.returned) }
        data["namespaceDefaults"] = record.permits.namespaceDefaultsText
        data["uids"] =
            record.uids.isEmpty
            ? "" : record.inventory.sorted.map { record.uids[$0.identity] ?? "" }.joined(separator: "\n")
        data["installed"] = record.isInstalled ? "true" : "false"
        var parts: [String] = []
        if data.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) > Self.partSize {
            let bytes = JSONValue.object(data.mapValues { .string($0) }).serializedBytes()
            parts = try await writeParts(bytes, over: base.version)
            data = ["format": "2", "parts": parts.joined(separator: "\n")]
        }
        var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: reference.name)
        object.labels = ["app.kubernetes.io/managed-by": fieldManager]
        object["data"] = .object(data.mapValues { .string($0) })
        let written = try await api.apply(
            object, ApplyOptions(fieldManager: fieldManager, force: true, version: base.version))
        var stored = record
        stored.parts = parts
        // Nil as long as the first run of all goes on, for which everything that it finds was there before.
        stored.since = base.record.since
        state.note(InventoryState.Base(record: stored, version: written.resourceVersion))
        if !parts.isEmpty || !base.record.parts.isEmpty || !state.orphans.isEmpty {
            try await removeParts(but: Set(parts), over: base)
            state.endOrphans()
        }
        return stored
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

    /// Writes parts. Their names say what they were made to replace, so that nobody who writes over another version names them, too, or
    /// takes them for his to delete.
    private func writeParts(_ bytes: [UInt8], over version: String?) async throws -> [String] {
        var names: [String] = []
        var start = bytes.startIndex
        while start < bytes.endIndex {
            var end = min(start + Self.partSize, bytes.endIndex)
            // Not in the middle of a character.
            while end < bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            let slice = Array(bytes[start..<end])
            let hash = Hook.hexadecimal(SHA256.hash(data: Array("\(version ?? "")\n".utf8) + slice).prefix(8))
            let name = "\(partLabel.prefix(16)).\(hash)"
            var object = KubernetesObject(type: reference.type, namespace: reference.namespace, name: name)
            object.labels = [isPart: partLabel]
            object["data"] = ["part": .string(String(decoding: slice, as: UTF8.self))]
            state.note(parts: [name])
            _ = try await api.apply(object, ApplyOptions(fieldManager: fieldManager, force: true))
            names.append(name)
            start = end
        }
        return names
    }

    /// Deletes parts that nothing names any more: those of the version that was written over, those of own attempts, and what was left
    /// from before that version. A newer one may be about to be named by somebody else. One that stays does no harm.
    private func removeParts(but named: Set<String>, over base: InventoryState.Base) async throws {
        let own = Set(base.record.parts).union(state.orphans)
        let moment = base.version.flatMap { UInt64($0) }
        do {
            let selection = ObjectSelection(
                type: reference.type, namespace: reference.namespace, labelSelector: "\(isPart)=\(partLabel)")
            for object in try await api.list(selection).objects where !named.contains(object.name) {
                let isOlder =
                    if let moment, let made = object.resourceVersion.flatMap({ UInt64($0) }) { made < moment } else {
                        false
                    }
                guard own.contains(object.name) || isOlder else { continue }
                _ = try await api.delete(
                    object.reference, DeleteOptions(uid: object.uid, resourceVersion: object.resourceVersion))
            }
        } catch is KubernetesError {
            try Task.checkCancellation()
        }
    }
}
