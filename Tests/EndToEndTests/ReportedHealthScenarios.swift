internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// What people reported of health, of pods that nothing replaces and of charts, and what was noticed on the way: an application and a
/// namespace a case, beside each other on one cluster; what goes back by itself has a cluster of its own.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ReportedHealthScenarios {
    private static let cluster = "use1-a"
    private static let failing = "usw1-a"

    private static func application(_ name: String, _ more: String = "", on cluster: String = cluster) -> String {
        "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: \(name)}\n"
            + "spec:\n  namespace: \(name)\n  select: {clusters: [\(cluster)]}\n\(more)---\n"
    }

    private static func policy(_ name: String, region: String, deadline: String, soak: String = "0s") -> String {
        """
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: \(name)}
        spec:
          stages: [{name: all, select: {regions: [\(region)]}, soak: \(soak)}]
          minHealthyTime: 1s
          progressDeadline: \(deadline)
          onFailure: pause
        ---

        """
    }

    private static func settings(_ value: String = "1") -> String {
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: \"\(value)\"}\n---\n"
    }

    private static func database(_ image: String, more: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: db}
        spec:
          serviceName: db
          replicas: 2\(more)
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec: {containers: [{name: app, image: "\(image)"}]}
        ---

        """
    }

    private static let scaled = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "app:1"}]}
        ---
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: web}
        spec:
          scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
          maxReplicas: 3
          metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
        ---

        """

    private static let probe = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: probes.t.example.com}
        spec:
          group: t.example.com
          scope: Namespaced
          names: {kind: Probe, listKind: ProbeList, plural: probes, singular: probe}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        ---
        apiVersion: t.example.com/v1
        kind: Probe
        metadata: {name: kafka}
        spec: {size: 1}
        ---

        """

    @Test func reportedHealthComesOutAsItShould() async throws {
        var shape = Fleet.Shape(regions: ["us-east-1": [Self.cluster], "us-west-1": [Self.failing]])
        shape.driftInterval = "2s"
        try await withFleet(shape) { fleet in
            try await fleet.apply(
                Self.policy("one", region: "us-east-1", deadline: "60s")
                    + Self.policy("soaked", region: "us-east-1", deadline: "60s", soak: "6s")
                    + Self.policy("hasty", region: "us-west-1", deadline: "8s")
                    + ["silent", "momentary", "charted", "doubled"].map { Self.application($0) }.joined()
                    + ["ordered", "free"].map {
                        Self.application($0, "  strategy: {selfRollback: true}\n", on: Self.failing)
                    }.joined())
            try await makeReleasesOfCharts(fleet)
            try await fleet.withAPI(Self.cluster) { api in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await silenceIsNoHealth(fleet, api) }
                    group.addTask { try await aMomentWithoutMetricsIsNoFailure(fleet, api) }
                    group.addTask { try await aHookForUpgradesLeavesTheFirstInstallAlone(fleet, api) }
                    group.addTask { try await aVendorsDuplicatesAreTaken(fleet, api) }
                    group.addTask { try await statefulSetsComeBack(fleet) }
                    try await group.waitForAll()
                }
                try await whatWasNoticedOnTheWay(fleet)
            }
        }
    }

    // MARK: Cases

    /// A custom resource of which nobody has spoken: waited for by name, whatever the time, until its controller speaks.
    private func silenceIsNoHealth(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        try await fleet.release("silent", "1", manifests: Self.probe)
        try await fleet.start("1", of: "silent", under: "one", name: "silent-1")
        try await eventually("the silence is told") {
            let told = try await fleet.swell("rollout", "get", "silent-1").output
            let isNamed = told.contains("Probe silent/kafka: its controller has written no status")
            return isNamed && told.contains("unknown") && !told.contains("unreachable") ? true : nil
        } orDescribe: {
            try await fleet.swell("rollout", "get", "silent-1").output
        }
        let kafka = ObjectReference("t.example.com/v1", "Probe", "kafka", in: "silent")
        let status: JSONValue = [
            "status": ["observedGeneration": 1, "conditions": [["type": "Ready", "status": "True", "reason": "Up"]]]
        ]
        _ = try await api.patch(kafka, .merge(status), fieldManager: "kafka-operator", subresource: "status")
        try await succeeded("silent-1", fleet)
    }

    private func setMetrics(_ isServed: Bool, _ api: KubernetesAPI) async throws {
        let condition: JSONValue = [
            "type": "ScalingActive", "status": isServed ? "True" : "False",
            "reason": isServed ? "ValidMetricFound" : "FailedGetResourceMetric", "message": "no metrics yet",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        ]
        let hpa = ObjectReference("autoscaling/v2", "HorizontalPodAutoscaler", "web", in: "momentary")
        _ = try await api.patch(
            hpa, .merge(["status": ["currentReplicas": 1, "desiredReplicas": 1, "conditions": [condition]]]),
            fieldManager: "kube-controller-manager", subresource: "status")
    }

    private func aMomentWithoutMetricsIsNoFailure(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        try await fleet.release("momentary", "1", manifests: Self.scaled)
        try await fleet.start("1", of: "momentary", under: "soaked", name: "momentary-1")
        try await fleet.rollout("momentary-1", "soaking") {
            $0["stages"]?[0]?["phase"] == "soaking"
        }
        try await setMetrics(false, api)
        try await fleet.rollout("momentary-1", "not well for a moment") { status in
            targets(status).first?["reason"]?.stringValue?.contains("FailedGetResourceMetric") == true
        }
        try await setMetrics(true, api)
        let status = try await fleet.rollout("momentary-1", "done") { $0["phase"] != "progressing" }
        #expect(status["phase"] == "succeeded", "\(status)")
    }

    /// Releases of charts. They are made before anything runs beside them: a program that is being written cannot be run.
    private func makeReleasesOfCharts(_ fleet: Fleet) async throws {
        let made = [
            try await chart(fleet, "charted", "1", Self.upgradeCheck("app:crash")),
            try await chart(fleet, "charted", "2", Self.upgradeCheck("check:2")),
            try await chart(fleet, "doubled", "1", Self.account),
        ]
        for result in made { #expect(result.code == 0, "\(result.errors)") }
        #expect(made[2].errors.contains("app.kubernetes.io/name"), "it is warned of: \(made[2].errors)")
        // In one's own manifests it is a mistake.
        let file = fleet.folder.appending(path: "own.yaml")
        try Self.account.write(to: file, atomically: true, encoding: .utf8)
        let own = try await fleet.swell("release", "create", "doubled", "--version", "2", "-f", file.path)
        #expect(own.code == 1 && own.errors.contains("app.kubernetes.io/name"), "\(own.errors)")
    }

    /// Renders with a program that prints what helm would.
    private func chart(_ fleet: Fleet, _ application: String, _ version: String, _ output: String) async throws
        -> CallResult
    {
        let folder = fleet.folder.appending(path: "\(application)-\(version)")
        let (chart, bin) = (folder.appending(path: "chart"), folder.appending(path: "bin"))
        for made in [chart, bin] {
            try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
        }
        try "apiVersion: v2\nname: c\nversion: 0.1.0\n".write(
            to: chart.appending(path: "Chart.yaml"), atomically: true, encoding: .utf8)
        try output.write(to: folder.appending(path: "out.yaml"), atomically: true, encoding: .utf8)
        let program = bin.appending(path: "helm")
        try "#!/bin/sh\ncat \(folder.appending(path: "out.yaml").path)\n".write(
            to: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
        return try await Programs.call(
            "swell", ["release", "create", application, "--version", version, "-f", chart.path],
            environment: [
                "SWELL_SERVER": "https://localhost:\(await fleet.apiPort())",
                "SWELL_TOKEN_FILE": fleet.stateFolder.appending(path: "operator-token").path,
                "SWELL_CA_FILE": fleet.stateFolder.appending(path: "ca.pem").path,
                "PATH": "\(bin.path):/usr/bin:/bin",
            ])
    }

    private static func upgradeCheck(_ image: String) -> String {
        """
        ---
        # Source: c/templates/migrate.yaml
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: upgrade-check
          annotations: {helm.sh/hook: pre-upgrade}
        spec:
          backoffLimit: 0
          template:
            spec:
              restartPolicy: Never
              containers: [{name: check, image: "\(image)"}]
        ---
        # Source: c/templates/secret.yaml
        apiVersion: v1
        kind: Secret
        metadata: {name: db}
        stringData: {password: "\(image)"}

        """
    }

    private func aHookForUpgradesLeavesTheFirstInstallAlone(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        let job = ObjectReference("batch/v1", "Job", "upgrade-check", in: "charted")
        try await fleet.start("1", of: "charted", under: "one", name: "charted-1")
        try await succeeded("charted-1", fleet)
        #expect(try await api.get(job) == nil, "it is for upgrades")
        try await fleet.start("2", of: "charted", under: "one", name: "charted-2")
        try await succeeded("charted-2", fleet)
        let ran = try await api.get(job)
        let secret = try await api.get(ObjectReference("v1", "Secret", "db", in: "charted"))
        #expect(secret != nil && (ran == nil || ran?.status?["succeeded"] == 1), "\(String(describing: ran))")
    }

    private static let account = """
        ---
        # Source: twice/templates/sa.yaml
        apiVersion: v1
        kind: ServiceAccount
        metadata:
          name: twice
          labels:
            app.kubernetes.io/name: base
            app.kubernetes.io/name: twice

        """

    private func aVendorsDuplicatesAreTaken(_ fleet: Fleet, _ api: KubernetesAPI) async throws {
        try await fleet.start("1", of: "doubled", under: "one", name: "doubled-1")
        try await succeeded("doubled-1", fleet)
        let live = try await api.get(ObjectReference("v1", "ServiceAccount", "twice", in: "doubled"))
        #expect(live?.labels["app.kubernetes.io/name"] == "twice")
    }

    /// Ordered or not, a StatefulSet comes back by itself here. A real server's leaves a broken pod of a former revision where it is where
    /// its pods are ordered: of that, and of what is said then, `StuckPodTests` have what such a server answers.
    private func statefulSetsComeBack(_ fleet: Fleet) async throws {
        let parallel = "\n  podManagementPolicy: Parallel"
        for (name, more) in [("ordered", ""), ("free", parallel)] {
            try await fleet.release(name, "1", manifests: Self.database("app:1", more: more))
            try await fleet.release(name, "2", manifests: Self.database("app:missing", more: more))
            try await fleet.start("1", of: name, under: "hasty", name: "\(name)-1")
        }
        for name in ["ordered", "free"] { try await succeeded("\(name)-1", fleet) }
        for name in ["ordered", "free"] { try await fleet.start("2", of: name, under: "hasty", name: "\(name)-2") }
        for name in ["ordered", "free"] {
            let status = try await fleet.rollout("\(name)-2", "back") { status in
                targets(status).first?["reason"]?.stringValue?.hasPrefix("reverted by its agent") == true
            }
            let reason = targets(status).first?["reason"]?.stringValue ?? ""
            #expect(reason.contains("pod db-1 container app: ImagePullBackOff"), "\(reason)")
        }
    }

    // MARK: What was noticed on the way

    private func whatWasNoticedOnTheWay(_ fleet: Fleet) async throws {
        // A rollout that a failure paused ends a watch, also without a deadline; and there is one.
        let watched = try await fleet.swell(
            ["rollout", "get", "free-2", "--watch"], replica: "a", within: .seconds(30))
        #expect(watched.code != 0, "\(watched)")
        let help = try await fleet.swell("rollout", "start", "--help").output
        #expect(help.contains("--timeout"), "\(help)")
        // A name in the manifests that nobody gives a value to is told with both ways out.
        try await fleet.apply(Self.application("asked", "  parameters: {known: \"1\"}\n"))
        let file = fleet.folder.appending(path: "asked.yaml")
        try Self.settings("${unknown}").write(to: file, atomically: true, encoding: .utf8)
        let unknown = try await fleet.swell("release", "create", "asked", "--version", "1", "-f", file.path)
        #expect(unknown.code == 1, "\(unknown)")
        for words in ["$${", "unknown"] { #expect(unknown.errors.contains(words), "\(unknown.errors)") }
        let verb = try await fleet.swell("delete", "cluster", Self.cluster)
        #expect(verb.errors.contains("did you mean 'swell cluster remove'"), "\(verb.errors)")
        // A policy may name a region that has no cluster yet, or any more.
        let policy = fleet.folder.appending(path: "policy.yaml")
        try Self.policy("wide", region: "us-east-1, eu-nowhere-1", deadline: "60s")
            .write(to: policy, atomically: true, encoding: .utf8)
        let wide = try await fleet.swell("apply", "-f", policy.path)
        #expect(wide.code == 0 && (wide.errors + wide.output).contains("eu-nowhere-1"), "\(wide)")
        // Going back says why once.
        let told = try await fleet.swell("rollout", "get", "free-2").output
        for line in told.split(separator: "\n") {
            #expect(line.components(separatedBy: "not healthy within").count <= 2, "\(line)")
        }
    }

    // MARK: -

    private func succeeded(_ rollout: String, _ fleet: Fleet) async throws {
        try await fleet.rollout(rollout, "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }
}
