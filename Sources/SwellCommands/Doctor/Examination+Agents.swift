internal import SwellModel

extension Examination {
    private var fleet: InstallationView.Agents { installation.agents }

    var agents: [Finding] {
        [presence] + (fleet.absences ?? []).map(absence) + [agentVersions, agentCertificates, permissions] + foreign
            + sharing + readmitted
    }

    private var readmitted: [Finding] {
        guard let open = fleet.readmitted, open.count > 0 else { return [] }
        return [
            .warning(
                "agents' doors",
                "\(open.count) clusters take in one certificate that is not listed, whoever comes with it first\(Self.examples(open))",
                "once the agents are back: swell cluster readmit NAME --close, or --all --close")
        ]
    }

    private var sharing: [Finding] {
        guard let sharing = fleet.sharing, sharing.count > 0 else { return [] }
        return [
            .broken(
                "agents' copies",
                "\(sharing.count) clusters have two agents that take turns with one certificate: each gets the releases, Secrets included\(Self.examples(sharing))",
                "find the second: a volume or a machine that was copied, or a thief. swell cluster revoke NAME ends both; swell cluster token NAME lets the true one in again"
            )
        ]
    }

    private var foreign: [Finding] {
        guard let foreign = fleet.foreign, foreign.count > 0 else { return [] }
        return [
            .broken(
                "agents' clusters",
                "\(foreign.count) agents are refused, since what they speak for is another cluster than their name's\(Self.examples(foreign))",
                "swell events --cluster NAME says which one it is: give that agent the kubeconfig of NAME, or where NAME was built again an empty state directory and a new token; where a cluster has another name by now, remove the old one, and start that agent again"
            )
        ]
    }

    private var presence: Finding {
        let (all, away, never) = (fleet.clusters, fleet.away, fleet.neverJoined)
        if all == 0 {
            return .warning("agents", "the fleet has no clusters", "declare them: swell apply -f clusters/")
        }
        var words = ["\(fleet.connected) of \(all) connected"]
        if away.count > 0 { words.append("\(away.count) away\(Self.examples(away))") }
        if never.count > 0 { words.append("\(never.count) never joined\(Self.examples(never))") }
        let message = words.joined(separator: "; ")
        if away.count > 0 {
            let advice =
                (fleet.absences ?? []).isEmpty
                ? "look at an agent's log: it says why it cannot connect; and whether the port for agents is reachable from there"
                : "each that is named has its own line below; for the others, swell get clusters"
            if fleet.connected == 0 { return .broken("agents", message, advice) }
            return .warning("agents", message, advice)
        }
        if never.count > 0 {
            return .warning("agents", message, "have them join: swell cluster token NAME, then start the agent with it")
        }
        return .ok("agents", message)
    }

    /// One agent that is not there, by what is known of it: the nearest cause first. Who only called himself its agent comes last, whatever he
    /// was refused for: anybody may, and must neither hide what was proven nor have a token made for him.
    private func absence(_ absence: InstallationView.Absence) -> Finding {
        var finding = provenAbsence(absence)
        guard let claim = absence.handshakeRefusal else { return finding }
        let when = absence.handshakeRefusedAt.map {
            "\(Ages.text(Self.time(from: $0, to: installation.coordinator.now))) ago"
        }
        finding.message +=
            "; somebody who calls himself its agent, which was not proven, was refused at the handshake \(when ?? "lately"): \(claim)"
        // Where nothing else is known to be wrong with it, this may be why it is away.
        if absence.refusal == nil, absence.revokedAt == nil, absence.lastSeenAt != nil {
            finding.advice =
                "look at its agent's log; where it says that the coordinator hangs up: swell cluster token \(absence.cluster.rawValue), and start it with that and with the --ca-hash of today (ca-hash in the coordinator's state directory)"
        }
        return finding
    }

