internal import SwellEngine
internal import SwellModel

/// What the tests of the loops' values are made of.
enum LoopFixture {
    static func release(_ version: String) -> ReleaseReference {
        ReleaseReference(version: version, digest: ContentDigest(of: Array(version.utf8)))
    }

    /// Goes forward unless it has no fallback.
    static func assignment(
        _ application: ApplicationName = "shop", generation: Int64, epoch: Int64 = 1, version: String = "2",
        fallback: String? = "1", cluster: ClusterName = "a"
    ) -> Assignment {
        Assignment(
            cluster: cluster, application: application, generation: generation, epoch: epoch, rollout: "r1",
            goal: .run(release(version)), fallback: fallback.map { release($0) },
            settings: AssignmentSettings(
                minHealthyTime: .seconds(1), progressDeadline: .minutes(1), selfRollback: true))
    }

    static func report(generation: Int64, epoch: Int64 = 1) -> ApplicationReport {
        ApplicationReport(
            application: "shop", generation: generation, digest: release("2").digest, epoch: epoch, phase: .healthy,
            health: .healthy)
    }

    static func cluster(_ name: ClusterName) -> Cluster {
        Cluster(name: name, region: "us-east-1", environment: "production")
    }

    static func at(_ seconds: Int64) -> Tick { Tick(milliseconds: seconds * 1_000) }
}
