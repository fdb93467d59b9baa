internal import Foundation
internal import KubernetesObjects
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// An agent that lacks a right, through the real binaries and an API server that enforces RBAC.
@Suite(.serialized) struct PermissionScenarios {
    private static let account = "system:serviceaccount:swell-agent:swell-agent"

    private static let documents = """
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: web}
        spec: {namespace: shop}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: waves}
        spec:
          stages: [{name: all, select: {regions: [us-east-1]}, soak: 0s}]
          minHealthyTime: 1s
          progressDeadline: 30s
          onFailure: pause
        """

    private static let service = """

        ---
        apiVersion: v1
        kind: Service
        metadata: {name: front}
        spec: {selector: {app: web}, ports: [{port: 80}]}
        """

    /// Has the agent act as a service account that may do nothing yet.
    private func restrict(_ cluster: String, _ fleet: Fleet) async throws {
        let file = fleet.folder.appending(path: "kubeconfigs/\(cluster).yaml")
        try await fleet.withAPI(cluster) { api in
            let type = GroupVersionKind(version: "v1", kind: "Namespace")
            _ = try await api.apply(
                KubernetesObject(type: type, name: "swell-agent"), ApplyOptions(fieldManager: "operator"))
            _ = try await api.apply(
                KubernetesObject(
                    type: GroupVersionKind(version: "v1", kind: "ServiceAccount"), namespace: "swell-agent",
                    name: "swell-agent"), ApplyOptions(fieldManager: "operator"))
            let request: JSONValue = [
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": ["expirationSeconds": 3_600],
            ]
            let account = ObjectReference(
                type: GroupVersionKind(version: "v1", kind: "ServiceAccount"), namespace: "swell-agent",
                name: "swell-agent")
            let permit = try await api.permit(.create, account, in: try await api.resource(for: account.type))
            let answer = try await api.exchange.json(
                KubernetesRequest(
                    .POST, "/api/v1/namespaces/swell-agent/serviceaccounts/swell-agent/token", permit: permit,
                    contentType: "application/json", body: request.serializedBytes(), timeout: .seconds(30)))
            let token = try #require(answer["status"]?["token"]?.stringValue)
            let text = try String(contentsOf: file, encoding: .utf8)
            let own = text.replacing(/token: .*/, with: "token: \(token)")
            #expect(own != text)
            try await fleet.killAgent(cluster)
            // The agent has a copy of its own; what looks in from outside goes on with the other.
            try own.write(
                to: fleet.agentFolder(cluster).appending(path: "restricted.yaml"), atomically: true, encoding: .utf8)
        }
        try await fleet.startAgent(cluster, kubeconfig: fleet.agentFolder(cluster).appending(path: "restricted.yaml"))
    }

    /// Applies the roles that `swell rbac` prints, without a verb on a resource where one is given.
    private func grant(_ versions: [String], without verb: String? = nil, of resource: String = "", _ fleet: Fleet)
        async throws
    {
        let arguments = ["rbac", "web"] + versions.flatMap { ["--version", $0] }
        let printed = try await fleet.swell(arguments, replica: "a")
        #expect(printed.code == 0, "\(printed.errors)")
        try await fleet.withAPI("use1-a") { api in
            for document in try YAMLReader.documents(in: printed.output, file: "rbac") {
                var json = document.root.json
                if let rules = json["rules"]?.arrayValue {
                    json["rules"] = .array(
                        rules.map { rule in
                            guard rule["resources"]?.arrayValue?.contains(.string(resource)) == true else {
                                return rule
                            }
                            var rule = rule
                            rule["verbs"] = .array((rule["verbs"]?.arrayValue ?? []).filter { $0.stringValue != verb })
                            return rule
                        })
                }
                let object = try KubernetesObject(json: json)
                _ = try await api.apply(object, ApplyOptions(fieldManager: "operator", force: true))
            }
        }
    }

    /// Waits until the rollout has stopped for a right that is missing, and checks what the operator sees of it.
    private func expectMissing(_ words: String, _ fleet: Fleet) async throws {
        let status = try await fleet.rollout("second", "stopped by a missing right") { status in
            let reason = targets(status).first?["reason"]?.stringValue ?? ""
            // First it is told that its agent goes back, then that it is back.
            return status["phase"]?.stringValue == "paused" && reason.contains(words)
                && reason.hasPrefix("reverted by its agent")
        }
        let grantee = "\(words) in namespace shop; grant it to \(Self.account)"
        let reason = targets(status).first?["reason"]?.stringValue ?? ""
        #expect(reason.contains("reverted by its agent: Forbidden: v1 Service shop/front: "), "\(reason)")
        #expect(reason.contains(grantee), "\(reason)")
        #expect(reason.contains("(1 skipped: Deployment web)"), "\(reason)")
        let screen = try await fleet.swell("rollout", "get", "second").output
        #expect(screen.contains(grantee), "\(screen)")
        #expect(screen.contains("`swell rbac web --version 1.0.0 --version 2.0.0` prints the roles"), "\(screen)")
        #expect(screen.contains("next: once that is mended, `swell rollout retry second`"), "\(screen)")
        let brief = try await fleet.swell("rollout", "status", "second").output
        #expect(brief.contains(grantee), "\(brief)")
    }

    @Test func aMissingRightIsNamedAndTheRolloutGoesOnOnceItIsGranted() async throws {
        try await withFleet(["us-east-1": ["use1-a"]]) { fleet in
            try await fleet.apply(Self.documents)
            let web = { String(Documents.manifests(image: $0).split(separator: "\n---\n")[0]) }
            try await fleet.release("web", "1.0.0", manifests: web("web:1.0.0"))
            try await fleet.release("web", "2.0.0", manifests: web("web:2.0.0") + Self.service)
            try await restrict("use1-a", fleet)
            try await grant(["1.0.0"], fleet)
            try await fleet.start("1.0.0", name: "first")
            try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }

            // The new release brings a kind that the roles for the old one do not know.
            try await fleet.start("2.0.0", name: "second")
            try await expectMissing("may not get services", fleet)
            // Whoever writes the roles by hand forgets a verb.
            try await grant(["1.0.0", "2.0.0"], without: "patch", of: "services", fleet)
            #expect(try await fleet.swell("rollout", "retry", "second").code == 0)
            try await expectMissing("may not patch services", fleet)
            try await fleet.withAPI("use1-a") { api in
                let running = try await api.get(ObjectReference("apps/v1", "Deployment", "web", in: "shop"))
                #expect(running?.generation == 1, "the previous release was touched")
            }

            try await grant(["1.0.0", "2.0.0"], fleet)
            #expect(try await fleet.swell("rollout", "retry", "second").code == 0)
            try await fleet.rollout("second", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        }
    }
}
