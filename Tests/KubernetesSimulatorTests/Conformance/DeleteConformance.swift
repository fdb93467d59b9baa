internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: deletes, finalizers and garbage collection")
struct DeleteConformance {
    private let map = "/api/v1/namespaces/del/configmaps/shared"
    private let web = "/apis/apps/v1/namespaces/del/deployments/web"
    private let sets = "/apis/apps/v1/namespaces/del/replicasets"

    private func conversation() -> Conversation {
        var talk = Conversation()
        talk.namespace("del")
        return talk
    }

    @Test("preconditions hold a delete back")
    func preconditions() {
        var talk = conversation()
        talk.tell("PATCH \(map)", Sample.configMap("{}"))
        talk.ask(
            "DELETE \(map)", "{kind: DeleteOptions, apiVersion: v1, preconditions: {uid: other}}",
            facts: [
                "409", "reason = \"Conflict\"",
                "message ~ the UID in the precondition (other) does not match the UID in record (",
            ])
        talk.ask(
            "DELETE \(map)", "{preconditions: {resourceVersion: \"1\"}}",
            facts: ["409", "message ~ the ResourceVersion in the precondition (1) does not match"])
        talk.ask(
            "DELETE \(map)", "{propagationPolicy: Background}",
            facts: [
                "200", "kind = \"Status\"", "status = \"Success\"", "details.name = \"shared\"",
                "details.kind = \"configmaps\"", "details.uid ?",
            ])
        talk.ask("GET \(map)", facts: ["404"])
        talk.ask(
            "DELETE \(map)", "{propagationPolicy: Sideways}",
            facts: ["422", "details.kind = \"DeleteOptions\"", "details.causes[0].field = \"propagationPolicy\""])
    }

    @Test("a finalizer keeps an object until it is taken off")
    func finalizers() {
        var talk = conversation()
        talk.tell(
            "PATCH \(map)",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: shared, finalizers: [example.com/hold]}}")
        talk.ask(
            "DELETE \(map)",
            facts: [
                "200", "kind = \"ConfigMap\"", "metadata.deletionTimestamp ?",
                "metadata.deletionGracePeriodSeconds = 0",
                "metadata.finalizers = [\"example.com/hold\"]",
            ])
        talk.ask("GET \(map)", facts: ["200", "metadata.deletionTimestamp ?"])
        talk.ask(
            "PATCH \(map)", "{metadata: {finalizers: null}}", type: "application/merge-patch+json", facts: ["200"])
        talk.ask("GET \(map)", facts: ["404"])
    }

    @Test("propagation: in the foreground, in the background, and orphans")
    func propagation() {
        var talk = conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.pass(3)
        talk.ask(
            "DELETE \(web)", "{propagationPolicy: Foreground}",
            facts: ["200", "metadata.generation = 2", "metadata.finalizers = [\"foregroundDeletion\"]"])
        talk.pass(3)
        talk.ask("GET \(web)", facts: ["404"])
        talk.ask("GET \(sets)", facts: ["200", "items.# = 0"])
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.pass(3)
        talk.ask("DELETE \(web)", "{propagationPolicy: Orphan}", facts: ["200"])
        talk.pass(1)
        talk.ask("GET \(web)", facts: ["404"])
        talk.ask("GET \(sets)", facts: ["200", "items.# = 1", "items[0].metadata.ownerReferences !"])
        talk.ask("DELETE \(sets)", facts: ["200", "kind = \"ReplicaSetList\""])
        talk.pass(3)
        talk.ask("GET /api/v1/namespaces/del/pods", facts: ["items.# = 0"])
    }

    @Test("a pod is evicted only where its budget allows it")
    func eviction() {
        var talk = conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.tell(
            "POST /apis/policy/v1/namespaces/del/poddisruptionbudgets",
            "{metadata: {name: web}, spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}}")
        talk.pass(3)
        talk.ask("GET /api/v1/namespaces/del/pods", facts: ["items.# = 2"])
        let pod = talk.answer["items"]?[0]?.name ?? ""
        let path = "/api/v1/namespaces/del/pods/\(pod)/eviction"
        talk.ask(
            "POST \(path)", "{apiVersion: policy/v1, kind: Eviction, metadata: {name: \(pod)}}",
            facts: [
                "429", "reason = \"TooManyRequests\"",
                "message = \"Cannot evict pod as it would violate the pod's disruption budget.\"",
                "details.causes[0].message = \"The disruption budget web needs 2 healthy pods and has 2 currently\"",
            ])
        talk.tell(
            "PATCH /apis/policy/v1/namespaces/del/poddisruptionbudgets/web", "{spec: {minAvailable: 1}}",
            type: "application/merge-patch+json")
        talk.pass(1)
        talk.ask("POST \(path)", "{metadata: {name: \(pod)}}", facts: ["201", "status = \"Success\""])
    }

    @Test("a namespace ends once all in it is gone, and takes nothing new meanwhile")
    func namespaceEnds() {
        var talk = conversation()
        talk.tell("PATCH \(web)", Sample.deployment())
        talk.pass(3)
        talk.ask(
            "DELETE /api/v1/namespaces/del",
            facts: ["200", "kind = \"Namespace\"", "status.phase = \"Terminating\"", "metadata.deletionTimestamp ?"])
        talk.ask(
            "PATCH \(map)", Sample.configMap("{}"),
            facts: [
                "403", "reason = \"Forbidden\"", "details.causes[0].reason = \"NamespaceTerminating\"",
                "message ~ unable to create new content in namespace del because it is being terminated",
            ])
        talk.pass(5)
        talk.ask("GET /api/v1/namespaces/del", facts: ["404"])
    }
}
