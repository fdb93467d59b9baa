internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// What people reported of other tools, played beside each other on one cluster: an application and a namespace a case.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ReportedCaseScenarios {
    private static let cluster = "use1-a"

    /// An application of a case, in a namespace of its name.
    private static func application(_ name: String, namespace: String? = nil, checking kind: String? = nil) -> String {
        let checks = kind.map { "\n  checks: [{apiVersion: \($0), healthy: 'true'}]" } ?? ""
        return "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: \(name)}\n"
            + "spec:\n  namespace: \(namespace ?? name)\(checks)\n---\n"
    }

    private static let policy = """
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: one}
        spec:
          stages: [{name: all, select: {regions: [us-east-1]}}]
          minHealthyTime: 1s
          progressDeadline: 90s
          onFailure: pause
        ---

        """

    /// A definition of a kind with a status, as it comes before its objects.
    private static func definition(_ group: String, _ kind: String, _ plural: String) -> String {
        """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: \(plural).\(group), annotations: {api-approved.kubernetes.io: "https://example.com"}}
        spec:
          group: \(group)
          scope: Namespaced
          names: {kind: \(kind), listKind: \(kind)List, plural: \(plural), singular: \(kind.lowercased())}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---

        """
    }

    private static func settings(_ name: String, _ value: String = "1") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\ndata: {a: \"\(value)\"}\n---\n"
    }

    private static let gatewayGroup = "gateway.networking.k8s.io"

    private static let role = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: c-monitoring}
        aggregationRule: {clusterRoleSelectors: [{matchLabels: {into: monitoring}}]}
        rules: []
        ---

        """

    private static let scaled = """
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
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 3, maxReplicas: 5}
        ---

        """

    private static let job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: seed}
        spec: {template: {spec: {restartPolicy: Never, containers: [{name: seed, image: "busybox:1.36"}]}}}
        ---

        """

    /// First releases: of each application its manifests.
    private static let first: [(String, String)] = [
        ("first", settings("shared", "red")), ("second", settings("shared", "blue")),
        ("aggregated", role + settings("canary")), ("scaled", scaled + settings("canary")),
        ("seeded", job + settings("canary")),
        (
            "checked",
            definition("t.example.com", "Probe", "probes")
                + "apiVersion: t.example.com/v1\nkind: Probe\nmetadata: {name: p}\nspec: {size: 1}\n"
        ),
        (
            "gateway",
            definition(gatewayGroup, "Gateway", "gateways")
                + "apiVersion: \(gatewayGroup)/v1\nkind: Gateway\nmetadata: {name: edge}\n"
                + "spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}\n"
        ),
        (
            "routed",
            definition(gatewayGroup, "HTTPRoute", "httproutes")
                + "apiVersion: \(gatewayGroup)/v1\nkind: HTTPRoute\nmetadata: {name: web}\nspec: {parentRefs: [{name: g}]}\n"
        ),
        ("unrehearsed", settings("web")),
        ("bare", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n---\n" + settings("c")),
        ("nulls", settings("empty").replacing("name: empty", with: "name: empty, labels: {tier: , app: web}")),
    ]

    @Test func reportedCasesComeOutAsTheyShould() async throws {
        var shape = Fleet.Shape(regions: ["us-east-1": [Self.cluster]])
        shape.driftInterval = "2s"
        try await withFleet(shape) { fleet in
            let names = Self.first.map(\.0)
            try await fleet.apply(
                Self.policy
                    + names.map { name in
                        Self.application(
                            name, namespace: name == "second" ? "first" : nil,
                            checking: name == "checked" ? "t.example.com/v1, kind: Probe" : nil)
                    }.joined())
            try await readingIsAsKubectlReads(fleet)
            try await releasesSayWhatIsLeftToOthers(fleet)
            for name in names where name != "second" {
                try await fleet.start("1", of: name, under: "one", name: "\(name)-1")
            }
            try await fleet.withAPI(Self.cluster) { api in
                try await controllersOf(api)
                for name in names where !["second", "gateway", "routed"].contains(name) {
                    try await fleet.rollout("\(name)-1", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
                }
                try await whatIsNotHealthySaysWhy(fleet, api)
                try await whoHoldsAnObjectIsNamed(fleet, api)
                try await whatOthersOwnIsLeftToThem(fleet, api)
                try await anAccountWithoutFieldsGoes(fleet, api)
                try await whatMayNotBeRehearsedIsApplied(fleet, api)
            }
        }
    }

    // MARK: Making releases

    private func create(_ fleet: Fleet, _ application: String, _ version: String, _ manifests: String) async throws
        -> CallResult
    {
        let file = fleet.folder.appending(path: "\(application)-\(version).yaml")
        try manifests.write(to: file, atomically: true, encoding: .utf8)
        return try await fleet.swell("release", "create", application, "--version", version, "-f", file.path)
    }

    private func readingIsAsKubectlReads(_ fleet: Fleet) async throws {
        let marked = try await create(fleet, "nulls", "0", "\u{FEFF}" + Self.settings("empty"))
        #expect(marked.code == 0, "\(marked.errors)")
        let numeric = try await create(
            fleet, "nulls", "9", Self.settings("empty").replacing("name: empty", with: "name: empty, namespace: 20417"))
        #expect(numeric.code == 1)
        #expect(
            numeric.errors.contains("nulls-9.yaml:3: ConfigMap empty: metadata.namespace must be a string"),
            "\(numeric)")
        let base = fleet.folder.appending(path: "base")
        let linked = fleet.folder.appending(path: "linked")
        for folder in [base, linked] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Self.settings(folder.lastPathComponent)
                .write(to: folder.appending(path: "cm.yaml"), atomically: true, encoding: .utf8)
        }
        let link = linked.appending(path: "common")
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "../base")
        let refused = try await fleet.swell("release", "create", "nulls", "--version", "9", "-f", linked.path)
        #expect(refused.code == 1 && refused.errors.contains("'\(link.path)' is a symbolic link out of"), "\(refused)")
        try FileManager.default.removeItem(at: link)
        try FileManager.default.createDirectory(
            at: linked.appending(path: "real"), withIntermediateDirectories: true)
        try Self.settings("real").write(
            to: linked.appending(path: "real/cm.yaml"), atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "real")
        let followed = try await fleet.swell(
            "release", "create", "nulls", "--version", "9", "-f", linked.path, "--dry-run")
        #expect(followed.output.contains("would be stored: 2 objects"), "\(followed)")
    }

    private func releasesSayWhatIsLeftToOthers(_ fleet: Fleet) async throws {
        let remarks = [
            "aggregated": "rules is left to the control plane, which gathers them by aggregationRule",
            "scaled": "spec.replicas is left to HorizontalPodAutoscaler web, but for its creation",
        ]
        for (name, manifests) in Self.first {
            let result = try await create(fleet, name, "1", manifests)
            #expect(result.code == 0, "\(name): \(result.errors)")
            if let remark = remarks[name] {
                #expect(result.errors.contains(remark), "\(result.errors)")
            } else {
                #expect(!result.errors.contains("warning"), "\(result.errors)")
            }
        }
    }

    // MARK: Others in the cluster

    private func write(
        _ api: KubernetesAPI, _ reference: ObjectReference, _ patch: JSONValue, by manager: String,
        subresource: String? = nil
    ) async throws {
        try await eventually("\(reference) to be there") {
            do {
                return try await api.get(reference)
            } catch let error as KubernetesError where error.code == .unknownKind {
                return nil  // Its definition comes with the release.
            }
        }
        _ = try await api.patch(reference, .merge(patch), fieldManager: manager, subresource: subresource)
    }

    private func gateway(_ api: KubernetesAPI, programmed: String, _ reason: String) async throws {
        func condition(_ type: String, _ status: String, _ reason: String) -> JSONValue {
            [
                "type": .string(type), "status": .string(status), "reason": .string(reason), "message": "none left",
                "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
            ]
        }
        try await write(
            api, ObjectReference("\(Self.gatewayGroup)/v1", "Gateway", "edge", in: "gateway"),
            [
                "status": [
                    "conditions": [
                        condition("Accepted", "True", "Accepted"), condition("Programmed", programmed, reason),
                    ]
                ]
            ], by: "gateway-controller", subresource: "status")
    }

    /// What the controllers of the cases write, as soon as there is something to write to.
    private func controllersOf(_ api: KubernetesAPI) async throws {
        try await write(
            api, ObjectReference("batch/v1", "Job", "seed", in: "seeded"), ["spec": ["ttlSecondsAfterFinished": 1]],
            by: "policy")
        try await write(
            api, ObjectReference("t.example.com/v1", "Probe", "p", in: "checked"),
            ["status": ["observedGeneration": -1]], by: "probe-controller", subresource: "status")
        try await gateway(api, programmed: "False", "AddressNotAssigned")
        try await write(
            api, ObjectReference("apps/v1", "Deployment", "web", in: "scaled"), ["spec": ["replicas": 3]],
            by: "kube-controller-manager", subresource: "scale")
        var gathered = KubernetesObject(
            type: GroupVersionKind(apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole"),
            name: "c-monitoring")
        try await eventually("the role") { try await api.get(gathered.reference) }
        gathered["rules"] = [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]
        _ = try await api.apply(
            gathered, ApplyOptions(fieldManager: "clusterrole-aggregation-controller", force: true))
    }

    private func whatIsNotHealthySaysWhy(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        for (name, words) in [
            ("gateway", "not Programmed: AddressNotAssigned: none left"),
            ("routed", "make a release with a check of its own for HTTPRoute"),
        ] {
            try await eventually("\(name) to say why it waits") {
                try await fleet.swell("rollout", "get", "\(name)-1").output.contains(words) ? true : nil
            } orDescribe: {
                try await fleet.swell("rollout", "get", "\(name)-1").output
            }
        }
        try await gateway(api, programmed: "True", "Programmed")
        try await fleet.rollout("gateway-1", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        // The way out that the message names.
        try await fleet.apply(Self.application("routed", checking: "\(Self.gatewayGroup)/v1, kind: HTTPRoute"))
        let manifests = Self.first.first { $0.0 == "routed" }?.1 ?? ""
        #expect(try await create(fleet, "routed", "2", manifests).code == 0)
        try await fleet.start("2", of: "routed", under: "one", name: "routed-2", superseding: true)
        try await fleet.rollout("routed-2", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }

    private func whoHoldsAnObjectIsNamed(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        try await fleet.start("1", of: "second", under: "one", name: "second-1")
        try await fleet.rollout("second-1", "paused") { $0["phase"]?.stringValue == "paused" }
        let told = try await fleet.swell("rollout", "get", "second-1").output
        #expect(told.contains("application first holds it, and has other values at data.a"), "\(told)")
        #expect(try await api.get(ObjectReference("v1", "ConfigMap", "shared", in: "first"))?["data"]?["a"] == "red")
    }

    /// Over two looks for drift, as what a person changes beside them shows, nobody takes back what is a controller's.
    private func whatOthersOwnIsLeftToThem(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let canaries = ["aggregated", "scaled", "seeded"].map { ObjectReference("v1", "ConfigMap", "canary", in: $0) }
        let job = ObjectReference("batch/v1", "Job", "seed", in: "seeded")
        try await eventually("the Job to go by its time to live") { try await api.get(job) == nil ? true : nil }
        for round in 1...2 {
            for canary in canaries {
                try await write(api, canary, ["data": ["a": .string("by hand \(round)")]], by: "kubectl-edit")
            }
            for canary in canaries {
                try await eventually("\(canary) to be put back") {
                    try await api.get(canary)?["data"]?["a"] == "1" ? true : nil
                }
            }
            #expect(
                try await api.get(ObjectReference("apps/v1", "Deployment", "web", in: "scaled"))?.spec?["replicas"] == 3
            )
            let role = ObjectReference("rbac.authorization.k8s.io/v1", "ClusterRole", "c-monitoring")
            #expect(try await api.get(role)?["rules"]?.arrayValue?.count == 1)
            #expect(try await api.get(job) == nil)
        }
        let described = try await fleet.swell("describe", "cluster", Self.cluster).output
        #expect(!described.contains("keeps writing"), "\(described)")
    }

    private func anAccountWithoutFieldsGoes(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let account = ObjectReference("v1", "ServiceAccount", "robot", in: "bare")
        try await write(api, account, ["imagePullSecrets": [["name": "registry"]]], by: "openshift")
        #expect(try await create(fleet, "bare", "2", Self.settings("c", "2")).code == 0)
        try await fleet.start("2", of: "bare", under: "one", name: "bare-2")
        try await fleet.rollout("bare-2", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        #expect(try await api.get(account) == nil)
    }

    private func whatMayNotBeRehearsedIsApplied(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let refusal: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "BadRequest", "code": 400,
            "message": "admission webhook \"v.example.com\" does not support dry run",
        ]
        try await fleet.fault(
            [
                "answer", "400", "--method", "PATCH", "--name", "web", "--dry-runs", "only", "--body",
                refusal.serialized(),
            ], cluster: Self.cluster)
        #expect(try await create(fleet, "unrehearsed", "2", Self.settings("web", "2")).code == 0)
        let words = "webhook v.example.com refuses dry runs; give it sideEffects: None"
        let diff = try await fleet.swell("diff", "unrehearsed", "--version", "2").output
        #expect(diff.contains(words), "\(diff)")
        try await fleet.start("2", of: "unrehearsed", under: "one", name: "unrehearsed-2")
        try await fleet.rollout("unrehearsed-2", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        let object = ObjectReference("v1", "ConfigMap", "web", in: "unrehearsed")
        #expect(try await api.get(object)?["data"]?["a"] == "2")
        try await write(api, object, ["data": ["a": "by hand"]], by: "kubectl-edit")
        try await eventually("that drift is not seen to be told") {
            let described = try await fleet.swell("describe", "cluster", Self.cluster).output
            return described.contains("v1 ConfigMap unrehearsed/web: drift is not seen: \(words)") ? true : nil
        } orDescribe: {
            try await fleet.swell("describe", "cluster", Self.cluster).output
        }
    }
}
