internal import Testing

@testable internal import SwellModel

@Suite struct DocumentChangeTests {
    private func cluster(_ labels: [String: String], environment: EnvironmentName = "production") -> Cluster {
        var cluster = Cluster(name: "use1-a", region: "us-east-1", environment: environment)
        cluster.labels = labels
        return cluster
    }

    @Test func saysWhereDocumentsDifferAndNoValue() {
        let old = cluster(["tier": "s3cret"])
        let new = cluster(["tier": "other", "zone": "b"], environment: "staging")
        let change = DocumentChange(from: old, to: new)
        #expect(change.paths == ["metadata.labels.tier", "metadata.labels.zone", "spec.environment"])
        #expect(change.former == old.documentDigest && change.digest == new.documentDigest)
        #expect(!change.summary.contains("s3cret") && change.summary.contains("spec.environment"))
        #expect(DocumentChange(from: nil, to: new).summary.hasPrefix("new as \(new.documentDigest.short)"))
        // There and back leaves two different rows.
        #expect(DocumentChange(from: new, to: old).former == change.digest)
    }

    @Test func aLongListIsCut() {
        let labels = Dictionary(uniqueKeysWithValues: (0..<20).map { ("l\($0)", "x") })
        let change = DocumentChange(from: cluster([:]), to: cluster(labels))
        #expect(change.paths.count <= DocumentChange.maximumPaths)
        let half = DocumentChange(from: cluster(labels), to: cluster(labels.mapValues { _ in "y" }))
        #expect(half.paths.count == DocumentChange.maximumPaths && half.more == 12)
        #expect(half.summary.hasSuffix(" and 12 more"))
    }
}
