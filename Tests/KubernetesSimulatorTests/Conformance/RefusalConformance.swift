internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: what is answered to requests that cannot be met")
struct RefusalConformance {
    @Test("paths, methods and media types")
    func paths() {
        var talk = Conversation()
        talk.ask("GET /nope", facts: ["404"])
        #expect(talk.answer == "404 page not found\n")
        talk.ask("GET /apis/nope.example.com/v1", facts: ["404"])
        talk.ask(
            "GET /api/v1/namespaces/default/widgets",
            facts: [
                "404", "reason = \"NotFound\"", "details = {}", "kind = \"Status\"", "apiVersion = \"v1\"",
                "status = \"Failure\"", "code = 404", "message = \"the server could not find the requested resource\"",
            ])
        talk.ask(
            "POST /api/v1/namespaces/default/configmaps/x", "{}",
            facts: ["405", "reason = \"MethodNotAllowed\""])
        talk.ask(
            "POST /api/v1/namespaces/default/configmaps", "{}", type: "text/plain",
            facts: [
                "415", "reason = \"UnsupportedMediaType\"",
                "message ~ accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
            ])
        talk.ask(
            "PATCH /api/v1/namespaces/default/configmaps/x", "{}", type: "application/unheard-of+json",
            facts: ["415", "message = \"415: Unsupported Media Type\""])
        talk.ask(
            "POST /apis/apps/v1/namespaces/default/deployments",
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}",
            facts: ["400", "reason = \"BadRequest\"", "message ~ cannot be handled as a Deployment"])
        talk.ask(
            "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{spec: {}}",
            facts: ["201", "status.allowed = true"])
        talk.ask("GET /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", facts: ["405"])
    }

    @Test("namespaces that are missing or do not fit")
    func namespaces() {
        var talk = Conversation()
        talk.ask(
            "PATCH /api/v1/namespaces/absent/configmaps/shared", Sample.configMap("{}"),
            facts: [
                "404", "message = \"namespaces \\\"absent\\\" not found\"", "details.kind = \"namespaces\"",
                "details.name = \"absent\"",
            ])
        talk.ask(
            "POST /api/v1/namespaces/default/configmaps", "{metadata: {name: x, namespace: kube-system}}",
            facts: [
                "400",
                "message = \"the namespace of the provided object does not match the namespace sent on the request\"",
            ])
    }

    @Test("what is there already, not there, or has moved on")
    func state() {
        var talk = Conversation()
        let maps = "/api/v1/namespaces/default/configmaps"
        talk.tell("POST \(maps)", Sample.configMap("{a: \"1\"}"))
        talk.ask(
            "POST \(maps)", Sample.configMap("{a: \"1\"}"),
            facts: [
                "409", "reason = \"AlreadyExists\"", "message = \"configmaps \\\"shared\\\" already exists\"",
                "details = {\"name\":\"shared\",\"kind\":\"configmaps\"}",
            ])
        talk.ask(
            "GET /apis/apps/v1/namespaces/default/deployments/absent",
            facts: [
                "404", "message = \"deployments.apps \\\"absent\\\" not found\"",
                "details = {\"name\":\"absent\",\"group\":\"apps\",\"kind\":\"deployments\"}",
            ])
        talk.ask("DELETE /apis/apps/v1/namespaces/default/deployments/absent", facts: ["404"])
        talk.ask(
            "PUT \(maps)/shared", "{metadata: {name: shared, resourceVersion: \"1\"}, data: {a: \"2\"}}",
            facts: [
                "409", "reason = \"Conflict\"",
                "message = \"Operation cannot be fulfilled on configmaps \\\"shared\\\": the object has been modified; please apply your changes to the latest version and try again\"",
            ])
        talk.ask(
            "PUT \(maps)/shared", "{metadata: {name: shared, uid: other}, data: {a: \"2\"}}",
            facts: ["409", "message ~ Precondition failed: UID in precondition: other, UID in object meta:"])
    }

    @Test("fields that are unknown, given twice, or of a wrong type")
    func fields() {
        var talk = Conversation()
        let maps = "/api/v1/namespaces/default/configmaps"
        talk.ask(
            "POST \(maps)?fieldValidation=Strict", "{metadata: {name: x}, datas: {}, meta: 1}",
            facts: [
                "400", "message ~ strict decoding error: unknown field \"datas\", unknown field \"meta\"",
            ])
        talk.ask(
            "POST /apis/apps/v1/namespaces/default/deployments",
            Sample.deployment().replacing("replicas: 2", with: "replicas: two"),
            facts: [
                "400",
                "message = \"Deployment in version \\\"v1\\\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\"",
            ])
        talk.ask(
            "POST /api/v1/namespaces/default/pods",
            "{metadata: {name: x}, spec: {containers: [{name: a, image: b, env: [{name: LEVEL, value: 1}]}]}}",
            facts: [
                "400",
                "message ~ json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
            ])
        talk.ask(
            "POST /api/v1/namespaces/default/pods",
            "{metadata: {name: x}, spec: {containers: [{name: a, image: b, resources: {limits: {cpu: lots}}}]}}",
            facts: ["400", "message ~ quantities must match the regular expression"])
    }

    @Test(
        "members that a document gives twice are found",
        arguments: [
            (#"{"a":1,"b":{"a":2}}"#, []), (#"{"a":1,"a":2}"#, ["a"]), (#"{"s":{"r":1,"t":"\"}","r":2}}"#, ["s.r"]),
            (#"{"l":[{"x":1},{"x":1,"x":2}]}"#, ["l.x"]), (#"{"v":["a","a"],"w":"v"}"#, []),
        ])
    func duplicates(document: String, paths: [String]) {
        #expect(DuplicateFields.paths(in: Array(document.utf8)) == paths)
    }

    @Test("options that say nothing the server knows are refused, and nothing is done")
    func options() {
        var talk = Conversation()
        let maps = "/api/v1/namespaces/default/configmaps"
        talk.ask(
            "POST \(maps)?dryRun=Some", "{metadata: {name: x}}",
            facts: [
                "422", "reason = \"Invalid\"", "details.kind = \"CreateOptions\"", "details.group = \"meta.k8s.io\"",
                "message = \"CreateOptions.meta.k8s.io \\\"\\\" is invalid: dryRun: Unsupported value: [\\\"Some\\\"]: supported values: \\\"All\\\"\"",
            ])
        talk.ask("GET \(maps)/x", facts: ["404"])
        talk.ask(
            "POST \(maps)?fieldManager=\(String(repeating: "m", count: 129))", "{metadata: {name: x}}",
            facts: ["422", "message ~ fieldManager: Too long"])
        talk.ask(
            "PATCH \(maps)/x?force=true", "{}", type: "application/merge-patch+json",
            facts: ["422", "message ~ force: Forbidden: may not be specified for non-apply patch"])
        talk.ask(
            "POST \(maps)", "{metadata: {name: x, resourceVersion: '5'}}",
            facts: ["500", "message = \"resourceVersion should not be set on objects to be created\""])
        talk.ask(
            "GET \(maps)?limit=x", facts: ["400", "message = \"strconv.ParseInt: parsing \\\"x\\\": invalid syntax\""])
        talk.ask(
            "GET \(maps)?resourceVersionMatch=Exact",
            facts: [
                "422", "details.kind = \"ListOptions\"",
                "message ~ resourceVersionMatch is forbidden unless resourceVersion is provided",
            ])
        talk.ask(
            "DELETE \(maps)/kube-root-ca.crt", "{propagationPolicy: Orphan, orphanDependents: true}",
            facts: ["422", "message ~ orphanDependents and deletionPropagation cannot be both set"])
        talk.ask("GET \(maps)/kube-root-ca.crt", facts: ["200"])
        talk.ask(
            "DELETE /api/v1/namespaces/kube-system",
            facts: [
                "403", "reason = \"Forbidden\"",
                "message = \"namespaces \\\"kube-system\\\" is forbidden: this namespace may not be deleted\"",
            ])
    }
}
