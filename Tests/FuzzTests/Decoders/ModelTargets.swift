internal import KubernetesObjects

@testable internal import SwellModel

/// Documents, releases and the small values of the model.
enum ModelTargets {
    static let all = [documents, release, bundle, values]

    /// What was accepted is written as documents that read back as the same values: nothing in it was overlooked.
    static let documents = FuzzTarget(
        name: "documents",
        words: [
            "kind: RolloutPolicy", "kind: Application", "kind: Cluster", "apiVersion: swell.dev/v1\n", "50%", "0%",
            "1h30m",
            "onFailure: {action: pause, scope: region}", "select: {regions: [a]}", "soak: 5m", "\n---\n", "patches:",
            "merge: ", "json: ", "&a ", "*a",
        ]
    ) { input in
        guard let text = text(input) else { return }
        let read = try accepted(orRefusedBy: DocumentErrors.self) {
            try DocumentReader.read([SourceFile(name: "f.yaml", content: text)])
        }
        guard let set = read else { return }
        let written =
            set.clusters.map(\.value.document) + set.applications.map(\.value.document)
            + set.policies.map(\.value.document)
        let again = try DocumentReader.read([
            SourceFile(name: "again.yaml", content: written.map { $0.yaml() }.joined(separator: "---\n"))
        ])
        try require(again.clusters.map(\.value) == set.clusters.map(\.value), "clusters change")
        try require(again.policies.map(\.value) == set.policies.map(\.value), "policies change")
        let applications = zip(again.applications, set.applications)
        try require(
            applications.allSatisfy {
                ObjectTargets.normalized($0.value.document) == ObjectTargets.normalized($1.value.document)
            }, "applications change")
        _ = set.problems(knownClusters: [])
        _ = set.warnings(knownClusters: [])
    }

    /// A release that was put together can be rendered or refused with a word, within bounds.
    static let release = FuzzTarget(
        name: "release",
        words: [
            "${a}", "${long}", "$${", "${a:integer}", "${label.x}", "${cluster}", "image: web:1", "containers:\n",
            "kind: Deployment", "\n---\n", "metadata: {name: ", "&a ", "*a",
        ]
    ) { input in
        guard let text = text(input) else { return }
        let application = Application(
            name: "shop", namespace: "shop",
            parameters: ["a": "1", "long": String(repeating: "long ", count: 800)],
            overrides: [
                Override(
                    match: ClusterSelector(), images: [ImageOverride(name: "web", newTag: "2")],
                    patches: [
                        ObjectPatch(kind: "Deployment", merge: ["spec": ["replicas": 3]]),
                        ObjectPatch(kind: "ConfigMap", json: [["op": "add", "path": "/data/x", "value": "y"]]),
                    ])
            ])
        let read = try accepted(orRefusedBy: DocumentErrors.self) {
            try ReleaseAssembler.assemble(application, from: [SourceFile(name: "f.yaml", content: text)])
        }
        guard let release = read else { return }
        try require(release.size <= ReleaseAssembler.maximumSize, "the release has \(release.size) bytes")
        let content = Dictionary(
            release.documents.map { ($0.digest, $0.content) }, uniquingKeysWith: { first, _ in first })
        let cluster = Cluster(name: "a", region: "r", environment: "e", labels: ["x": "7"])
        let rendered = try accepted(orRefusedBy: ModelError.self) {
            try ReleaseRenderer(release.bundle).render(for: cluster) { content[$0] }
        }
        let size = (rendered ?? []).reduce(0) { $0 + $1.json.serializedBytes().count }
        try require(size <= 70 << 20, "\(input.count) bytes render to \(size)")
        let again = try Bundle(content: release.bundle.content)
        try require(again.digest == release.digest, "the index reads back as another release")
    }

    /// The index of a release, as an agent gets it.
    static let bundle = FuzzTarget(
        name: "bundle", words: ["\"merge\":{", "\"json\":[", "sha256:", "1e30", "null", "\"a\":"]
    ) {
        input in
        let read = try accepted(orRefusedBy: ModelError.self) { try Bundle(content: input) }
        guard let bundle = read else { return }
        let written = bundle.content
        let again = try Bundle(content: written)
        try require(again.content == written, "is written otherwise the second time")
    }

    /// Names, digests, times, lengths of time and limits read back from what they are written as.
    static let values = FuzzTarget(
        name: "values", words: ["5m", "1h", "250ms", "50%", "sha256:", "2026-02-31T00:00:00Z", ".123Z", "-", ":", "T"]
    ) { input in
        guard let text = text(input) else { return }
        if let interval = Interval(text) {
            try require(Interval(interval.description) == interval, "\(interval) is another length of time")
            try require(interval >= .zero, "\(interval) is negative")
        }
        if let moment = Timestamp(text) {
            try require(Timestamp(moment.description) == moment, "\(moment) is another moment")
            try require(moment.description.hasPrefix(text.prefix(19)), "\(text) was taken for \(moment)")
        }
        if let limit = Limit(text) {
            try require(Limit(limit.description) == limit, "\(limit) is another limit")
            try require(limit.resolved(of: 10_000, atLeast: 1) >= 1, "\(limit) resolves to nothing")
        }
        if let digest = try accepted(orRefusedBy: ModelError.self, { try ContentDigest(text) }) {
            try require(digest.rawValue.utf8.count == 71, "a digest of \(digest.rawValue.utf8.count) bytes")
        }
        if let name = try accepted(orRefusedBy: ModelError.self, { try ClusterName(text) }) {
            try require(name.rawValue.utf8.allSatisfy { $0 < 0x80 }, "\(name) is not plain")
        }
    }
}
