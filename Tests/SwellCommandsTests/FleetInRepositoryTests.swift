internal import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// `clusters/` as a platform team keeps it: what the demo applies must be right.
@Suite struct FleetInRepositoryTests {
    private let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    private func documents() throws -> DocumentSet {
        let (files, skipped) = try SourceFiles.read(["\(root)/clusters"], keepsForeign: false)
        #expect(!skipped.isEmpty && skipped.allSatisfy { $0.contains("/applications/shop/1.") })
        return try DocumentReader.read(files)
    }

    @Test func appliesAsAWhole() throws {
        let set = try documents()
        #expect(set.problems(knownClusters: []).isEmpty && set.warnings(knownClusters: []).isEmpty)
        let production = set.clusters.map(\.value).filter { $0.environment == "production" }
        #expect(
            Dictionary(grouping: production, by: \.region).mapValues(\.count) == [
                "us-east-1": 3, "us-west-1": 3, "eu-central-1": 3,
            ])
        #expect(set.clusters.count == 10)
        #expect(Set(set.policies.map(\.value.name)) == ["region-waves", "region-waves-careful", "staging"])
        let again = try DocumentReader.read(
            set.policies.enumerated().map { SourceFile(name: "p\($0)", content: $1.value.document.yaml()) })
        #expect(Set(again.policies.map(\.value)) == Set(set.policies.map(\.value)))
    }

    @Test func appliesWithoutStagingToo() throws {
        var set = try documents()
        set.clusters.removeAll { $0.value.environment == "staging" }
        set.policies.removeAll { $0.value.name == "staging" }
        #expect(set.problems(knownClusters: []).isEmpty && set.warnings(knownClusters: []).isEmpty)
    }

    @Test(arguments: ["1.0.0", "1.1.0", "1.2.0"])
    func everyVersionRendersEverywhere(version: String) throws {
        let set = try documents()
        let shop = try #require(set.applications.first?.value)
        let (files, _) = try SourceFiles.read(["\(root)/clusters/applications/shop/\(version)"], keepsForeign: true)
        let release = try ReleaseAssembler.assemble(shop, from: files)
        #expect(release.warnings.isEmpty, "\(release.warnings)")
        let contents = Dictionary(uniqueKeysWithValues: release.documents.map { ($0.digest, $0.content) })
        for cluster in set.clusters.map(\.value) {
            let objects = try ReleaseRenderer(release.bundle).render(for: cluster) { contents[$0] }
            #expect(objects.count == 15)
            let storefront = try #require(objects.first { $0.kind == "Deployment" && $0.name == "storefront" })
            let wanted: JSONValue =
                cluster.environment == "staging" ? 1 : cluster.labels["size"] == "large" ? 3 : 2
            #expect(storefront.spec?["replicas"] == wanted)
        }
    }
}
