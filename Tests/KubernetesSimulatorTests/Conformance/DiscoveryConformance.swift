internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: discovery, and every kind that is served")
struct DiscoveryConformance {
    @Test("version and health")
    func version() {
        var talk = Conversation()
        talk.ask("GET /version", facts: ["200", "major = \"1\"", "minor = \"36\"", "gitVersion = \"v1.36.0\""])
        for path in ["readyz", "livez", "healthz"] {
            talk.ask("GET /\(path)", facts: ["200"])
            #expect(talk.answer == "ok")
        }
    }

    @Test("the plain form lists groups, versions and resources with their subresources")
    func plain() {
        var talk = Conversation()
        talk.ask("GET /api", facts: ["200", "kind = \"APIVersions\"", "versions = [\"v1\"]"])
        talk.ask(
            "GET /apis",
            facts: [
                "kind = \"APIGroupList\"", "groups[name=apps].preferredVersion.groupVersion = \"apps/v1\"",
                "groups[name=autoscaling].preferredVersion.version = \"v2\"",
                "groups[name=autoscaling].versions[1].version = \"v1\"", "groups[name=flowcontrol.apiserver.k8s.io] ?",
                "groups[0].name = \"apiregistration.k8s.io\"",
            ])
        talk.ask(
            "GET /api/v1",
            facts: [
                "kind = \"APIResourceList\"", "groupVersion = \"v1\"",
                "resources[name=configmaps].storageVersionHash = \"qFsyl6wFWjQ=\"",
                "resources[name=configmaps].shortNames = [\"cm\"]", "resources[name=pods/eviction].group = \"policy\"",
                "resources[name=bindings].verbs = [\"create\"]", "resources[name=namespaces].verbs.# = 7",
            ])
        talk.ask(
            "GET /apis/apps/v1",
            facts: [
                "resources[name=deployments].categories = [\"all\"]",
                "resources[name=deployments/scale].kind = \"Scale\"",
                "resources[name=deployments/scale].group = \"autoscaling\"",
            ])
    }

