internal import KubernetesObjects
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient
@testable internal import SwellAgent

/// The agent keeps releases from itself: its namespace, its rights, its records.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SelfProtectionTests {
    private var quiet: Logger {
        var logger = Logger(label: "test.agent")
        logger.logLevel = .critical
        return logger
    }

    private static let rbac = "rbac.authorization.k8s.io/v1"

    private static func binding(
        _ name: String, kind: String = "ClusterRoleBinding", of role: String = "view", to subject: JSONValue
    ) throws -> KubernetesObject {
        try KubernetesObject(json: [
            "apiVersion": .string(rbac), "kind": .string(kind),
            "metadata": kind == "RoleBinding" ? ["name": .string(name), "namespace": "shop"] : ["name": .string(name)],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
            "subjects": [subject],
        ])
    }

    private static func object(_ apiVersion: String, _ kind: String, _ name: String, namespace: String? = nil)
        -> KubernetesObject
    {
        KubernetesObject(
            type: GroupVersionKind(apiVersion: apiVersion, kind: kind), namespace: namespace, name: name)
    }

    private static let agent: JSONValue = ["kind": "ServiceAccount", "name": "robot", "namespace": "swell-system"]

    /// What no release may write, and what comes close to it and may be written.
    private static func table() throws -> (refused: [KubernetesObject], allowed: [KubernetesObject]) {
        (
            [
                object("v1", "ConfigMap", "settings", namespace: "swell-system"),
                object("v1", "Namespace", "swell-system"),
                object("apps/v1", "Deployment", "anything", namespace: "swell-system"),
                object("v1", "ServiceAccount", "robot", namespace: "swell-system"),
                object("v1", "ConfigMap", "swell-inventory-other", namespace: "swell-system"),
                object("v1", "ConfigMap", "swell-record-other", namespace: "swell-system"),
                object(rbac, "ClusterRole", "swell-agent"), object(rbac, "ClusterRoleBinding", "swell-agent-shop"),
                object(rbac, "Role", "swell-agent-shop", namespace: "shop"),
                // By what the cluster's own binding says, under whatever name.
                object(rbac, "ClusterRoleBinding", "robots"), object(rbac, "ClusterRole", "robot-rights"),
                try binding("more", to: agent), try binding("more", kind: "RoleBinding", to: agent),
                try binding(
                    "helper", of: "swell-agent", to: ["kind": "ServiceAccount", "name": "x", "namespace": "default"]),
                try binding("more", to: ["kind": "Group", "name": "system:serviceaccounts:swell-system"]),
                try binding("more", to: ["kind": "User", "name": "system:serviceaccount:swell-system:robot"]),
            ],
            [
                object("v1", "ConfigMap", "settings", namespace: "shop"), object("v1", "Namespace", "shop"),
                object("v1", "ConfigMap", "swell-record-other", namespace: "shop"),
                object(rbac, "ClusterRole", "swell-agents-of-change"), object(rbac, "ClusterRole", "view"),
                try binding("more", to: ["kind": "ServiceAccount", "name": "robot", "namespace": "shop"]),
                try binding("more", kind: "RoleBinding", to: ["kind": "ServiceAccount", "name": "robot"]),
                try binding("all", to: ["kind": "Group", "name": "system:authenticated"]),
            ]
        )
    }

    private static func grantRights(_ api: KubernetesAPI) async throws {
        var robots = try binding("robots", to: agent)
        robots["roleRef"] = ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "robot-rights"]
        _ = try await api.apply(robots, ApplyOptions(fieldManager: "operator"))
    }

    @Test func whatTheAgentIsCannotBeWritten() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            try await Self.grantRights(lab.api)
            let own = OwnObjects(api: lab.api, namespace: "swell-system", isManaged: false)
            let (refused, allowed) = try Self.table()
            for object in refused {
                let verbs: [IntendedWrite.Verb] =
                    object["subjects"] == nil
                    ? [.apply, .create, .replace, .patch, .delete] : [.apply, .create, .replace]
                for verb in verbs {
                    let sent = verb == .delete || verb == .patch ? nil : object
                    let reason = try await own.reason(against: .init(verb, object.reference, sending: sent))
                    #expect(reason != nil, "\(verb) \(object.reference)")
                }
            }
            for object in allowed {
                let reason = try await own.reason(against: .init(.apply, object.reference, sending: object))
                #expect(reason == nil, "\(object.reference): \(reason ?? "")")
            }
        }
    }

    @Test func whoInstalledTheAgentMayLetReleasesChangeItButNotItsRecords() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let own = OwnObjects(api: lab.api, namespace: "swell-system", isManaged: true)
            var labelled = Self.object("v1", "ConfigMap", "harmless", namespace: "swell-system")
            labelled.labels = ["swell.dev/record": "application"]
            let part = Self.object("v1", "ConfigMap", "0123456789abcdef.0123456789abcdef", namespace: "swell-system")
            for object in try Self.table().refused + [labelled, part] {
                let isRecord = object.kind == "ConfigMap" && object.name != "settings"
                let reason = try await own.reason(against: .init(.apply, object.reference, sending: object))
                #expect((reason != nil) == isRecord, "\(object.reference): \(reason ?? "")")
            }
        }
    }

    @Test func recordsAreAllThatTheAgentWritesBesideReleases() async throws {
        let guardian = RecordWrites(namespace: "swell-system")
        let name = ["swell-inventory-shop", "swell-record-shop", "0123456789abcdef.0123456789abcdef"]
        for name in name {
            let record = Self.object("v1", "ConfigMap", name, namespace: "swell-system")
            try await guardian.check(.init(.apply, record.reference, sending: record))
        }
        let space = Self.object("v1", "Namespace", "swell-system")
        try await guardian.check(.init(.apply, space.reference))
        for other in [
            Self.object("v1", "ConfigMap", "settings", namespace: "swell-system"),
            Self.object("v1", "Secret", "swell-record-shop", namespace: "swell-system"),
            Self.object("v1", "ConfigMap", "swell-record-shop", namespace: "shop"),
            Self.object("v1", "Namespace", "shop"),
        ] {
            await #expect(throws: KubernetesError.self, "\(other.reference)") {
                try await guardian.check(.init(.apply, other.reference, sending: other))
            }
        }
    }

    /// A release that reaches for the agent fails whole, and says how to let it.
    @Test func aReleaseThatReachesForTheAgentIsRefusedBeforeAnythingIsApplied() async throws {
        try await SimulatedLab.run { lab in
            let extra =
                ShopManifest.configMap("first")
                + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: swell-agent, namespace: swell-system}\ndata: {a: b}\n---\n"
            let (release, _) = try await lab.world.assembledRelease("1.0.0", extra: extra)
            try await lab.world.coordinator.assign(release.assignment(1))
            try await lab.withAgent {
                try await lab.waitFor("refused") {
                    $0.phase == .failed || $0.phase == .removed || $0.reason == "AgentsOwn"
                }
                let report = await lab.report()
                #expect(
                    report?.reason == "AgentsOwn" && report?.message?.contains("--manage-itself") == true, "\(report)")
                #expect(try await lab.object("v1", "ConfigMap", "first") == nil)
                #expect(try await lab.object("v1", "ConfigMap", "swell-agent", namespace: "swell-system") == nil)
            }
        }
    }

    // MARK: - Scope, asked before every write

    private func cluster(_ lab: SimulatedLab, scope: Set<String>? = nil) -> KubernetesCluster {
        KubernetesCluster(
            api: lab.api, namespace: "swell-system", scope: scope.map { NamespaceScope(namespaces: $0) },
            now: { .wall }, logger: quiet)
    }

    private func release(_ objects: [KubernetesObject], generation: Int64 = 1) -> ClusterRelease {
        let digest = ContentDigest(of: Array("\(objects.map(\.reference))".utf8))
        return ClusterRelease(
            application: Application(name: "shop", namespace: "shop"),
            release: ReleaseReference(version: "1", digest: digest), generation: generation, epoch: 1, objects: objects)
    }

    private static func settings(_ namespace: String, _ value: String = "1") -> KubernetesObject {
        var object = object("v1", "ConfigMap", "settings", namespace: namespace)
        object["data"] = ["key": .string(value)]
        return object
    }

    @Test func afterItsNamespacesWereNarrowedNothingOutsideIsPutBackNorPrunedNorRunForAFailure() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            for name in ["shop", "other", "swell-system"] {
                _ = try await lab.api.apply(
                    Self.object("v1", "Namespace", name), ApplyOptions(fieldManager: "operator"))
            }
            let both = release([Self.settings("shop"), Self.settings("other")])
            try await cluster(lab).apply(both) { _, _ in }
            let theirs = Self.settings("other").reference
            _ = try await lab.api.patch(theirs, .merge(["data": ["key": "tampered"]]))
            let narrow = cluster(lab, scope: ["shop"])
            // Drift: what lies outside stays as it is, and is told as what cannot be put right.
            await #expect(throws: UncorrectedDrift.self) {
                try await narrow.drift(of: both, isCorrecting: true, leaving: [])
            }
            #expect(try await lab.api.get(theirs)?["data"]?["key"] == "tampered")
            // A release without it leaves it there.
            try await narrow.apply(release([Self.settings("shop")], generation: 2)) { _, _ in }
            #expect(try await lab.api.get(theirs) != nil)
            // Nor does a removal take it away.
            _ = try await narrow.remove("shop", generation: 3, epoch: 1) { _, _ in }
            #expect(try await lab.api.get(theirs) != nil)
            #expect(try await lab.api.get(Self.settings("shop").reference) == nil)
            // Hooks for a failure are Jobs, and are asked about like everything else.
            var hook = Self.object("batch/v1", "Job", "clean", namespace: "other")
            hook.annotations = ["swell.dev/hook": "on-failure", "swell.dev/hook-timeout": "5s"]
            hook["spec"] = [
                "template": ["spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "c:1"]]]]
            ]
            let failing = release([Self.settings("shop"), hook])
            await #expect(throws: ClusterError.self) { try await narrow.runFailureHooks(of: failing) }
            #expect(try await lab.api.get(hook.reference) == nil)
        }
    }

    // MARK: - Records

    private static func record(_ name: String, _ data: [String: JSONValue]) -> KubernetesObject {
        var object = object("v1", "ConfigMap", name, namespace: "swell-system")
        object.labels = [ClusterRecords.label: "application"]
        object["data"] = .object(data)
        return object
    }

    @Test func recordsAreBelievedThatTheAgentOfThisClusterMayHaveWritten() throws {
        func reason(name: String = "swell-record-shop", uid: String? = "here", with change: [String: JSONValue])
            -> String?
        {
            let sound: [String: JSONValue] = ["application": "shop", "generation": "7", "epoch": "3"]
            do {
                _ = try ClusterRecords.read(Self.record(name, sound.merging(change) { $1 }), in: uid)
                return nil
            } catch { return error.reason }
        }
        #expect(reason(with: [:]) == nil, "those of earlier versions do not say where they were written")
        #expect(reason(with: ["namespace-uid": "here"]) == nil)
        #expect(reason(uid: nil, with: ["namespace-uid": "elsewhere"]) == nil)
        #expect(reason(with: ["namespace-uid": "elsewhere"])?.contains("another cluster") == true)
        #expect(reason(name: "swell-record-web", with: [:])?.contains("another name") == true)
        #expect(reason(with: ["generation": "9223372036854775807"])?.contains("no coordinator") == true)
        #expect(reason(with: ["epoch": "9223372036854775807"])?.contains("no coordinator") == true)
        #expect(reason(with: ["generation": "-1"])?.contains("no coordinator") == true)
        #expect(reason(with: ["generation": "x"])?.contains("names no") == true)
        #expect(reason(with: ["before": .string(String(repeating: "x", count: 300_000))])?.contains("bytes") == true)
    }

    @Test func recordsCopiedFromAnotherClusterAreNotBelieved() async throws {
        try await SimulatedLab.run(serving: false) { lab in
            let cluster = cluster(lab)
            let only = release([Self.settings("shop")], generation: 9)
            try await cluster.apply(only) { _, _ in }
            #expect(try await cluster.inventories().map(\.generation) == [9])
            let reference = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "swell-system",
                name: "swell-record-shop")
            #expect(try await lab.api.get(reference)?["data"]?["namespace-uid"] != nil)
            _ = try await lab.api.patch(reference, .merge(["data": ["namespace-uid": "of-another-cluster"]]))
            #expect(try await cluster.inventories().isEmpty)
            // The next order is written over it, and is believed.
            try await cluster.apply(only) { _, _ in }
            #expect(try await cluster.inventories().map(\.generation) == [9])
        }
    }
}
