internal import FoundationEssentials
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

/// What manifests of well-known applications hold that a naive applier trips over.
@Suite(.timeLimit(.minutes(2))) struct WellKnownManifestTests {
    /// Applies twice; the second time nothing may be left to do.
    private func settles(_ text: String, _ server: SimulatedServer) async throws {
        let objects = try Sample.manifest(Sample.namespace + text)
        let applier = server.applier { $0.waitsForHealth = false }
        let first = try await applier.apply(objects)
        #expect(first.succeeded, "\(first.failures)")
        // Nothing is remembered by another client.
        let second = try await applier.apply(objects)
        #expect(
            second.objects.allSatisfy { $0.outcome == .unchanged }, "\(second.objects.map { "\($0) \($0.changes)" })")
        let looked = try await applier.preview(objects)
        #expect(
            looked.objects.allSatisfy { $0.outcome == .unchanged }, "\(looked.objects.map { "\($0) \($0.changes)" })")
    }

    @Test func emptyValuesAndServerFieldsInManifestsAreNoDrift() async throws {
        try await SimulatedServer.run { server in
            try await settles(
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: web
                  creationTimestamp: null
                  resourceVersion: "17"
                  uid: 0d2c0c5e-0000-0000-0000-000000000000
                  generation: 4
                  annotations: null
                  labels: {}
                spec:
                  replicas: 1
                  strategy: {}
                  selector: {matchLabels: {app: web}}
                  template:
                    metadata: {creationTimestamp: null, labels: {app: web}}
                    spec:
                      securityContext: {}
                      nodeSelector: null
                      tolerations: []
                      containers:
                      - name: app
                        image: app:1
                        command: []
                        env: null
                        resources: {}
                        securityContext: {capabilities: {}}
                      volumes: [{name: tmp, emptyDir: }]
                status: {replicas: 3, conditions: []}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: empty}
                data: {}
                ---
                apiVersion: v1
                kind: ServiceAccount
                metadata: {name: robot, creationTimestamp: null}
                imagePullSecrets: []
                secrets: null
                ---

                """, server)
        }
    }

    @Test func quantitiesPortsAndNumbersAsTheServerWritesThemAreNoDrift() async throws {
        try await SimulatedServer.run { server in
            try await settles(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: dns}
                spec:
                  selector: {app: dns}
                  ports:
                  - {name: dns, port: 53, protocol: UDP, targetPort: dns}
                  - {name: dns-tcp, port: 53, targetPort: 1053}
                ---
                apiVersion: apps/v1
                kind: DaemonSet
                metadata: {name: dns}
                spec:
                  selector: {matchLabels: {app: dns}}
                  updateStrategy: {rollingUpdate: {maxUnavailable: 10%}}
                  template:
                    metadata: {labels: {app: dns}}
                    spec:
                      containers:
                      - name: dns
                        image: dns:1
                        ports: [{containerPort: 53, protocol: UDP, name: dns}, {containerPort: 53, name: dns-tcp}]
                        resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: 2.5, memory: 2e9}}
                        livenessProbe: {httpGet: {path: /, port: 8080}}
                        readinessProbe: {tcpSocket: {port: dns-tcp}}
                ---

                """, server)
        }
    }

    @Test func anEnvironmentVariableThatIsThereTwiceIsToldAsTheServerTellsIt() async throws {
        try await SimulatedServer.run { server in
            let twice = Sample.deployment("web").replacing(
                "image: \"app:1\"", with: "image: \"app:1\", env: [{name: A, value: x}, {name: A, value: y}]")
            let result = try await server.applier().apply(try Sample.manifest(Sample.namespace + twice))
            let message = result.report("web")?.message ?? ""
            #expect(
                message.contains("spec.template.spec.containers[name=\"app\"].env: duplicate entries"), "\(message)")
            #expect(result.report("web")?.isTransient == false)
        }
    }

    @Test func aDefinitionLargerThanAnAnnotationMayBeIsApplied() async throws {
        try await SimulatedServer.run { server in
            let words = String(repeating: "What this field is for, at length. ", count: 10)
            let properties = (0..<1000).map { "field\($0): {type: string, description: \"\(words)\"}" }
            let large = Sample.definition.replacing(
                "{size: {type: integer}}", with: "{size: {type: integer}, \(properties.joined(separator: ", "))}")
            #expect(large.utf8.count > 300_000)
            try await settles(large + Sample.widget, server)
        }
    }

    @Test func keysOfClearTextThatAReleaseDropsAreGone() async throws {
        try await SimulatedServer.run { server in
            func secret(_ fields: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace + "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n\(fields)\n---\n")
            }
            _ = try await server.applier().apply(try secret("stringData: {user: me, password: \"hunter2\"}"))
            let second = try await server.applier().apply(try secret("stringData: {user: me}\ndata: {more: eA==}"))
            #expect(second.succeeded, "\(second.failures)")
            #expect(try await server.live("v1", "Secret", "login")?["data"] == ["user": "bWU=", "more": "eA=="])
            let third = try await server.applier().apply(try secret("stringData: {user: me}\ndata: {more: eA==}"))
            #expect(third.objects.allSatisfy { $0.outcome == .unchanged }, "\(third.objects)")
        }
    }

    @Test func aFailureDoesNotQuoteASecretsValues() async throws {
        try await SimulatedServer.run { server in
            let secrets = try Sample.manifest(
                """
                apiVersion: v1
                kind: Secret
                metadata: {name: broken}
                stringData: {pin: 48151623}
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: odd}
                dat: {password: hunter2hunter2}
                data: {password: hunter2hunter2}
                ---

                """)
            let result = try await server.applier { $0.stopsAtFailure = false }.apply(
                try Sample.manifest(Sample.namespace) + secrets)
            #expect(result.failures.count == 2, "\(result.objects)")
            let told = "\(result.objects)"
            #expect(!told.contains("48151623") && !told.contains("hunter2hunter2"), "\(told)")
        }
        // In the words of a real server, which names Go's value.
        let object = try Sample.manifest(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pin: 481, code: 48151623}\n")[0]
        let text = ".stringData.pin: expected string, got &value.valueUnstructured{Value:481} and 48151623"
        #expect(
            SecretMask.hidingValues(of: object, in: text)
                == ".stringData.pin: expected string, got &value.valueUnstructured{<hidden> and <hidden>")
    }

    @Test(arguments: ["", "Cg=="]) func anAuthorityThatSomebodyInjectsIsLeftToThem(placeholder: String) async throws {
        let text = """
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: {name: validator}
            webhooks:
            - name: rev.validation.example.com
              clientConfig: {caBundle: "\(placeholder)", service: {name: validator, namespace: shop, path: /validate}}
              sideEffects: None
              admissionReviewVersions: [v1]
              failurePolicy: Ignore
              rules: [{operations: [CREATE], apiGroups: [example.com], apiVersions: ["*"], resources: ["*"]}]
            ---

            """
        try await SimulatedServer.run { server in
            let objects = try Sample.manifest(Sample.namespace + text)
            _ = try await server.applier().apply(objects)
            let live = try #require(
                try await server.live(
                    "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validator", namespace: nil))
            let injected = try JSONPatch(json: [
                ["op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "c2VjcmV0"]
            ])
            _ = try await server.api.patch(live.reference, .json(injected), fieldManager: "pilot-discovery")
            let second = try await server.applier().apply(objects)
            #expect(second.objects.allSatisfy { $0.outcome == .unchanged }, "\(second.objects.map(\.changes))")
            let after = try await server.live(
                "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validator", namespace: nil)
            #expect(after?["webhooks"]?[0]?["clientConfig"]?["caBundle"] == "c2VjcmV0")
        }
    }

    @Test func anAuthorityThatTheManifestGivesIsSent() throws {
        func sent(_ json: JSONValue) throws -> JSONValue { ManifestForm.applied(try KubernetesObject(json: json)).json }
        let service: JSONValue = [
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": ["name": "v1.x"],
            "spec": ["group": "x", "caBundle": "c2VjcmV0"],
        ]
        #expect(try sent(service) == service)
        var empty = service
        try empty.set("Cg==", at: ["spec", "caBundle"])
        #expect(try sent(empty)["spec"] == ["group": "x"])
        let definition: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "x"],
            "spec": ["conversion": ["webhook": ["clientConfig": ["caBundle": "", "url": "https://x"]]]],
        ]
        #expect(
            try sent(definition)["spec"] == ["conversion": ["webhook": ["clientConfig": ["url": "https://x"]]]])
        // Of other kinds it is a field like any other.
        let other: JSONValue = ["apiVersion": "x.io/v1", "kind": "Hook", "spec": ["caBundle": ""]]
        #expect(try sent(other) == other)
    }

    @Test func finalizersAndOwnersOfAManifestAreKeptToIt() async throws {
        try await SimulatedServer.run { server in
            func objects(_ finalizers: String) throws -> [KubernetesObject] {
                try Sample.manifest(
                    Sample.namespace
                        + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, finalizers: [\(finalizers)]}\n---\n")
            }
            _ = try await server.applier().apply(try objects(""))
            let live = try #require(try await server.live("v1", "ConfigMap", "a"))
            _ = try await server.api.patch(
                live.reference, .merge(["metadata": ["finalizers": ["theirs.example.com/x"]]]), fieldManager: "theirs")
            let second = try await server.applier().apply(try objects("ours.example.com/x"))
            #expect(second.report("a")?.outcome == .configured, "\(second.objects)")
            let both = try await server.live("v1", "ConfigMap", "a")?.finalizers.sorted()
            #expect(both == ["ours.example.com/x", "theirs.example.com/x"])
            let third = try await server.applier().apply(try objects(""))
            #expect(third.report("a")?.outcome == .configured, "\(third.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?.finalizers == ["theirs.example.com/x"])
        }
    }

    @Test func whatTheServerWarnsOfIsTold() async throws {
        try await SimulatedServer.run { server in
            let text = """
                apiVersion: v1
                kind: Endpoints
                metadata: {name: outside}
                subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]
                ---

                """
            let objects = try Sample.manifest(Sample.namespace + Sample.configMap("a") + text)
            let warning = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
            let looked = try await server.applier { $0.defaultNamespace = "default" }.preview(try Sample.manifest(text))
            #expect(looked.report("outside")?.warnings == [warning])
            let result = try await server.applier().apply(objects)
            #expect(result.report("outside")?.warnings == [warning])
            #expect(result.report("a")?.warnings.isEmpty == true)
        }
    }

    @Test(arguments: [
        ("299 - \"a \\\"b\\\" c\"", "a \"b\" c"), ("299 kube \"x\" \"Wed, 21 Oct 2015 07:28:00 GMT\"", "x"),
        ("199 - \"x\"", nil),
        ("299 - \"x", nil), ("", nil),
    ])
    func readsWarnings(header: String, text: String?) {
        #expect(ServerWarnings.text(of: header) == text)
    }
}
