internal import KubernetesClient
internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel
internal import Testing

@testable internal import SwellAgent

/// Others write to what was released, for half an hour of played time. Whoever they are, it comes to an end, and people read who it
/// was and what to do.
@Suite(.serialized, .timeLimit(.minutes(5))) struct FightTests {
    private static let minutes: Int64 = 30
    private static let configMap = ObjectReference(
        type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "c")

    private static func deployment(_ extra: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "app:1"}]}
        ---
        \(extra)
        """
    }

    private static let scaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 5}
        ---

        """

    private static func settings(_ value: String = "1", labels: String = "") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, labels: {\(labels)}}\ndata: {key: \"\(value)\"}\n---\n"
    }

    private static let webhooks = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: t-validate}
        webhooks:
        - name: one.example.com
          admissionReviewVersions: [v1]
          sideEffects: None
          failurePolicy: Ignore
          clientConfig: {url: "https://one.example.com/validate"}
          rules: [{apiGroups: [nothing.example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]
          namespaceSelector: {matchLabels: {checked: "yes"}}
        """

    private static let enforcer = OtherWriter(name: "admissionsenforcer", every: .seconds(5)) { api, _ in
        let type = GroupVersionKind(
            apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration")
        let patch: JSONValue = [
            [
                "op": "add", "path": "/webhooks/0/namespaceSelector/matchExpressions",
                "value": [["key": "control-plane", "operator": "NotIn", "values": ["true"]]],
            ]
        ]
        _ = try await api.patch(
            ObjectReference(type: type, name: "t-validate"), .json(try JSONPatch(json: patch)),
            fieldManager: "admissionsenforcer")
    }

    private static let aggregator = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: t-monitoring}
        rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
        """

    private static let aggregated = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: t-monitoring}
        aggregationRule: {clusterRoleSelectors: [{matchLabels: {t: "yes"}}]}
        rules: []
        """

    /// One who writes against a release, and what of it is said in the end; nil where nobody is to notice.
    struct Pairing: Sendable, CustomTestStringConvertible {
        var what: String
        var manifests: String
        var writers: [OtherWriter]
        var ignoring: [IgnoredFields] = []
        var said: [String]?
        var corrections = 3
        var testDescription: String { what }
    }

    static let pairings: [Pairing] = [
        Pairing(
            what: "an autoscaler of the release", manifests: deployment(scaler),
            writers: [.autoscaler("web", to: 3)]),
        Pairing(
            what: "an autoscaler of somebody's", manifests: deployment(), writers: [.autoscaler("web", to: 3)],
            said: [
                "'kube-controller-manager' keeps writing spec.replicas of Deployment shop/web: put back 3 times",
                "ignoreFields: [{apiVersion: apps/v1, kind: Deployment, name: web, paths: [spec.replicas]}]",
            ]),
        Pairing(
            what: "the aggregation controller", manifests: aggregated,
            writers: [.applier("clusterrole-aggregation-controller", every: .seconds(10), aggregator)]),
        Pairing(
            what: "an admission policy that enforces a selector", manifests: webhooks, writers: [enforcer],
            said: ["'admissionsenforcer'", "webhooks[0].namespaceSelector.matchExpressions"]),
        Pairing(
            what: "an admission policy that is left to", manifests: webhooks, writers: [enforcer],
            ignoring: [
                IgnoredFields(
                    apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration",
                    paths: ["webhooks[0].namespaceSelector.matchExpressions"])
            ]),
        Pairing(
            what: "a policy that rewrites a label", manifests: settings(labels: "team: a"),
            writers: [
                .patcher("policy", every: .seconds(7), configMap) {
                    ["metadata": ["labels": ["team": .string("t\($0)")]]]
                }
            ],
            said: ["'policy' keeps writing metadata.labels.team of ConfigMap shop/c", "paths: [metadata.labels.team]"]),
        Pairing(
            what: "a person with kubectl, now and then",
            manifests: settings(),
            writers: [
                .patcher("kubectl-edit", every: .minutes(6), configMap) { ["data": ["key": .string("by hand \($0)")]] }
            ], said: ["'kubectl-edit' keeps writing data.key of ConfigMap shop/c"]),
        Pairing(
            what: "somebody who takes a field away", manifests: settings(),
            writers: [.patcher("cleaner", every: .seconds(9), configMap) { _ in ["data": ["key": nil]] }],
            said: ["keeps writing data"]),
        Pairing(
            what: "somebody who deletes", manifests: settings(),
            writers: [.deleter(every: .seconds(9), configMap)],
            said: ["keeps writing ConfigMap shop/c", "take it out of the release"]),
        Pairing(
            what: "a person who adds", manifests: settings(),
            writers: [
                .patcher("kubectl-label", every: .seconds(9), configMap) {
                    ["metadata": ["labels": ["l\($0)": "more"]]]
                }
            ]),
    ]

    @Test(arguments: pairings) func whoeverWritesAgainstARelease(pairing: Pairing) async throws {
        try await Fight.run { fight in
            let release = try Fight.release(pairing.manifests, ignoring: pairing.ignoring)
            try await fight.apply(release)
            let words = try await fight.play([release], against: pairing.writers, minutes: Self.minutes)[0]
            guard let said = pairing.said else {
                return #expect(words.corrections == 0, "\(words.map(\.finding))")
            }
            #expect(words.corrections <= pairing.corrections, "\(words.map(\.finding))")
            #expect(words.lastCorrection < 20 * 60, "it ends, and stays ended")
            for text in said { #expect(words.contention.contains(text), "\(words.contention)") }
            // What is left stands as drift that nobody puts back.
            #expect(words.last?.finding.isCorrected == false)
            #expect(words.last?.finding.objects.isEmpty == false)
        }
    }

    @Test func whoeverWritesAnotherFieldEachTimeIsLeftTheObject() async throws {
        let keys = (1...40).map { "k\($0): \"1\"" }.joined(separator: ", ")
        let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {\(keys)}\n---\n"
        try await Fight.run { fight in
            let release = try Fight.release(manifest)
            try await fight.apply(release)
            let writer = OtherWriter.patcher("chaos", every: .seconds(5), Self.configMap) {
                ["data": ["k\($0 % 40 + 1)": .string("\($0)")]]
            }
            let words = try await fight.play([release], against: [writer], minutes: Self.minutes)[0]
            #expect(words.corrections <= DriftWatch.objectLimit + 2, "\(words.map(\.finding.contention))")
            #expect(words.contention.contains("'chaos' keeps writing ConfigMap shop/c"), "\(words.contention)")
        }
    }

    /// What nobody can put right keeps nobody from being found out elsewhere.
    @Test func aWriterIsFoundOutBesideAnObjectThatCannotBeCorrected() async throws {
        let fixed = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\ndata: {key: ours}\n---\n"
        try await Fight.run { fight in
            let release = try Fight.release(Self.settings() + fixed)
            try await fight.apply(release)
            let reference = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "fixed")
            _ = try await fight.api.patch(
                reference, .merge(["data": ["key": "theirs"], "immutable": true]), fieldManager: "somebody")
            let writer = OtherWriter.patcher("chaos", every: .seconds(5), Self.configMap) {
                ["data": ["key": .string("\($0)")]]
            }
            let words = try await fight.play([release], against: [writer], minutes: Self.minutes)[0]
            #expect(words.corrections <= DriftWatch.objectLimit + 2, "\(words.map(\.finding.contention))")
            let told = words.compactMap(\.finding.contention)
            #expect(told.contains { $0.contains("'chaos' keeps writing data.key of ConfigMap shop/c") }, "\(told)")
            #expect(told.contains { $0.contains("cannot be put back: ") && $0.contains("fixed") }, "\(told)")
        }
    }

    private static let fixed = ObjectReference(
        type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop", name: "fixed")

    /// What nobody can put back keeps nothing else from it: neither what comes in a later wave nor what needs it; and what was put back
    /// once is no fight.
    @Test func whatCannotBePutBackHoldsUpNothingAfterIt() async throws {
        let first = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\ndata: {key: ours}\n---\n"
        let later = Self.settings().replacing("{name: c,", with: "{name: c, annotations: {swell.dev/wave: \"1\"},")
        let needing = Self.deployment().replacing(
            "image: \"app:1\"", with: "image: \"app:1\", envFrom: [{configMapRef: {name: fixed}}]")
        try await Fight.run { fight in
            let release = try Fight.release(first + later + needing)
            try await fight.apply(release)
            _ = try await fight.api.patch(
                Self.fixed, .merge(["data": ["key": "theirs"], "immutable": true]), fieldManager: "somebody")
            _ = try await fight.api.patch(
                Self.configMap, .merge(["data": ["key": "once"]]), fieldManager: "kubectl-replace")
            let web = ObjectReference(
                type: GroupVersionKind(apiVersion: "apps/v1", kind: "Deployment"), namespace: "shop", name: "web")
            _ = try await fight.api.patch(
                web, .merge(["spec": ["paused": true, "replicas": 3]]), fieldManager: "kubectl-replace")
            let words = try await fight.play([release], against: [], minutes: 5)[0]
            #expect(try await fight.api.get(Self.configMap)?.value(at: ["data", "key"]) == "1")
            #expect(try await fight.api.get(web)?.spec?["replicas"] == 1)
            #expect(words.corrections == 1, "\(words.map(\.finding))")
            #expect(words.count == 2, "once for what was put back, once for what stays: \(words.map(\.finding))")
            let told = words.compactMap(\.finding.contention).joined(separator: "\n")
            #expect(!told.contains("keeps writing"), "\(told)")
            #expect(words.last?.finding.objects.map(\.name) == ["fixed"], "\(words.map(\.finding))")
        }
    }

    /// What is left to others and what cannot be put back stand side by side, and are told once, with both reasons.
    @Test func whatIsLeftBesideWhatCannotBePutBackIsToldOnce() async throws {
        let fixed = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\ndata: {key: ours}\n---\n"
        try await Fight.run { fight in
            let release = try Fight.release(Self.settings() + fixed)
            try await fight.apply(release)
            _ = try await fight.api.patch(
                Self.fixed, .merge(["data": ["key": "theirs"], "immutable": true]), fieldManager: "somebody")
            let writer = OtherWriter.patcher("chaos", every: .seconds(5), Self.configMap) {
                ["data": ["key": .string("\($0)")]]
            }
            let words = try await fight.play([release], against: [writer], minutes: Self.minutes)[0]
            #expect(words.count <= 2 * DriftWatch.contentionThreshold + 2, "\(words.count) findings")
            let last = words.last?.finding
            #expect(last?.isCorrected == false)
            #expect(last?.objects.map(\.name).sorted() == ["c", "fixed"], "\(String(describing: last))")
            #expect(last?.contention?.contains("'chaos' keeps writing data.key of ConfigMap shop/c") == true)
            #expect(last?.contention?.contains("cannot be put back: ") == true, "\(last?.contention ?? "")")
        }
    }

    @Test(arguments: ["swell-inventory-other", "swell-record-other"])
    func aReleaseWritesNoneOfTheAgentsRecords(name: String) async throws {
        try await Fight.run { fight in
            let forged = Self.settings().replacing("{name: c,", with: "{name: \(name), namespace: swell-system,")
            let error = await #expect(throws: ClusterError.self) { try await fight.apply(try Fight.release(forged)) }
            #expect(error?.message.contains("the agent's own records") == true, "\(error?.message ?? "")")
            let reference = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "swell-system", name: name)
            let made = try await fight.api.get(reference)
            #expect(made == nil)
        }
    }

    @Test func aSecondApplicationIsRefusedWithTheFirstOnesName() async throws {
        try await Fight.run { fight in
            let first = try Fight.release(Self.settings("one"), of: "a")
            let second = try Fight.release(Self.settings("two"), of: "b")
            try await fight.apply(first)
            let told = try await fight.cluster.preview(second)
            #expect(told.objects.first?.action == .fail)
            #expect(told.objects.first?.message?.contains("application a holds it") == true, "\(told.objects)")
            let error = await #expect(throws: ClusterError.self) { try await fight.apply(second) }
            #expect(error?.message.contains("application a holds it, and has other values at data.key") == true)
            #expect(error?.message.contains("adopt: force") == true, "\(error?.message ?? "")")
            #expect(error?.isTransient == false)
            let words = try await fight.play([first], against: [], minutes: Self.minutes)[0]
            #expect(words.corrections == 0)
            // As long as they say the same of it, both may have it.
            try await fight.apply(try Fight.release(Self.settings("one"), of: "b"))
        }
    }

    /// One who mends a release wants to do so once.
    @Test func everyRefusalIsToldAtOnce() async throws {
        try await Fight.run { fight in
            let broken =
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {key: 1}\n---\n"
                + Self.deployment().replacing("replicas: 1", with: "replicas: many")
                + "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], type: Nothing}\n"
            let error = await #expect(throws: ClusterError.self) { try await fight.apply(try Fight.release(broken)) }
            let message = error?.message ?? ""
            #expect(error?.reason == "Invalid" && error?.isTransient == false)
            #expect(message.hasPrefix("v1 ConfigMap shop/c: "), "\(message)")
            #expect(message.contains("2 more failed: ") && message.contains("Deployment web: "), "\(message)")
            #expect(message.contains(".spec.replicas: expected numeric"), "\(message)")
            #expect(message.contains("Service web: ") && message.contains("spec.type"), "\(message)")
        }
    }

    @Test func anAutoscalerOfSomebodyElsesIsToldBeforeItIsFought() async throws {
        try await Fight.run { fight in
            let first = try Fight.release(Self.deployment())
            try await fight.apply(first)
            var scaler = try #require(try Manifest.objects(in: Self.scaler).first)
            scaler.namespace = "shop"
            _ = try await fight.api.apply(scaler, ApplyOptions(fieldManager: "somebody"))
            func told(_ extra: String = "", _ ignored: [IgnoredFields] = []) async throws -> String {
                var next = try Fight.release(
                    Self.deployment(extra).replacing("app:1", with: "app:2"), version: "2")
                next.application.ignoreFields = ignored
                return try await fight.cluster.preview(next).objects.first { $0.kind == "Deployment" }?.message ?? ""
            }
            let word = "HorizontalPodAutoscaler web, which the release does not have, scales it"
            let plain = try await told()
            #expect(plain.contains(word), "\(plain)")
            let own = try await told(Self.scaler)
            #expect(!own.contains(word), "\(own)")
            let left = try await told(
                "", [IgnoredFields(apiVersion: "apps/v1", kind: "Deployment", name: nil, paths: ["spec.replicas"])])
            #expect(!left.contains(word), "\(left)")
        }
    }

    @Test func twoThatHoldOneObjectDoNotFightOverIt() async throws {
        try await Fight.run { fight in
            let releases = [
                try Fight.release(Self.settings("one"), of: "a"), try Fight.release(Self.settings("one"), of: "b"),
            ]
            for release in releases { try await fight.apply(release) }
            // A later release of one of them says something else, as an earlier version would have let it.
            let later = try Fight.release(Self.settings("two"), of: "b", version: "2")
            await #expect(throws: ClusterError.self) { try await fight.apply(later) }
            let person = OtherWriter.patcher("kubectl-edit", every: .seconds(11), Self.configMap) {
                ["data": ["key": .string("\($0)")]]
            }
            let words = try await fight.play(releases + [later], against: [person], minutes: Self.minutes)
            for (index, words) in words.enumerated() {
                #expect(words.corrections == 0, "\(index): \(words.map(\.finding))")
                #expect(words.last?.finding.objects.first?.message?.contains("holds it, too") == true)
            }
        }
    }

    @Test func whatIsTakenOverByForceIsGivenUpByTheOther() async throws {
        try await Fight.run { fight in
            let first = try Fight.release(Self.settings("one"), of: "a")
            let second = try Fight.release(Self.settings("two"), of: "b", adopt: .force)
            try await fight.apply(first)
            let told = try await fight.cluster.preview(second)
            #expect(told.objects.first?.action == .update)
            try await fight.apply(second)
            let words = try await fight.play([first, second], against: [], minutes: Self.minutes)
            #expect(words[0].corrections == 0, "\(words[0].map(\.finding))")
            #expect(words[0].last?.finding.objects.first?.message?.contains("application b holds it") == true)
            #expect(words[1].corrections == 0, "\(words[1].map(\.finding))")
            // The one that gave it up does not delete it when it goes.
            _ = try await fight.cluster.remove("a", generation: 2, epoch: 1) { _, _ in }
            #expect(try await fight.api.get(Self.configMap)?.value(at: ["data", "key"]) == "two")
        }
    }

    @Test func aDeletedNamespaceIsRestoredAndShown() async throws {
        try await Fight.run { fight in
            let release = try Fight.release(Self.settings())
            try await fight.apply(release)
            let namespace = ObjectReference(type: GroupVersionKind(version: "v1", kind: "Namespace"), name: "shop")
            _ = try await fight.api.delete(namespace)
            try await eventually("gone") { try await fight.api.get(namespace) == nil }
            let words = try await fight.play([release], against: [], minutes: 2)[0]
            #expect(words.corrections == 1, "\(words.map(\.finding))")
            #expect(words.flatMap(\.finding.objects).map(\.title).sorted() == ["ConfigMap shop/c", "Namespace shop"])
            #expect(try await fight.api.get(Self.configMap) != nil)
        }
    }

    @Test func aJobWhoseTimeToLiveSomebodyElseSetRunsOnce() async throws {
        let job = """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: seed}
            spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "m:1"}]}}}
            """
        try await Fight.run { fight in
            let release = try Fight.release(job)
            try await fight.apply(release)
            let type = GroupVersionKind(apiVersion: "batch/v1", kind: "Job")
            let reference = ObjectReference(type: type, namespace: "shop", name: "seed")
            let reaper = OtherWriter.deleter(every: .seconds(30), reference)
            let words = try await fight.play([release], against: [reaper], minutes: Self.minutes)[0]
            #expect(words.corrections == 0, "\(words.map(\.finding))")
            #expect(try await fight.api.get(reference) == nil)
            // Neither does it when the very release is applied again, as after an agent's restart.
            try await fight.apply(release)
            #expect(try await fight.api.get(reference) == nil)
        }
    }
}
