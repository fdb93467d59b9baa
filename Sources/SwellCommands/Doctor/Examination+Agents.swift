internal import SwellModel

extension Examination {
    private var fleet: InstallationView.Agents { installation.agents }

    var agents: [Finding] { [presence, agentVersions, agentCertificates, permissions] + foreign }

    private var foreign: [Finding] {
        guard let foreign = fleet.foreign, foreign.count > 0 else { return [] }
        return [
            .broken(
                "agents' clusters",
                "\(foreign.count) agents are refused, since what they speak for is another cluster than their name's\(Self.examples(foreign))",
                "swell events --cluster NAME says which one it is: give that agent the kubeconfig of NAME, or where NAME was built again an empty state directory and a new token; where a cluster shall change its name, remove the old one first"
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
                "look at an agent's log: it says why it cannot connect; and whether the port for agents is reachable from there"
            if fleet.connected == 0 { return .broken("agents", message, advice) }
            return .warning("agents", message, advice)
        }
        if never.count > 0 {
            return .warning("agents", message, "have them join: swell cluster token NAME, then start the agent with it")
        }
        return .ok("agents", message)
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
