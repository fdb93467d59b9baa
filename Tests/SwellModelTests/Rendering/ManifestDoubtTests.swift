internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

/// What a cluster would refuse, or not keep, is told where the release is made.
@Suite struct ManifestDoubtTests {
    private func told(_ text: String, parameters: [String: String] = [:]) -> (errors: [String], warnings: [String]) {
        do throws(DocumentErrors) {
            let release = try ReleaseAssembler.assemble(
                Application(name: "shop", namespace: "shop", parameters: parameters),
                from: [SourceFile(name: "m.yaml", content: text)])
            return ([], release.warnings.map(\.description))
        } catch {
            return (error.errors.map(\.description), [])
        }
    }

    private func deployment(_ container: String, spec: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          selector: {matchLabels: {a: b}}
          \(spec.isEmpty ? "paused: false" : spec)
          template:
            metadata: {labels: {a: b}}
            spec:
              containers:
              - name: web
                image: web:1
                \(container)
        """
    }

    @Test func aFieldThatTheKindLacksIsWarnedOfWithTheNearest() {
        let (errors, warnings) = told(deployment("imagePullpolicy: Always"))
        #expect(errors == [])
        #expect(
            warnings == [
                "m.yaml:13: Deployment web: spec.template.spec.containers[0] has no field 'imagePullpolicy'; did you mean "
                    + "'imagePullPolicy'?"
            ])
        #expect(told(deployment("imagePullPolicy: Always")).warnings == [])
    }

    @Test(arguments: [
        ("apps/v1", "deployment", "apps/v1 has no kind deployment; did you mean Deployment?"),
        ("v1", "Deployment", "v1 has no kind Deployment: it is of apps/v1"),
        ("v1", "Ingress", "it is of networking.k8s.io/v1"),
        ("v1", "deployment", "did you mean Deployment, of apps/v1?"),
        (
            "autoscaling/v2beta2", "HorizontalPodAutoscaler",
            "took autoscaling/v2beta2 HorizontalPodAutoscaler away; write autoscaling/v2"
        ),
        ("batch/v1beta1", "CronJob", "write batch/v1"), ("apps/v1beta1", "Deployment", "write apps/v1"),
        ("policy/v1beta1", "PodSecurityPolicy", "leave it out"),
        ("networking.k8.io/v1", "Ingress", "did you mean networking.k8s.io/v1?"),
        ("app/v1", "Deployment", "did you mean apps/v1?"),
    ])
    func aKindThatNoServerHasIsWarnedOf(apiVersion: String, kind: String, expected: String) {
        let (errors, warnings) = told("apiVersion: \(apiVersion)\nkind: \(kind)\nmetadata: {name: m}\n")
        #expect(errors == [])
        #expect(warnings.count == 1 && warnings[0].contains(expected), "\(warnings)")
        #expect(warnings.first?.hasPrefix("m.yaml:2: ") == true)
    }

    @Test(arguments: [
        ("apps.kruise.io/v1alpha1", "StatefulSet"), ("batch.volcano.sh/v1alpha1", "Job"),
        ("serving.knative.dev/v1", "Service"), ("networking.k8s.io/v1beta1", "IPAddress"),
        ("storage.k8s.io/v1beta1", "VolumeAttributesClass"), ("resource.k8s.io/v1beta1", "DeviceClass"),
        ("example.com/v1", "deployment"), ("authentication.k8s.io/v1", "TokenRequest"), ("apps/v1beta1", "Scale"),
        ("policy/v1", "Eviction"), ("scheduling.x-k8s.io/v1alpha1", "PriorityClass"),
        ("networking.gke.io/v1", "Ingress"), ("crd.projectcalico.org/v1", "NetworkPolicy"),
    ])
    func ofOtherKindsNothingIsSaid(apiVersion: String, kind: String) {
        let (errors, warnings) = told("apiVersion: \(apiVersion)\nkind: \(kind)\nmetadata: {name: m}\nx: 1\n")
        #expect(errors == [] && warnings == [])
    }

    @Test func whatAListHasTwiceByItsKeyIsRefusedWithBothLines() {
        let errors = told(
            deployment(
                "ports:\n        - {containerPort: 80}\n        - {containerPort: 80, protocol: UDP}\n"
                    + "        - {containerPort: 80, protocol: TCP, name: metrics}")
        ).errors
        #expect(errors.count == 1, "\(errors)")
        #expect(
            errors.contains {
                $0.hasPrefix("m.yaml:16: ")
                    && $0.contains("ports has containerPort 80/TCP twice, first in line 14")
            })
        // What references stand for is known on each cluster only.
        let referring = deployment("ports: [{containerPort: \"${a:integer}\"}, {containerPort: \"${b:integer}\"}]")
        #expect(told(referring, parameters: ["a": "1", "b": "1"]).errors == [])
    }

    @Test func ofAVariableThatIsThereTwiceTheLastIsKept() throws {
        let text = deployment(
            "env:\n        - {name: A, value: a}\n        - {name: B, value: a}\n        - {name: A, value: b}\n"
                + "        - {name: C, value: \"$(A)\"}")
        let release = try ReleaseAssembler.assemble(
            Application(name: "shop", namespace: "shop"), from: [SourceFile(name: "m.yaml", content: text)])
        #expect(
            release.warnings.map(\.description) == [
                "m.yaml:16: Deployment web: spec.template.spec.containers[0].env has A twice, first in line 14; the last one "
                    + "counts, as in a container"
            ])
        let object = try #require(
            release.documents.compactMap { try? JSONValue(parsing: $0.content) }.first { $0["kind"] == "Deployment" })
        let variables = object.value(at: try FieldPath(parsing: "spec.template.spec.containers[0].env"))
        #expect(
            variables == [
                ["name": "B", "value": "a"], ["name": "A", "value": "b"], ["name": "C", "value": "$(A)"],
            ])
    }

    private func value(at path: String, of text: String) throws -> (value: JSONValue?, warnings: [String]) {
        let release = try ReleaseAssembler.assemble(
            Application(name: "shop", namespace: "shop"), from: [SourceFile(name: "m.yaml", content: text)])
        let object = try #require(
            release.documents.compactMap { try? JSONValue(parsing: $0.content) }.first { $0["kind"] == "Deployment" })
        return (object.value(at: try FieldPath(parsing: path)), release.warnings.map(\.description))
    }

    /// The kubelet puts the former value in.
    @Test(arguments: [
        ("{name: A, value: a}, {name: A, value: '$(A):b'}", "a:b"),
        ("{name: A, value: a}, {name: A, value: '$(A):b:$(A)'}, {name: A, value: '$(A):c'}", "a:b:a:c"),
        ("{name: A, value: ''}, {name: A, value: '$(A)1'}", "1"),
    ])
    func aVariableThatIsMadeOfItsFormerSelfIsWrittenOut(variables: String, expected: String) throws {
        let (value, warnings) = try value(
            at: "spec.template.spec.containers[0].env", of: deployment("env: [\(variables)]"))
        #expect(value == [["name": "A", "value": .string(expected)]])
        #expect(warnings.count == 1 && warnings[0].contains("has A twice, first in line 13"), "\(warnings)")
    }

    @Test(arguments: [
        "{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: A, value: '$(A):b'}",
        "{name: A, value: '$(B)'}, {name: A, value: '$(A):b'}", "{name: A, value: a}, {name: A, value: '$$(A)'}",
        "{name: A, value: a}, {name: B, value: '$(A)'}, {name: A, value: '$(A):b'}",
    ])
    func aVariableThatIsMadeOfWhatNobodyKnowsYetIsRefused(variables: String) {
        let errors = told(deployment("env: [\(variables)]")).errors
        #expect(errors.count == 1 && errors[0].contains("env has name A twice, first in line 13"), "\(errors)")
    }

    /// As of a chart that names its own Secret for images and the one of all charts.
    @Test func ofElementsThatAreAlikeOneIsKept() throws {
        let pod = "      imagePullSecrets: [{name: r}, {name: s}, {name: r}, {name: r}]\n      containers:"
        let text = deployment("tty: true").replacing("      containers:", with: pod)
        let (value, warnings) = try value(at: "spec.template.spec.imagePullSecrets", of: text)
        #expect(value == [["name": "r"], ["name": "s"]])
        #expect(
            warnings == [
                "m.yaml:10: Deployment web: spec.template.spec.imagePullSecrets has name r 3 times, alike; one of them is kept"
            ])
        let ports = "ports: [{containerPort: 80}, {containerPort: 80}, {containerPort: 80, name: metrics}]"
        let errors = told(deployment(ports)).errors
        #expect(errors.count == 1 && errors[0].contains("containerPort 80/TCP twice"), "\(errors)")
    }

    @Test(arguments: [
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: m}\ndata: {a: secret words}",
            "Secret m: data.a must be base64, not other text; what is plain text goes into stringData"
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\nbinaryData: {a: '%'}",
            "binaryData.a must be base64, not other text; what is plain text goes into data"
        ),
        (
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: m}\nspec: {maxUnavailable: 0.25}",
            "not 0.25; write 25%"
        ),
        (
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: m}\n"
                + "spec: {resources: {requests: {storage: 10GB}}}",
            "must be a quantity such as 500m or 2Gi, not \"10GB\"; write 10G"
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}",
            "metadata.name must be a string, not a boolean; write it in quotes: \"y\""
        ),
    ])
    func whatIsNeverTakenIsRefusedWithWhatWouldBe(text: String, expected: String) {
        let errors = told(text).errors
        #expect(errors.count == 1 && errors[0].hasSuffix(expected), "\(errors)")
    }

    /// What is filled in by somebody else is not sent.
    @Test func anAuthorityThatIsInjectedMayBeAnything() {
        func hook(_ annotations: String) -> [String] {
            told(
                "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n"
                    + "metadata: {name: m, annotations: {\(annotations)}}\n"
                    + "webhooks: [{name: a.b.c, clientConfig: {caBundle: <here>}}]"
            ).errors
        }
        #expect(hook("cert-manager.io/inject-ca-from: a/b") == [])
        #expect(hook("").count == 1)
    }

    @Test func whatIsLeftToOthersIsToldOnceWithItsLine() {
        let warnings = told(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\n"
                + "    deployment.kubernetes.io/revision: \"3\"\n"
        ).warnings
        #expect(
            warnings == [
                "m.yaml:6: Deployment web: metadata.annotations[\"deployment.kubernetes.io/revision\"] is left to the deployment "
                    + "controller"
            ])
    }

    @Test func whatAControllerMadeIsWarnedOf() {
        func pod(_ isController: Bool) -> String {
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: d\n  ownerReferences:\n  - {apiVersion: apps/v1, kind: ReplicaSet, "
                + "name: rs, uid: x, controller: \(isController)}\n"
        }
        let (errors, warnings) = told(pod(true))
        #expect(errors == [])
        #expect(warnings.count == 1 && warnings[0].contains("it was made by ReplicaSet rs"), "\(warnings)")
        #expect(told(pod(false)).warnings == [])
    }

    @Test(arguments: [
        ("replicas: ${n}", "spec.replicas must be an integer, not a string; write \"${n:integer}\""),
        ("replicas: \"1${n}\"", "spec.replicas must be an integer, not a string"),
        ("paused: ${yes}", "spec.paused must be true or false, not a string; write \"${yes:boolean}\""),
    ])
    func aReferenceToTextInATypedFieldIsRefusedWithTheRightOne(field: String, expected: String) {
        let errors = told(deployment("tty: false", spec: field), parameters: ["n": "3", "yes": "true"]).errors
        #expect(errors == ["m.yaml:6: Deployment web: \(expected)"])
    }

    @Test func aTypedReferenceInATextIsRefusedAndOneOfTheRightTypeIsTaken() {
        let parameters = ["n": "3", "yes": "true"]
        let errors = told(deployment("env: [{name: A, value: \"${n:integer}\"}]"), parameters: parameters).errors
        #expect(errors.count == 1 && errors[0].hasSuffix("; write \"${n}\", which is text"), "\(errors)")
        for field in ["replicas: ${n:integer}", "paused: ${yes:boolean}", "replicas: \"${label.size:integer}\""] {
            let (errors, warnings) = told(deployment("tty: false", spec: field), parameters: parameters)
            #expect(errors == [] && warnings == [], "\(errors) \(warnings)")
        }
        let quantity = deployment("resources: {limits: {cpu: \"${n}\", memory: \"${region}\"}}")
        #expect(told(quantity, parameters: parameters).errors == [])
    }

    @Test func aPortThatStandsForDigitsIsWarnedOf() {
        let service =
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1, targetPort: \"${n}\"}]}\n"
        let (errors, warnings) = told(service, parameters: ["n": "8080"])
        #expect(errors == [])
        #expect(warnings.count == 1 && warnings[0].contains("write \"${n:integer}\""), "\(warnings)")
        #expect(told(service, parameters: ["n": "http"]).warnings == [])
        #expect(
            told(service.replacing("${n}", with: "8080")).warnings == [
                "m.yaml:4: Service s: spec.ports[0].targetPort is a text of digits, and a cluster takes such a text for neither a "
                    + "port nor a percentage; where the number is meant, write it without quotes: 8080"
            ])
    }

    @Test func aKeyThatIsReadAsAnotherIsNamedAsItWasWritten() {
        let errors = told("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  n: \"1\"\n  y: 5\n").errors
        #expect(
            errors == [
                "m.yaml:6: ConfigMap m: data.y must be a string, not an integer; write it in quotes: \"5\"; the key y is read as "
                    + "true, as kubectl does: where the word is meant, write \"y\""
            ])
    }
}
