internal import KubernetesObjects
internal import SwellModel
internal import SwellStore

/// What stays of releases where all that they brought is removed, as far as their manifests tell it before.
struct KeptObjects: Sendable {
    let store: any Store

    /// The most objects that are named.
    private static let maximumNamed = 20

    /// A line for each object that stays, with why.
    func lines(of releases: Set<ContentDigest>, _ application: ApplicationName) async throws -> [String] {
        var lines: [String] = []
        for release in releases.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let objects = try await objects(of: release) else {
                lines.append("what a release says is to stay, of which the content is not stored any more")
                continue
            }
            for line in objects.compactMap(Self.line) where !lines.contains(line) { lines.append(line) }
        }
        if lines.count > Self.maximumNamed {
            lines[Self.maximumNamed...] = ["and \(lines.count - Self.maximumNamed) objects more"]
        }
        return lines + [
            "what was there before \(application) was, and a namespace or definition that others use, or that holds what stays"
        ]
    }

    /// The objects of a release as written; nil where they are not stored any more.
    private func objects(of release: ContentDigest) async throws -> [KubernetesObject]? {
        guard let index = try await store.document(release) else { return nil }
        var objects: [KubernetesObject] = []
        for digest in try Bundle(content: index).documents {
            guard let content = try await store.document(digest),
                let object = try? KubernetesObject(json: JSONValue(parsing: content))
            else { return nil }
            objects.append(object)
        }
        return objects
    }

    /// Why an object stays, with its name; nil where it goes.
    static func line(on object: KubernetesObject) -> String? {
        let name = "\(object.kind) \([object.namespace, object.name].compactMap { $0 }.joined(separator: "/"))"
        if let word = object.keepingWord(own: "swell.dev/prune") { return "\(name), annotated \(word)" }
        let type = object.type.groupKind
        if KubernetesObject.dataKinds.contains(type), object.annotations["swell.dev/prune"] != "allow" {
            return "\(name), since data go with it"
        }
        guard type == GroupKind(group: "apps", kind: "StatefulSet"),
            object.spec?["volumeClaimTemplates"]?.arrayValue?.isEmpty == false,
            object.spec?["persistentVolumeClaimRetentionPolicy"]?["whenDeleted"] != "Delete"
        else { return nil }
        return "the volume claims of \(name)"
    }
}
