internal import SwellModel

extension Examination {
    /// How Secrets of releases are stored; nothing where the coordinator does not say.
    var secrets: [Finding] {
        guard let facts = installation.secrets else { return [] }
        return [finding(facts)]
    }

    private func finding(_ facts: InstallationView.Secrets) -> Finding {
        let check = "Secrets at rest"
        if !facts.unreadable.isEmpty {
            let keys = facts.unreadable.sorted { $0.key < $1.key }.map { "\($0.value) documents under \($0.key)" }
            return .broken(
                check,
                "sealed with keys that replica \(installation.coordinator.replica) does not have: "
                    + keys.joined(separator: ", "),
                "add those keys to the file of its --secrets-key-file and restart it; where they are lost, make these releases again"
            )
        }
        if facts.keys.isEmpty {
            guard facts.inClear + facts.unexamined > 0 else {
                return .ok(check, "no key for Secrets, and no release carries any")
            }
            return .warning(
                check, "\(facts.inClear) documents with Secrets are stored in clear\(unexamined(facts))",
                "make a key by `swell-coordinator secrets prepare`, give it to every replica and restart them")
        }
        if facts.inClear + facts.unexamined + facts.formerlySealed > 0 {
            return .warning(
                check,
                "\(facts.inClear) documents with Secrets are still in clear and \(facts.formerlySealed) under former keys"
                    + unexamined(facts),
                "wait ten minutes; or run `swell-coordinator secrets seal`, which says what is in the way")
        }
        return .ok(check, "\(facts.sealed) documents with Secrets, sealed with the key \(facts.keys[0])")
    }

    private func unexamined(_ facts: InstallationView.Secrets) -> String {
        facts.unexamined > 0 ? ", and \(facts.unexamined) were not looked at yet" : ""
    }
}
