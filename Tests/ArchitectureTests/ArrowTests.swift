internal import Foundation
internal import Testing

/// Who may import whom. An arrow that is not here is a decision to take, not a line to add in passing.
private let arrows: [String: Set<String>] = [
    "AsyncSupport": [],
    "ShownText": [],
    "PortGuard": [],
    "AcceptedConnections": [],
    "HandshakeProbe": [],
    "CLibpq": [],
    "KubernetesObjects": ["ShownText"],
    "SwellModel": ["KubernetesObjects"],
    "SwellEngine": ["SwellModel"],
    "PostgresClient": ["CLibpq"],
    "SwellStore": ["SwellModel", "SwellEngine", "PostgresClient"],
    "SwellProtocol": ["ShownText", "SwellModel"],
    "SwellIdentity": ["SwellModel"],
    "KubernetesClient": ["AsyncSupport", "KubernetesObjects"],
    "KubernetesSimulator": ["AcceptedConnections", "AsyncSupport", "KubernetesObjects"],
    "SwellTelemetry": ["ShownText"],
    "SwellCoordinator": [
        "AsyncSupport", "PortGuard", "SwellModel", "SwellEngine", "SwellStore", "SwellProtocol", "SwellIdentity",
        "SwellTelemetry", "PostgresClient",
    ],
    "SwellConsole": [
        "AcceptedConnections", "PortGuard", "ShownText", "SwellModel", "SwellEngine", "SwellStore", "KubernetesObjects",
    ],
    "SwellAgent": [
        "AsyncSupport", "HandshakeProbe", "SwellModel", "SwellEngine", "SwellProtocol", "SwellIdentity",
        "KubernetesClient",
        "KubernetesObjects",
        "SwellTelemetry",
    ],
    "SwellCommands": ["HandshakeProbe", "ShownText", "SwellModel", "KubernetesObjects"],
    "SwellSimulation": ["SwellModel", "SwellEngine", "SwellStore"],
    "SwellLoad": ["AsyncSupport", "SwellModel", "SwellEngine", "SwellProtocol", "SwellIdentity", "SwellAgent"],
    "SwellProgram": [],
    "swell": ["SwellCommands"],
    "swell-coordinator": [
        "SwellCoordinator", "SwellConsole", "SwellTelemetry", "SwellStore", "SwellIdentity", "SwellModel",
        "PostgresClient", "SwellProgram",
    ],
    "swell-agent": [
        "SwellAgent", "SwellTelemetry", "SwellModel", "SwellIdentity", "KubernetesClient", "SwellProgram",
    ],
    "swell-kubesim": ["KubernetesSimulator", "KubernetesObjects", "SwellProgram"],
    "swell-proof": ["SwellSimulation", "SwellProgram"],
    "swell-load": ["SwellLoad", "SwellAgent", "SwellIdentity", "SwellModel", "SwellProgram"],
]

/// Rooms that decide: pure, so that a million rollouts can be simulated and a log replayed.
private let pureRooms = ["SwellModel", "SwellEngine"]

@Suite struct ArrowTests {
    let repository = Repository()

    @Test func manifestDrawsOnlyAgreedArrows() throws {
        let manifest = try Manifest(text: repository.text("Package.swift"))
        let names = Set(manifest.targets.map(\.name))
        for target in manifest.targets where target.kind != "testTarget" && !target.path.hasPrefix("Tests/") {
            let allowed = try #require(arrows[target.name], "target \(target.name) has no row in the table of arrows")
            let extra = target.dependencies.intersection(names).subtracting(allowed)
            #expect(extra.isEmpty, "\(target.name) may not depend on \(extra.sorted())")
        }
    }

    @Test func sourcesImportOnlyAlongAgreedArrows() throws {
        for (room, allowed) in arrows where room != "CLibpq" {
            for file in try repository.swiftFiles(below: "Sources/\(room)") {
                for module in Self.imports(of: try String(contentsOf: file, encoding: .utf8))
                where arrows[module] != nil {
                    #expect(
                        allowed.contains(module) || module == room,
                        "\(file.lastPathComponent) in \(room) imports \(module) against the arrows")
                }
            }
        }
    }

    @Test func coordinatorAndAgentNeverImportEachOther() {
        #expect(arrows["SwellCoordinator"]?.contains("SwellAgent") == false)
        #expect(arrows["SwellAgent"]?.contains("SwellCoordinator") == false)
    }

    @Test(arguments: pureRooms) func pureRoomsHoldNoClockTaskOrInputAndOutput(room: String) throws {
        let forbidden = [
            "Task {", "Task.detached", "ContinuousClock", "Date()", ".random(", "UUID()", "FileManager", " await ",
        ]
        for file in try repository.swiftFiles(below: "Sources/\(room)") {
            let code = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                .filter { !$0.drop(while: \.isWhitespace).hasPrefix("//") }.joined(separator: "\n")
            for word in forbidden {
                #expect(!code.contains(word), "\(file.lastPathComponent) in \(room) uses '\(word)'")
            }
        }
    }

    @Test func everyImportStatesItsAccessLevel() throws {
        for folder in ["Sources", "Tests"] {
            for file in try repository.swiftFiles(below: folder) {
                let bare = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                    .filter { $0.hasPrefix("import ") || $0.hasPrefix("@testable import ") }
                #expect(bare.isEmpty, "\(file.lastPathComponent) has imports without an access level: \(bare)")
            }
        }
    }

    private static func imports(of text: String) -> [String] {
        text.matches(
            of:
                /(?m)^(?:@\w+\s+)*(?:public |package |internal |private |fileprivate )?import (?:struct |class |enum |func |protocol )?(\w+)/
        )
        .map { String($0.output.1) }
    }
}

/// The second opinion on decisions, which is worth as much as it shares nothing with what decides.
@Suite struct ReviewRoomTests {
    @Test func theReviewCallsNothingThatDecides() throws {
        let deciding = [
            "DecisionState", "RolloutTally", "StageTally", "StageVerdict", "FailureBudget", "DispatchBlockers",
            "DispatchLimits", "holdsSlot", "holdsStage", "isInFlight", "isSettled", "countsAsFailure", "isUnderWay",
            "isForward", "regionPause(of", "provenOther", "isProving", "isSubject", ".covers(",
        ]
        for file in try Repository().swiftFiles(below: "Sources/SwellEngine/Invariants") {
            let code = try String(contentsOf: file, encoding: .utf8)
            for word in deciding { #expect(!code.contains(word), "\(file.lastPathComponent) uses '\(word)'") }
        }
    }
}
