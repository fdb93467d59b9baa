internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// What whoever changed an application should know: releases keep the settings that they were made with.
enum SettingsWarnings {
    static let kind = "settings"

    /// Warns of documents that change what releases made so far keep as it was.
    static func of(_ applications: [Application], store: any Store) async throws -> [WarningView] {
        let stored = try await store.applicationListing().items
        var warnings: [WarningView] = []
        for application in applications {
            guard let former = stored.first(where: { $0.name == application.name }) else { continue }
            let changed = application.settings(otherThan: former.released)
            guard !changed.isEmpty, try await !store.releases(of: application.name, limit: 1).isEmpty else { continue }
            warnings.append(
                WarningView(
                    kind: kind,
                    message:
                        "application '\(application.name)': what changed (\(changed.joined(separator: ", "))) holds from its "
                        + "next release on; those that are stored keep what they were made with. For it to hold, make a release of "
                        + "the same manifests under another version and roll that out"))
        }
        return warnings
    }

    /// Warns of policies that active rollouts go on with as they were.
    static func of(_ policies: [RolloutPolicy], store: any Store) async throws -> [WarningView] {
        let stored = try await store.policyListing().items
        let changed = policies.filter { policy in stored.contains { $0.name == policy.name && $0 != policy } }
        guard !changed.isEmpty else { return [] }
        var holders: [PolicyName: [String]] = [:]
        for summary in try await store.rolloutListing(of: nil, limit: 500).items where !summary.phase.isEnded {
            guard let rollout = try await store.rollout(summary.name) else { continue }
            holders[rollout.policy.name, default: []].append("'\(summary.name)'")
        }
        return changed.compactMap { policy in
            guard let names = holders[policy.name]?.sorted(), !names.isEmpty else { return nil }
            let shown =
                names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
            return WarningView(
                kind: kind,
                message:
                    "policy '\(policy.name)': \(names.count == 1 ? "rollout \(shown) goes" : "rollouts \(shown) go") on under what it said "
                    + "at the start; for the change to hold there, start again in place of \(names.count == 1 ? shown : "each of them") "
                    + "(swell rollout start … --supersede)")
        }
    }

    /// Warns of a release that is rolled out with other settings than its application has now; nil where they are the same.
    static func of(_ release: ReleaseReference, _ index: Bundle, _ application: Application) -> WarningView? {
        let changed = application.settings(otherThan: index.application)
        guard !changed.isEmpty else { return nil }
        return WarningView(
            kind: kind,
            message:
                "release \(release.version) keeps what application '\(application.name)' said when it was made, and that has "
                + "changed since (\(changed.joined(separator: ", "))): for it to hold, make another release of the same manifests "
                + "and roll that out")
    }
}
