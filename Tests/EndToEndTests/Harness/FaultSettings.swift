internal import Foundation

/// How large the fleets are that faults are played on: of five clusters, or of twenty with `SWELL_FAULTS=full`, which takes minutes.
enum FaultSettings {
    static let isFull = ProcessInfo.processInfo.environment["SWELL_FAULTS"] == "full"

    static let canary = "us-east-1"
    static let waves = ["us-west-1", "eu-central-1"]

    /// The clusters of a canary region and of two more.
    static let regions = [
        canary: (0..<(isFull ? 4 : 1)).map { "use1-\($0)" }, waves[0]: (0..<(isFull ? 8 : 2)).map { "usw1-\($0)" },
        waves[1]: (0..<(isFull ? 8 : 2)).map { "euc1-\($0)" },
    ]

    /// An application over all of them and a policy, with every cluster of a stage at once.
    static func documents(soak: String) -> String {
        Documents.applicationAndPolicy(canary: canary, waves: waves, soak: soak)
            .replacing("maxConcurrent: 1\n", with: "maxConcurrent: 100%\n")
    }
}
