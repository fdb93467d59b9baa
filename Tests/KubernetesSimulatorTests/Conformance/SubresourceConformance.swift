internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: patches, scale and status")
struct SubresourceConformance {
    private let web = "/apis/apps/v1/namespaces/default/deployments/web"

    @Test("scale is read, changed, and owned by who changed it")
    func scale() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.pass(3)
        talk.ask(
            "GET \(web)/scale",
            facts: [
                "200", "kind = \"Scale\"", "apiVersion = \"autoscaling/v1\"", "spec.replicas = 2",
                "status = {\"replicas\":2,\"selector\":\"app=web\"}", "metadata.managedFields !",
            ])
        talk.ask(
            "PATCH \(web)/scale?fieldManager=scaler", "{spec: {replicas: 4}}", type: "application/merge-patch+json",
            facts: ["200", "spec.replicas = 4"])
        talk.pass(3)
        talk.ask(
            "GET \(web)",
            facts: [
                "metadata.generation = 2", "status.readyReplicas = 4",
                "metadata.managedFields[subresource=scale].manager = \"scaler\"",
                "metadata.managedFields[subresource=scale].fieldsV1.f:spec.f:replicas = {}",
            ])
        talk.ask(
            "PATCH \(web)", Sample.deployment(),
            facts: [
                "409", "message ~ conflict with \"scaler\" with subresource \"scale\" using apps/v1: .spec.replicas",
            ])
        talk.ask("PATCH \(web)", Sample.deployment(replicas: nil), facts: ["200", "spec.replicas = 4"])
        talk.ask("GET /api/v1/namespaces/default/configmaps/kube-root-ca.crt/scale", facts: ["404"])
    }

    @Test("the other three patches")
    func patches() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.ask(
            "PATCH \(web)", "[{op: replace, path: /spec/replicas, value: 1}]", type: "application/json-patch+json",
            facts: [
                "200", "spec.replicas = 1", "metadata.generation = 2",
                "metadata.managedFields[manager=tester].operation = \"Update\"",
            ])
        talk.ask(
            "PATCH \(web)", "[{op: test, path: /spec/replicas, value: 9}, {op: remove, path: /spec/replicas}]",
            type: "application/json-patch+json",
            facts: [
                "422", "reason = \"Invalid\"",
                "message = \"the server rejected our request due to an error in our request\"",
            ])
        talk.ask(
            "PATCH \(web)", "{spec: {template: {spec: {containers: [{name: main, image: 'nginx:1.27'}]}}}}",
            type: "application/strategic-merge-patch+json",
            facts: [
                "200", "spec.template.spec.containers.# = 1", "spec.template.spec.containers[0].image = \"nginx:1.27\"",
                "spec.template.spec.containers[0].ports[0].containerPort = 8080", "metadata.generation = 3",
            ])
        talk.ask(
            "PATCH \(web)", "{spec: {template: {spec: {containers: [{name: side, image: b}]}}}}",
            type: "application/strategic-merge-patch+json", facts: ["200", "spec.template.spec.containers.# = 2"])
        talk.ask(
            "PATCH \(web)", "{spec: {template: {spec: {containers: [{name: side, $patch: delete}]}}}}",
            type: "application/strategic-merge-patch+json", facts: ["200", "spec.template.spec.containers.# = 1"])
        talk.ask(
            "PATCH \(web)", "{metadata: {labels: {app: null}}, spec: {minReadySeconds: 3}}",
            type: "application/merge-patch+json", facts: ["200", "metadata.labels !", "spec.minReadySeconds = 3"])
    }

    @Test("status is written at its own place alone")
    func status() {
        var talk = Conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.ask(
            "PATCH \(web)", "{status: {readyReplicas: 99}}", type: "application/merge-patch+json",
            facts: ["200", "status.readyReplicas !", "metadata.generation = 1"])
        talk.ask(
            "PATCH \(web)/status", "{spec: {replicas: 7}, status: {readyReplicas: 99}}",
            type: "application/merge-patch+json",
            facts: [
                "200", "status.readyReplicas = 99", "spec.replicas = 2", "metadata.generation = 1",
                "metadata.managedFields[subresource=status].fieldsV1.f:status.f:readyReplicas = {}",
            ])
    }
}
