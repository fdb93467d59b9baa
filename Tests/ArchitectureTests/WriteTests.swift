internal import Foundation
internal import Testing

/// Every write to a cluster goes by one place, where it is asked whether it may be.
@Suite struct WriteTests {
    private let repository = Repository()

    /// The names of the files below a folder in which code, not a comment, has a text.
    private func files(below folder: String, with text: String) throws -> Set<String> {
        Set(
            try repository.swiftFiles(below: folder).filter { file in
                try String(contentsOf: file, encoding: .utf8).split(separator: "\n").contains { line in
                    line.contains(text) && !line.drop(while: \.isWhitespace).hasPrefix("//")
                }
            }.map(\.lastPathComponent))
    }

    @Test func leaveForAWriteIsGivenInOnePlace() throws {
        let client = "Sources/KubernetesClient"
        #expect(try files(below: client, with: "WritePermit()") == ["WriteGuard.swift"])
        // Whoever sends asks for leave, or only reads.
        #expect(try files(below: client, with: "transport.send(") == ["Exchange.swift", "WatchEvents.swift"])
        // Inventories have a client of their own; the one that looks at what is pruned asks for a name only.
        #expect(try files(below: client, with: "InventoryStore(api: api") == ["ObjectPreviewer+Unwanted.swift"])
        #expect(try files(below: client, with: "isPermitted") == ["KubernetesRequest.swift", "Exchange.swift"])
        for method in [".POST", ".PUT", ".PATCH", ".DELETE"] {
            #expect(try files(below: client, with: method) == ["ObjectRequests.swift"])
        }
    }

    @Test func theAgentWritesThroughAClientThatIsKeptToWhatReleasesMayWrite() throws {
        let agent = "Sources/SwellAgent"
        #expect(try files(below: agent, with: "BundleApplier(api:") == ["KubernetesCluster.swift"])
        #expect(try files(below: agent, with: ".guarded(by:") == ["KubernetesCluster.swift"])
        let cluster = try repository.text("Sources/SwellAgent/Cluster/KubernetesCluster.swift")
        #expect(cluster.contains("self.api = api.guarded(by: writes)"))
        #expect(cluster.contains("self.recordAPI = api.guarded(by: RecordWrites(namespace: namespace))"))
        // Those who are given the client as it came only read by it.
        for file in ["ReleaseWrites.swift", "ClusterRecords.swift"] {
            let text = try repository.text("Sources/SwellAgent/Cluster/\(file)")
            for call in ["api.create(", "api.replace(", "api.patch(", "api.delete("] { #expect(!text.contains(call)) }
        }
    }

    /// What answers at an address of Swell's own is looked at by one probe.
    @Test func swellShakesHandsByHandInOnePlace() throws {
        let places = try files(below: "Sources", with: "NIOSSLClientHandler(")
        // A cluster's API server is asked for as the cluster's connection has it; what a benchmark compares with is no part of a service.
        #expect(Set(places) == ["HandshakeProbe.swift", "CertificateDiagnosis.swift", "BareClient.swift"])
    }
}
