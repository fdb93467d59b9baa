package import SwellModel

/// How clusters behave that are only played: pure, the same for the same cluster and release at every run.
package struct LoadScript: Sendable, Hashable, Codable {
    /// Milliseconds, from the least to the most; spread evenly over the clusters.
    package struct Span: Sendable, Hashable, Codable {
        package var least: Int64
        package var most: Int64

        package init(_ least: Int64, _ most: Int64) {
            self.least = least
            self.most = max(least, most)
        }

        /// The length of one whose lot, of the whole range of numbers, is this one.
        func length(_ lot: UInt64) -> Interval {
            .milliseconds(least + Int64(lot % UInt64(most - least + 1)))
        }
    }

    /// How long an apply takes.
    package var apply: Span
    /// How long after it until all is healthy.
    package var ready: Span
    /// On how many of a thousand clusters a release fails. A way back never does.
    package var failing: Int

    package init(apply: Span = Span(100, 100), ready: Span = Span(200, 200), failing: Int = 0) {
        self.apply = apply
        self.ready = ready
        self.failing = failing
    }

    package func applyTime(of release: ContentDigest?, on cluster: ClusterName) -> Interval {
        apply.length(Self.lot("apply", cluster, release))
    }

    package func readyTime(of release: ContentDigest?, on cluster: ClusterName) -> Interval {
        ready.length(Self.lot("ready", cluster, release))
    }

    package func fails(_ release: ContentDigest?, on cluster: ClusterName) -> Bool {
        Self.lot("failing", cluster, release) % 1_000 < UInt64(max(0, failing))
    }

    /// A number that looks drawn, and is the same at every run: FNV-1a, stirred once more.
    private static func lot(_ what: String, _ cluster: ClusterName, _ release: ContentDigest?) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(what) \(cluster) \(release?.rawValue ?? "")".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        return hash ^ (hash >> 27)
    }
}
