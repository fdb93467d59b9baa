internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: apply, ownership, conflicts and dry runs")
struct ApplyConformance {
    private let web = "/apis/apps/v1/namespaces/ssa/deployments/web"
    private let shared = "/api/v1/namespaces/ssa/configmaps/shared"

    @Test("an applied Deployment lives through seven applies")
    func lifecycle() {
        var talk = Conversation()
        talk.namespace("ssa")
        talk.ask(
            "PATCH \(web)", Sample.deployment(),
            facts: [
                "201", "metadata.generation = 1", "metadata.managedFields.# = 1",
                "metadata.managedFields[0].manager = \"swell\"", "metadata.managedFields[0].operation = \"Apply\"",
                "metadata.managedFields[0].apiVersion = \"apps/v1\"",
                "metadata.managedFields[0].fieldsV1.f:spec.f:replicas = {}",
                "metadata.managedFields[0].fieldsV1.f:spec.f:progressDeadlineSeconds !",
                "spec.strategy.rollingUpdate.maxSurge = \"25%\"", "spec.progressDeadlineSeconds = 600",
                "spec.revisionHistoryLimit = 10", "spec.template.spec.restartPolicy = \"Always\"",
                "spec.template.spec.containers[0].imagePullPolicy = \"IfNotPresent\"",
                "spec.template.spec.containers[0].ports[0].protocol = \"TCP\"",
                "spec.template.spec.containers[0].terminationMessagePath = \"/dev/termination-log\"",
                "status = {}",
            ])
        talk.pass(3)
        talk.ask("GET \(web)", facts: ["200", "status.readyReplicas = 2", "status.observedGeneration = 1"])
        let settled = talk.answer
        talk.ask("PATCH \(web)", Sample.deployment(), facts: ["200"])
        #expect(talk.answer == settled, "applying the same changes nothing")
        talk.ask(
            "PATCH \(web)", Sample.deployment(image: "nginx:1.26"),
            facts: [
                "200", "metadata.generation = 2", "spec.template.spec.containers[0].image = \"nginx:1.26\"",
                "metadata.managedFields[1].manager = \"kube-controller-manager\"",
                "metadata.managedFields[1].subresource = \"status\"",
            ])
        talk.ask(
            "PATCH \(web)", Sample.deployment(image: "nginx:1.26", annotations: "{note: hello}"),
            facts: ["200", "metadata.generation = 3", "metadata.annotations.note = \"hello\""])
        talk.ask(
            "PATCH \(web)", Sample.deployment(image: "nginx:1.26"),
            facts: ["200", "metadata.generation = 4", "metadata.annotations.note !"])
        talk.ask(
            "PATCH \(web)", Sample.deployment(image: "nginx:1.26", replicas: nil),
            facts: ["200", "metadata.generation = 5", "spec.replicas = 1"])
    }

    @Test("an apply needs a manager, its own name, its own kind, and no field list")
    func refused() {
        var talk = Conversation()
        talk.namespace("ssa")
        talk.ask(
            "PATCH \(web)?fieldManager=", Sample.deployment(),
            facts: [
                "422", "reason = \"Invalid\"", "details.kind = \"PatchOptions\"",
                "details.causes[0].field = \"fieldManager\"",
                "message = \"PatchOptions.meta.k8s.io \\\"\\\" is invalid: fieldManager: Required value: is required for apply patch\"",
            ])
        let other = Sample.deployment().replacing("name: web,", with: "name: other,")
        talk.ask(
            "PATCH \(web)", other,
            facts: [
                "400", "message = \"the name of the object (other) does not match the name on the URL (web)\"",
            ])
        talk.ask(
            "PATCH \(web)", Sample.deployment().replacing("kind: Deployment", with: "kind: StatefulSet"),
            facts: ["400", "message = \"invalid object type: apps/v1, Kind=StatefulSet\""])
        talk.ask(
            "PATCH \(web)", Sample.deployment().replacing("replicas: 2", with: "replicas: two"),
            facts: ["500", "message ~ .spec.replicas: expected numeric (int or float), got string"])
        talk.ask(
            "PATCH \(web)&fieldValidation=Strict".replacing("&", with: "?"),
            Sample.deployment().replacing("replicas: 2", with: "replicaz: 2"),
            facts: ["500", "message ~ .spec.replicaz: field not declared in schema"])
        talk.ask("GET \(web)", facts: ["404", "reason = \"NotFound\""])
    }

