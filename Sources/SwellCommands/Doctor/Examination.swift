internal import SwellModel

/// Judges an installation by its facts: each check says what is wrong and what to do. A value without a clock of its own, so that every
/// finding can be had in a test.
struct Examination: Sendable {
    let installation: InstallationView
    /// This machine's clock when the answer came, and how long the answer took.
    let here: Timestamp
    let roundTrip: Interval
    /// The version of the command line.
    let version: String

    private var coordinator: InstallationView.Coordinator { installation.coordinator }

    var findings: [Finding] {
        [versions] + certificates + clocks + database + [tls, connections, files] + secrets + agents
    }

    // MARK: Versions

    private var versions: Finding {
        guard coordinator.version == version else {
            return .warning(
                "versions", "the coordinator is \(coordinator.version), and this command line \(version)",
                "use a command line of the coordinator's version")
        }
        return .ok("versions", "coordinator and command line are \(version)")
    }

    // MARK: Certificates

    private var certificates: [Finding] { [serverCertificate, authority] + retired + [names] }

    /// The coordinator renews its own once two thirds of its day are over.
    private var serverCertificate: Finding {
        let left = Self.time(from: coordinator.now, to: coordinator.certificateExpiresAt)
        let check = "server certificate"
        if left <= .zero {
            return .broken(
                check, "expired at \(coordinator.certificateExpiresAt)",
                "look for 'could not be renewed' in the coordinator's log; restarting it makes a new one")
        }
        if left < .hours(4) {
            return .warning(
                check, "ends in \(Ages.text(left)), and was not renewed",
                "look for 'could not be renewed' in the coordinator's log; restarting it makes a new one")
        }
        return .ok(check, "good for \(Ages.text(left))")
    }

    private var authority: Finding {
        let left = Self.time(from: coordinator.now, to: coordinator.authorityExpiresAt)
        let advice = "plan the change of the authority: every agent has to trust the next one before this one ends"
        if left <= .zero { return .broken("authority", "expired at \(coordinator.authorityExpiresAt)", advice) }
        if left < .hours(180 * 24) { return .warning("authority", "ends in \(Ages.text(left))", advice) }
        return .ok("authority", "good for \(Ages.text(left))")
    }

    /// A replica that was given an old copy of the state folder trusts what the installation does, and not what the copy has.
    private var retired: [Finding] {
        guard let retired = coordinator.retiredAuthorities, !retired.isEmpty else { return [] }
        return [
            .warning(
                "retired authority",
                "the state folder of replica \(coordinator.replica) has \(retired.prefix(4).joined(separator: ", ")) still, which was retired: it is left out",
                "give the replica a copy of the other replicas' state folder, and on Kubernetes take its file (former.pem, or next.pem) out of the Secret; where agents are shut out since, and it was retired by mistake, give the file and bridges.pem to every replica, stop those that lack them, and run 'swell-coordinator authority adopt' with that folder"
            )
        ]
    }

    /// Those by which operators dial, whose HTTPS asks for them. Agents ask who the certificate speaks for, and dial as they like.
    private var names: Finding {
        let names = coordinator.serverNames
        let list = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        let isLocal = names.allSatisfy { $0 == "localhost" || $0 == "::1" || $0.hasPrefix("127.") }
        if isLocal {
            return .warning(
                "server names",
                "the certificate names \(list): no operator, CI or console of another machine will trust it",
                "start the coordinator with --server-name and every name by which they dial it; agents need none")
        }
        return .ok("server names", list)
    }

    // MARK: Clocks

    /// Certificates reach back for five minutes, for peers whose clocks are behind.
    private static let tolerated = Interval.minutes(4)

    private var clocks: [Finding] {
        [
            clock(
                "database clock", Self.time(from: installation.database.now, to: coordinator.now),
                of: "the coordinator's clock",
                against: "the database's", slack: .zero),
            clock(
                "clock here", Self.time(from: coordinator.now, to: here), of: "this machine's clock",
                against: "the coordinator's",
                slack: roundTrip),
            agentClocks,
        ]
    }

    /// The time between two moments. What a server says may be any number: no difference leaves the range.
    static func time(from start: Timestamp, to end: Timestamp) -> Interval {
        let (span, overflows) = end.milliseconds.subtractingReportingOverflow(start.milliseconds)
        let bound = Int64.max / 2
        return Interval(
            milliseconds: overflows ? (start < end ? bound : -bound) : max(-bound, min(bound, span)))
    }

    private func clock(
        _ check: String, _ ahead: Interval, of subject: String, against other: String, slack: Interval
    ) -> Finding {
        let distance = Interval(
            milliseconds: max(0, Int64(clamping: ahead.milliseconds.magnitude) - slack.milliseconds))
        let side = ahead < .zero ? "behind" : "ahead of"
        let message = "\(subject) is \(Self.short(distance)) \(side) \(other)"
        let advice = "have both machines keep time by NTP (timedatectl, chronyc tracking)"
        if distance > Self.tolerated {
            return .broken(check, "\(message): certificates will seem expired or not yet valid", advice)
        }
        if distance > .seconds(5) { return .warning(check, message, advice) }
        return .ok(check, distance < .seconds(1) ? "within a second of \(other)" : message)
    }

    private var agentClocks: Finding {
        let agents = installation.agents
        let check = "agents' clocks"
        guard let furthest = agents.furthestClock else {
            return .ok(check, "none has reported to this replica yet")
        }
        let distance = Interval(milliseconds: Int64(clamping: furthest.magnitude))
        let words =
            "\(agents.clocksOff.count) of \(agents.clocksKnown) are off by more than "
            + "\(Ages.text(InstallationView.Agents.clockNotice)), the furthest by \(Self.short(distance))"
            + Self.examples(agents.clocksOff)
        let advice = "have the nodes that the agents run on keep time by NTP"
        if distance > Self.tolerated {
            return .broken(check, "\(words): they will not renew their certificates", advice)
        }
        if agents.clocksOff.count > 0 { return .warning(check, words, advice) }
        return .ok(check, "\(agents.clocksKnown) known, the furthest off by \(Self.short(distance))")
    }

    private static func short(_ interval: Interval) -> String {
        interval < .seconds(1) ? "\(interval.milliseconds)ms" : Ages.text(interval)
    }

    // MARK: Files

    private var files: Finding {
        let wrong = coordinator.files.filter { $0.problem != nil }
        guard let first = wrong.first else {
            return .ok("state folder", "\(coordinator.files.count) files with the permissions that they need")
        }
        let words = wrong.map { "\($0.path): \($0.problem ?? "")\($0.mode.map { " (mode \($0))" } ?? "")" }
        let commands = wrong.filter { $0.mode != nil && Self.isMode($0.expectedMode) }
            .map { "chmod \($0.expectedMode) \(ShellWord.quoted($0.path))" }
        return .broken(
            "state folder", words.joined(separator: "; "),
            first.mode == nil
                ? "restore \(first.path) from its backup"
                : commands.isEmpty
                    ? "give its files to the coordinator's user alone" : commands.joined(separator: "; "))
    }

    /// Permissions in octal, such as 0600.
    private static func isMode(_ text: String) -> Bool {
        (3...4).contains(text.utf8.count)
            && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
    }

    /// `: a, b and 3 more`, or nothing.
    static func examples(_ sample: InstallationView.Sample) -> String {
        guard !sample.examples.isEmpty else { return "" }
        let more = sample.count - sample.examples.count
        return ": " + sample.examples.map(\.rawValue).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
}