    private func provenAbsence(_ absence: InstallationView.Absence) -> Finding {
        let (name, now) = (absence.cluster.rawValue, installation.coordinator.now)
        let check = "agent \(name)"
        func since(_ moment: Timestamp) -> String { "\(Ages.text(Self.time(from: moment, to: now))) ago" }
        let join = "swell cluster token \(name), and start its agent with that"
        let token = absence.tokenEndsAt.map { "a token is good for \(Ages.text(Self.time(from: now, to: $0)))" }
        var words = "never joined"
        if let seen = absence.lastSeenAt {
            words = "away, last heard of \(since(seen))" + (absence.version.map { ", of version \($0)" } ?? "")
        }
        if let refusal = absence.refusal {
            let when = absence.refusedAt.map(since) ?? "lately"
            // Most say the command, and a token is not for each of them.
            let advice = refusal.contains("swell cluster ") ? "do as that says" : "do as that says; \(join)"
            return .warning(check, "\(words); refused \(when): \(refusal)", advice)
        }
        if absence.lastSeenAt == nil, absence.certificateEndsAt == nil, absence.revokedAt == nil {
            guard let token else { return .warning(check, "\(words), and no token for it is open", join) }
            return .warning(
                check, "\(words); \(token)",
                "start its agent with the token; its log says what it cannot reach: the port for enrolment comes first")
        }
        if let end = absence.certificateEndsAt {
            guard end <= now else {
                return .warning(
                    check, "\(words); its certificate is good, and nothing came from it since",
                    "look whether it runs, and at its log: it says what it cannot reach")
            }
            return .warning(check, "\(words); its certificate expired \(since(end))", token ?? join)
        }
        let why = absence.revokedAt.map { "its certificate was revoked \(since($0))" } ?? "no certificate of it counts"
        return .warning(check, "\(words); \(why)", token.map { "\($0): start its agent with it" } ?? join)
    }

    private var agentVersions: Finding {
        let own = installation.coordinator.version
        let list = fleet.versions.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) of \($0.key.isEmpty ? "an unknown version" : $0.key)" }.joined(separator: ", ")
        let newer = fleet.versions.keys.filter { Self.isNewer($0, than: own) }
        if !newer.isEmpty {
            return .warning(
                "agents' versions", "\(list): newer than the coordinator, which is \(own)",
                "bring the coordinator up first, then agents")
        }
        if fleet.versions.keys.contains(where: { !$0.isEmpty && $0 != own }) {
            return .warning("agents' versions", "\(list); the coordinator is \(own)", "bring the agents up to \(own)")
        }
        return .ok("agents' versions", list.isEmpty ? "no agent is connected" : list)
    }

    /// By numbers between dots; what is no number counts as 0.
    static func isNewer(_ version: String, than other: String) -> Bool {
        func numbers(_ text: String) -> [Int] { text.split(separator: ".").map { Int($0) ?? 0 } }
        let (a, b) = (numbers(version), numbers(other))
        for place in 0..<max(a.count, b.count) {
            let (x, y) = (place < a.count ? a[place] : 0, place < b.count ? b[place] : 0)
            if x != y { return x > y }
        }
        return false
    }

    private var agentCertificates: Finding {
        let expiring = fleet.expiring
        guard expiring.count > 0 else {
            if let vain = fleet.renewingInVain, vain.count > 0 {
                return .warning(
                    "agents' certificates",
                    "\(vain.count) agents asked for renewals again and again and used none\(Self.examples(vain))",
                    "look for 'renew' in those agents' logs: the answers do not reach them, or cannot be stored there")
            }
            return .ok("agents' certificates", "all that are connected were renewed in time")
        }
        return .broken(
            "agents' certificates",
            "\(expiring.count) connected agents were not renewed, and end within "
                + "\(Ages.text(InstallationView.Agents.certificateNotice))\(Self.examples(expiring))",
            "look for 'renew' in those agents' logs; one whose certificate has ended joins again with a new token")
    }

    private var permissions: Finding {
        let forbidden = fleet.forbidden
        guard forbidden.count > 0 else {
            return .ok("agents' permissions", "no agent reports a right that it lacks")
        }
        return .broken(
            "agents' permissions",
            "\(forbidden.count) clusters have an agent that lacks a right\(Self.examples(forbidden))",
            "swell describe cluster NAME says which right; swell rbac APPLICATION --version VERSION prints the roles to give"
        )
    }
}
