internal import Foundation
internal import Testing

/// Words that this code once had for itself, where its field has words that everybody knows. None comes back.
private let retired: [String: String] = [
    "wish": "assignment, or desired state", "wishes": "assignments", "StrayWish": "OrphanedAssignment",
    "strays": "orphaned assignments", "retell": "reissue", "retold": "reissued", "takeIn": "ingest",
    "assignAnew": "reassign", "whatIsKnown": "agentKnowledge", "isBeyond": "isAhead", "goesBack": "isRollback",
    "takeBack": "rollBackTarget", "claimedAt": "assertedAt", "judgeClaim": "confirm", "believableAt": "confirmableAt",
    "goodSince": "healthySince", "Surroundings": "FleetSnapshot", "surroundings": "snapshot",
    "Hindrance": "DispatchBlocker", "isLeftOut": "isExcluded", "Lateness": "LateMember",
    "isSilent": "isUnreachable", "loseSight": "markUnreachable", "Sight": "Observation",
    "ReleaseSight": "ReleaseObserver", "FleetFollower": "AssignmentFeed", "FleetPlaces": "PlacementCache",
    "PresenceKeeper": "PresenceWriter", "LeaseKeeper": "LeaseManager", "Bystanders": "ForeignObjects",
    "namespaceFurniture": "namespaceDefaults", "CertificateDesk": "CertificateIssuer",
    "Gatekeeper": "CallerAuthenticator", "WatchBoard": "ReleaseObservation", "HealthBoard": "HealthTable",
    "OrderBoard": "ApplicationOrders", "PortBoard": "PortRegistry", "epochToOutrank": "requiredEpoch",
    "outranks": "exceeds", "farewell": "goAway", "Deed": "WorkRecord", "anew": "again",
    "Nudge": "Signal", "nudge": "signal", "nudges": "signals", "Pulse": "Signal", "Turns": "ConcurrencyLimiter",
    "LatestSlot": "LatestValue",
]

/// Words that are stored, and so keep their spelling for as long as rows of theirs may be read.
private let stored: [String: Set<String>] = [
    "TargetState+Coding.swift": ["goodSince", "claimedAt"],
    "OrphanSweep.swift": ["strays"],
]

@Suite struct VocabularyTests {
    @Test func noRetiredWordComesBack() throws {
        for file in try Repository().swiftFiles(below: "Sources") {
            let words = Set(
                try String(contentsOf: file, encoding: .utf8).matches(of: /\b\w+\b/).map { String($0.output) })
            for word in words.intersection(retired.keys)
            where stored[file.lastPathComponent]?.contains(word) != true {
                Issue.record("\(file.lastPathComponent) says '\(word)': say \(retired[word] ?? "")")
            }
        }
    }
}
