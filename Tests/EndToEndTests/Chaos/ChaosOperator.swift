internal import Foundation
internal import KubernetesObjects

/// An operator in the middle of it all, whose orders follow from a seed: releases good and bad, pauses, aborts, undos.
struct ChaosOperator: Sendable {
    let fleet: Fleet
    /// Words that an operator should never have to read.
    let complaints: Complaints

    /// Refusals that did not say what was wrong.
    actor Complaints {
        private(set) var list: [String] = []

        func note(_ complaint: String) { list.append(complaint) }
    }

    private enum Verb: CaseIterable {
        case watch, supersede, supersedeWithBad, pause, resume, abort, undo, retry, pauseRegion, resumeRegion
    }

    /// Gives orders until the moment given; then lifts the pauses of regions.
    func run(seed: UInt64, until end: ContinuousClock.Instant) async throws {
        var random = SeededGenerator(seed: seed &* 31 &+ 17)
        let clock = ContinuousClock()
        var number = 0
        var rollout: String?
        while clock.now < end {
            number += 1
            let replica = Bool.random(using: &random) ? "a" : "b"
            let verb = Verb.allCases.randomElement(using: &random) ?? .resume
            let isGood = Int.random(in: 0..<3, using: &random) > 0
            let choice = try await choose(verb, isGood: isGood, rollout, replica)
            let region = fleet.shape.regions.keys.sorted().randomElement(using: &random) ?? ""
            let mark = "order-\(String(format: "%04d", number))-\(seed)"
            switch choice {
            case .watch: break
            case .supersede, .supersedeWithBad:
                let name = "r\(number)"
                if try await start(name, "\(number).0.0", isGood: choice == .supersede, replica) { rollout = name }
            case .pause: try await order(["rollout", "pause"], rollout, mark, replica)
            case .resume: try await order(["rollout", "resume"], rollout, nil, replica)
            case .abort: try await order(["rollout", "abort"], rollout, mark, replica)
            case .undo: try await order(["rollout", "undo"], rollout, mark, replica)
            case .retry: try await order(["rollout", "retry"], rollout, nil, replica)
            case .pauseRegion: try await order(["region", "pause"], region, mark, replica)
            case .resumeRegion: try await order(["region", "resume"], region, nil, replica)
            }
            try await clock.sleep(for: .milliseconds(in: 500...5_000, using: &random))
        }
    }

    /// What an operator does who looks first: most often something that moves things on.
    private func choose(_ assignment: Verb, isGood: Bool, _ rollout: String?, _ replica: String) async throws -> Verb {
        guard let rollout else { return .supersede }
        let arguments = ["rollout", "get", rollout, "-o", "json"]
        guard let seen = try? await fleet.swell(arguments, replica: replica, within: .seconds(5)), seen.code == 0,
            let status = try seen.json()["status"]
        else { return assignment }
        if status["isEnded"]?.boolValue == true, assignment != .undo { return isGood ? .supersede : .supersedeWithBad }
        let waits = status["waitingFor"]?.arrayValue?.compactMap { $0["what"]?.stringValue } ?? []
        if isGood, waits.contains("pause") { return .resume }
        if isGood, waits.contains("regionPause") { return .resumeRegion }
        // Most rollouts are left to go their way, good ones to their end.
        return isGood ? .watch : assignment
    }

    /// Lifts every region's pause, which has to succeed now.
    func liftPauses() async throws {
        for region in fleet.shape.regions.keys.sorted() {
            try await eventually("region \(region) to be resumed") {
                try await order(["region", "resume"], region, nil, "a") ? true : nil
            }
        }
    }

    /// Whether the rollout was started.
    private func start(_ name: String, _ version: String, isGood: Bool, _ replica: String) async throws -> Bool {
        let file = fleet.folder.appending(path: "web-\(version).yaml")
        let image = isGood ? "registry.example/web:\(version)" : "registry.example/web:\(version)-missing"
        try Documents.manifests(image: image).write(to: file, atomically: true, encoding: .utf8)
        guard
            try await call(
                ["release", "create", "web", "--version", version, "-f", file.path], replica,
                Order(verb: "release create", subject: version))
        else { return false }
        return try await call(
            ["rollout", "start", "web", "--version", version, "--policy", "waves", "--name", name, "--supersede"],
            replica, Order(verb: "rollout start", subject: name))
    }

    @discardableResult
    private func order(
        _ words: [String], _ subject: String?, _ mark: String?, _ replica: String
    ) async throws -> Bool {
        guard let subject else { return false }
        let reason = mark.map { ["--reason", $0] } ?? []
        return try await call(
            words + [subject] + reason, replica,
            Order(verb: words.joined(separator: " "), subject: subject, mark: mark))
    }

    /// Whether it was acknowledged. Where nobody answers in time the operator gives up, and nothing was promised.
    private func call(_ arguments: [String], _ replica: String, _ order: Order) async throws -> Bool {
        let result: CallResult
        do {
            result = try await fleet.swell(arguments, replica: replica, within: .seconds(12))
        } catch is HarnessError {
            return false
        }
        guard result.code == 0 else {
            let isClear = !result.errors.isEmpty && !result.errors.contains("see the log")
            if !isClear { await complaints.note("\(arguments.joined(separator: " ")): \(result.errors)") }
            return false
        }
        // Undoing what has ended is a rollout of its own, which the answer names.
        var order = order
        if order.verb == "rollout undo", let name = result.output.firstMatch(of: /rollout\/(\S+)/)?.output.1,
            name != order.subject
        {
            order = Order(verb: "rollout start", subject: String(name))
        }
        await fleet.note(order)
        return true
    }
}