    @Test("two managers share an object, and conflict over a field")
    func conflicts() {
        var talk = Conversation()
        talk.namespace("ssa")
        talk.ask("PATCH \(shared)", Sample.configMap("{a: \"1\"}"), facts: ["201"])
        talk.ask(
            "PATCH \(shared)?fieldManager=other", Sample.configMap("{b: \"2\"}"),
            facts: [
                "200", "data = {\"a\":\"1\",\"b\":\"2\"}",
                "metadata.managedFields[manager=swell].fieldsV1.f:data.f:a = {}",
                "metadata.managedFields[manager=other].fieldsV1.f:data.f:a !",
            ])
        talk.ask(
            "PATCH \(shared)?fieldManager=other", Sample.configMap("{a: other, b: \"2\"}"),
            facts: [
                "409", "reason = \"Conflict\"",
                "message = \"Apply failed with 1 conflict: conflict with \\\"swell\\\": .data.a\"",
                "details.causes[0].reason = \"FieldManagerConflict\"",
                "details.causes[0].message = \"conflict with \\\"swell\\\"\"", "details.causes[0].field = \".data.a\"",
            ])
        talk.ask(
            "PATCH \(shared)?fieldManager=other&force=true", Sample.configMap("{a: other, b: \"2\"}"),
            facts: ["200", "data.a = \"other\"", "metadata.managedFields[manager=swell].fieldsV1.f:data.f:a !"])
        talk.ask(
            "PATCH \(shared)", Sample.configMap("{a: \"1\"}"),
            facts: ["409", "message ~ conflict with \"other\": .data.a"])
        talk.ask(
            "PATCH \(shared)", Sample.configMap("{a: other}"),
            facts: [
                "200", "metadata.managedFields[manager=swell].fieldsV1.f:data.f:a = {}",
                "metadata.managedFields[manager=other].fieldsV1.f:data.f:a = {}",
            ])
        talk.ask(
            "PATCH \(shared)?fieldManager=kubectl-edit", "{data: {b: edited}}", type: "application/merge-patch+json",
            facts: [
                "200", "metadata.managedFields[manager=kubectl-edit].operation = \"Update\"",
                "metadata.managedFields[manager=kubectl-edit].fieldsV1.f:data.f:b = {}",
                "metadata.managedFields[manager=other].fieldsV1.f:data.f:b !",
            ])
        talk.ask(
            "PATCH \(shared)", Sample.configMap("{a: other, b: mine}"),
            facts: ["409", "message ~ conflict with \"kubectl-edit\" using v1: .data.b"])
    }

    @Test("many conflicts are listed by manager")
    func manyConflicts() {
        var talk = Conversation()
        talk.namespace("ssa")
        talk.tell("PATCH \(shared)", Sample.configMap("{a: \"1\", b: \"1\"}"))
        talk.ask(
            "PATCH \(shared)?fieldManager=other", Sample.configMap("{a: \"2\", b: \"2\"}"),
            facts: [
                "409", "details.causes.# = 2",
                "message = \"Apply failed with 2 conflicts: conflicts with \\\"swell\\\":\\n- .data.a\\n- .data.b\"",
            ])
    }

    @Test("a dry run answers as if, and stores nothing")
    func dryRun() {
        var talk = Conversation()
        talk.namespace("ssa")
        talk.ask(
            "PATCH \(shared)?dryRun=All", Sample.configMap("{a: \"1\"}"),
            facts: ["201", "metadata.uid ?", "metadata.resourceVersion !", "metadata.creationTimestamp ?"])
        talk.ask("GET \(shared)", facts: ["404"])
        talk.tell("PATCH \(shared)", Sample.configMap("{a: \"1\"}"))
        talk.ask(
            "PATCH \(shared)?dryRun=All&force=true", Sample.configMap("{a: \"2\"}"),
            facts: ["200", "data.a = \"2\""])
        talk.ask("GET \(shared)", facts: ["200", "data.a = \"1\""])
        talk.ask("DELETE \(shared)?dryRun=All", facts: ["200", "status = \"Success\""])
        talk.ask("GET \(shared)", facts: ["200"])
        talk.ask(
            "POST /api/v1/namespaces/ssa/configmaps?dryRun=All", Sample.configMap("{a: \"1\"}"),
            facts: ["409", "reason = \"AlreadyExists\""])
    }

    @Test("a status in a manifest is nobody's, and conflicts with nobody")
    func statusInManifest() {
        var talk = Conversation()
        talk.namespace("ssa")
        let manifest = Sample.deployment() + "\nstatus: {replicas: 9, readyReplicas: 9}\n"
        talk.ask("PATCH \(web)", manifest, facts: ["201", "status = {}"])
        talk.pass(3)
        talk.ask(
            "PATCH \(web)", manifest,
            facts: [
                "200", "status.readyReplicas = 2", "metadata.managedFields[manager=swell].fieldsV1.f:status !",
                "metadata.managedFields[subresource=status].manager = \"kube-controller-manager\"",
            ])
    }
}