    @Test("the aggregated form tells the same of every resource")
    func aggregated() {
        let state = TestCluster().state
        var seen: Set<String> = []
        for root in ["api", "apis"] {
            let request = APIRequest(
                method: "GET", path: [root],
                accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            guard case .json(let body)? = (try? state.discovery(request))?.body else {
                Issue.record("no answer for \(root)")
                continue
            }
            #expect(body["kind"] == "APIGroupDiscoveryList")
            for group in body["items"]?.arrayValue ?? [] {
                for version in group["versions"]?.arrayValue ?? [] {
                    for resource in version["resources"]?.arrayValue ?? [] {
                        let kind = resource["responseKind"]
                        let name = kind?["group"]?.stringValue ?? ""
                        seen.insert(
                            "\(name)/\(kind?["version"]?.stringValue ?? "")/\(resource["resource"]?.stringValue ?? "")")
                    }
                }
            }
        }
        for type in ResourceCatalog.builtIn {
            #expect(seen.contains("\(type.group)/\(type.version)/\(type.plural)"), "\(type.qualifiedPlural)")
        }
        #expect(seen.count >= 68)
    }

    /// What a kind's object needs beside a name, for the kinds that need anything.
    static let needs: [String: String] = [
        "Binding": "", "Pod": pod, "PodTemplate": "template: {spec: {containers: [{name: a, image: b}]}}",
        "ReplicationController": "spec: {selector: {a: b}, template: \(template)}",
        "ReplicaSet": "spec: {selector: {matchLabels: {a: b}}, template: \(template)}",
        "Deployment": "spec: {selector: {matchLabels: {a: b}}, template: \(template)}",
        "DaemonSet": "spec: {selector: {matchLabels: {a: b}}, template: \(template)}",
        "StatefulSet": "spec: {serviceName: x, selector: {matchLabels: {a: b}}, template: \(template)}",
        "Job": "spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}",
        "CronJob":
            "spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}",
        "Service": "spec: {ports: [{port: 80}]}",
        "PersistentVolumeClaim": "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        "PersistentVolume": "spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /x}}",
        "StorageClass": "provisioner: example.com/disk",
        "HorizontalPodAutoscaler": "spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: web}}",
        "Ingress": "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}",
        "RoleBinding": "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: x}",
        "ClusterRoleBinding": "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: x}",
        "PriorityClass": "value: 5", "CSIDriver": "spec: {}", "CSINode": "spec: {drivers: []}",
        "IngressClass": "spec: {controller: example.com/a}", "RuntimeClass": "handler: runc",
        "EndpointSlice": "addressType: IPv4\nendpoints: []",
        "APIService":
            "spec: {group: x.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {name: a, namespace: b}}",
        "CustomResourceDefinition":
            "spec: {group: example.com, scope: Namespaced, names: {plural: xs, kind: X}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}",
    ]

    private static let pod = "spec: {containers: [{name: a, image: b}]}"
    private static let template = "{metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}"

    @Test("every kind is created, applied, read, listed, watched and deleted")
    func everyKind() throws {
        for type in ResourceCatalog.builtIn {
            var talk = Conversation()
            let name =
                switch type.kind {
                case "APIService": "v1.x.example.com"
                case "CustomResourceDefinition": "xs.example.com"
                case "IPAddress": "192.0.2.1"
                default: "x"
                }
            let needs = Self.needs[type.kind] ?? ""
            let object = "apiVersion: \(type.apiVersion)\nkind: \(type.kind)\nmetadata: {name: \(name)}\n\(needs)\n"
            let root = type.group.isEmpty ? "/api/v1" : "/apis/\(type.apiVersion)"
            let all = root + (type.isNamespaced ? "/namespaces/default" : "") + "/\(type.plural)"
            talk.ask("POST \(all)", object, facts: ["201", "kind = \"\(type.kind)\"", "metadata.uid ?"])
            talk.ask(
                "GET \(all)/\(name)",
                facts: [
                    "200", "apiVersion = \"\(type.apiVersion)\"",
                    type.countsGenerations ? "metadata.generation = 1" : "metadata.generation !",
                ])
            let revision = talk.cluster.state.store.revision
            let labelled = object.replacing("{name: \(name)}\n", with: "{name: \(name), labels: {l: v}}\n")
            talk.ask(
                "PATCH \(all)/\(name)", labelled,
                facts: [
                    "200", "metadata.labels.l = \"v\"", "metadata.managedFields[manager=swell].operation = \"Apply\"",
                ])
            talk.ask(
                "GET \(all)?labelSelector=l=v",
                facts: ["200", "items.# = 1", "kind = \"\(type.listKind)\"", "apiVersion = \"\(type.apiVersion)\""])
            let watch = WatchRequest(type: type, namespace: nil, timeout: 5, form: .full)
            let events = try #require(talk.cluster.state.events(watch, after: revision)).events
            #expect(events.contains { $0["type"] == "MODIFIED" }, "\(type.kind)")
            talk.ask("DELETE \(all)/\(name)", facts: ["200"])
            talk.pass(6)
            talk.ask("GET \(all)/\(name)", facts: ["404"])
        }
    }

    @Test("an autoscaler of v1 is one of v2, and an event of either group the other's")
    func conversions() {
        var talk = Conversation()
        let v1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
        talk.ask(
            "POST \(v1)",
            "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 60, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}",
            facts: [
                "201", "apiVersion = \"autoscaling/v1\"", "spec.targetCPUUtilizationPercentage = 60", "spec.metrics !",
            ])
        talk.ask(
            "GET /apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web",
            facts: [
                "200", "spec.minReplicas = 1", "spec.metrics[0].resource.target.averageUtilization = 60",
                "metadata.managedFields[0].apiVersion = \"autoscaling/v1\"",
            ])
        talk.ask("GET \(v1)", facts: ["items.# = 1", "apiVersion = \"autoscaling/v1\""])
        talk.tell(
            "POST /api/v1/namespaces/default/events",
            "{metadata: {name: e}, involvedObject: {kind: Pod, name: p}, message: hello, reason: Test, type: Normal, count: 2}"
        )
        talk.ask(
            "GET /apis/events.k8s.io/v1/namespaces/default/events/e",
            facts: ["200", "regarding.name = \"p\"", "note = \"hello\"", "deprecatedCount = 2", "message !"])
    }

    @Test("schema documents hold what explain and patches look for")
    func openAPI() {
        var talk = Conversation()
        talk.ask(
            "GET /openapi/v3",
            facts: ["200", "paths[\"apis/apps/v1\"].serverRelativeURL ~ /openapi/v3/apis/apps/v1?hash="])
        let schemas = "components.schemas"
        talk.ask(
            "GET /openapi/v3/apis/apps/v1",
            facts: [
                "paths[\"/apis/apps/v1/namespaces/{namespace}/deployments/{name}\"].patch.x-kubernetes-group-version-kind.kind = \"Deployment\"",
                "\(schemas)[\"io.k8s.api.Deployment\"].x-kubernetes-group-version-kind[0].group = \"apps\"",
                "\(schemas)[\"io.k8s.api.DeploymentSpec\"].required = [\"selector\",\"template\"]",
                "\(schemas)[\"io.k8s.api.DeploymentSpec\"].properties.replicas.type = \"integer\"",
                "\(schemas)[\"io.k8s.api.core.v1.PodSpec\"].properties.containers.x-kubernetes-patch-merge-key = \"name\"",
            ])
    }
}
