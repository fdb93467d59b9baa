internal import FoundationEssentials
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOHTTP1
internal import Testing

@testable internal import KubernetesClient

extension BundleResult {
    fileprivate func report(_ name: String) -> BundleProgress? { objects.last { $0.reference.name == name } }
}

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

/// Kinds that a bundle brings by itself, and those of servers that are away.
@Suite(.timeLimit(.minutes(2))) struct BroughtKindTests {
    private static let clusterWide = Sample.definition.replacing("scope: Namespaced", with: "scope: Cluster")

    @Test func anObjectNotedBeforeItsKindWasKnownIsNotPrunedOnceItIs() async throws {
        try await SimulatedServer.run { server in
            let widget = Sample.widget.replacing("name: gadget", with: "name: gadget, namespace: shop")
            let early = try await server.applier().apply(try Sample.manifest(Sample.namespace + widget))
            #expect(!early.succeeded, "nobody serves the kind")
            // Somebody else brings the definition, and the kind lives outside of namespaces.
            for object in try Sample.manifest(Self.clusterWide) {
                _ = try await server.api.apply(object, ApplyOptions(fieldManager: "operator"))
            }
            let type = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
            try await server.api.poll(every: .milliseconds(20), atMost: .seconds(10), what: "the kind") {
                try await server.api.isServed(type)
            }
            let late = try await server.applier { $0.waitsForHealth = false }.apply(
                try Sample.manifest(Sample.namespace + widget))
            #expect(late.succeeded, "\(late.failures)")
            #expect(!late.objects.contains { $0.outcome == .pruned }, "\(late.objects)")
            #expect(try await server.exists("example.com/v1", "Widget", "gadget", namespace: nil))
            #expect(late.inventory.references.contains { $0.type.kind == "Widget" && $0.namespace == nil })
        }
    }

    @Test func aDefinitionWhoseObjectsCannotBeConvertedYetIsServed() async throws {
        let transport = ScriptedTransport { request, count in
            switch request.path {
            case "/api": return .json(["kind": "APIVersions", "versions": ["v1"]])
            case "/apis": return .json(["kind": "APIGroupList", "groups": []])
            case "/apis/example.com/v1":
                return .json([
                    "kind": "APIResourceList",
                    "resources": [["name": "widgets", "kind": "Widget", "namespaced": true, "verbs": ["list"]]],
                ])
            default:
                return count == 1
                    ? .failure(404, "NotFound", "the server could not find the requested resource")
                    : .failure(
                        500, "InternalError",
                        "conversion webhook for example.com/v1, Kind=Widget failed: connection refused")
            }
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let type = GroupVersionKind(group: "example.com", version: "v1", kind: "Widget")
        #expect(try await api.isServed(type) == false)
        #expect(try await api.isServed(type))
        #expect(
            transport.asked.count { $0.path == "/apis/example.com/v1/widgets" } == 2, "neither is asked again and again"
        )
    }

    @Test func oneOfSeveralServersMayNotServeAKindYet() async throws {
        let transport = ScriptedTransport { request, count in
            if let answer = ScriptedTransport.discovery(request) { return answer }
            if count < 3 { return .failure(404, "NotFound", "the server could not find the requested resource") }
            if request.method == .GET { return .failure(404, "NotFound", "configmaps \"a\" not found") }
            return .json(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"]])
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let report = try await ObjectApplier(api: api, options: options).apply(configMap("a"))
        #expect(report.outcome == .created, "\(report)")
    }

    @Test func oneOfSeveralServersMayNotKnowOfAKindYet() async throws {
        let transport = ScriptedTransport { request, count in
            switch (request.method, request.path) {
            // Asked for the second and third time, it is the one that is behind.
            case (.GET, "/api/v1") where count == 2 || count == 3:
                .json(["kind": "APIResourceList", "groupVersion": "v1", "resources": []])
            case (.GET, "/api/v1/namespaces/shop/configmaps/a"):
                count == 1
                    ? .failure(404, "NotFound", "the server could not find the requested resource")
                    : .failure(404, "NotFound", "configmaps \"a\" not found")
            case (.PATCH, _):
                .json(["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "shop"]])
            default: ScriptedTransport.discovery(request) ?? .failure(404, "NotFound", "not found")
            }
        }
        let api = KubernetesAPI(transport: transport, options: .immediate())
        let options = BundleOptions(
            fieldManager: "swell", inventoryNamespace: "default", inventoryName: "i",
            now: { KubernetesTime(seconds: 0) })
        let report = try await ObjectApplier(api: api, options: options).apply(configMap("a"))
        #expect(report.outcome == .created, "\(report)")
    }

    private static let extensionServer = """
        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1beta1.extra.example.com}
        spec:
          group: extra.example.com
          version: v1beta1
          groupPriorityMinimum: 100
          versionPriority: 100
          service: {name: extra, namespace: shop}
        ---
        apiVersion: extra.example.com/v1beta1
        kind: Extra
        metadata: {name: one}
        ---

        """

    @Test func aKindOfAnExtensionServerInTheBundleHoldsNothingElseUp() async throws {
        try await SimulatedServer.run { server in
            let text = Sample.namespace + Sample.deployment("extra") + Self.extensionServer
            for _ in 0..<2 {
                let result = try await server.applier { $0.healthTimeout = .seconds(5) }.apply(
                    try Sample.manifest(text))
                let failure = try #require(result.objects.first { $0.reference.name == "one" })
                #expect(failure.outcome == .failed && failure.isTransient, "\(result.objects)")
                #expect(failure.message.contains("APIService"), "\(failure.message)")
            }
            #expect(try await server.exists("apps/v1", "Deployment", "extra"))
            #expect(
                try await server.exists(
                    "apiregistration.k8s.io/v1", "APIService", "v1beta1.extra.example.com", namespace: nil))
        }
    }

    @Test func aWebhookIsConfiguredOnceItsPodsAnswer() async throws {
        try await SimulatedServer.run { server in
            let text =
                Sample.namespace + Sample.deployment("hook")
                    + """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: hook}
                    spec: {selector: {app: hook}, ports: [{port: 443}]}
                    ---
                    apiVersion: admissionregistration.k8s.io/v1
                    kind: MutatingWebhookConfiguration
                    metadata: {name: hook}
                    webhooks:
                    - name: pods.example.com
                      clientConfig: {service: {name: hook, namespace: shop}}
                      sideEffects: None
                      admissionReviewVersions: [v1]
                      rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
                    ---

                    """
            var ready: Int64?
            let result = try await server.applier().apply(try Sample.manifest(text)) { report in
                guard report.reference.type.kind == "MutatingWebhookConfiguration" else { return }
                ready = try? await server.live("apps/v1", "Deployment", "hook")?.status?["readyReplicas"]?.intValue
            }
            #expect(result.succeeded, "\(result.failures)")
            #expect(ready == 2)
        }
    }
}

/// What was applied before stays ours; what was only intended does not become ours by that.
@Suite(.timeLimit(.minutes(2))) struct OwnershipTests {
    private func theirs(_ server: SimulatedServer, force: Bool) async throws {
        var object = try #require(try Sample.manifest(Sample.configMap("a", "theirs")).first)
        object.namespace = "shop"
        _ = try await server.api.apply(object, ApplyOptions(fieldManager: "argocd", force: force))
    }

    @Test func anObjectThatAnotherTookOverWhollyIsTakenBackByTheNextRelease() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours")))
            try await theirs(server, force: true)
            let live = try #require(try await server.live("v1", "ConfigMap", "a"))
            #expect(!FieldLedger(live).isApplied(by: "swell"), "nothing of it is ours by its own word")
            let next = try Sample.manifest(Sample.namespace + Sample.configMap("a", "next"))
            let looked = try await server.applier().preview(next)
            #expect(looked.report("a")?.outcome == .configured, "\(looked.objects)")
            let result = try await server.applier().apply(next)
            #expect(result.report("a")?.outcome == .configured, "\(result.objects)")
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "next"])
        }
    }

    @Test func aConflictAtFirstContactIsNoLessOneTheSecondTime() async throws {
        try await SimulatedServer.run { server in
            _ = try await server.applier().apply(try Sample.manifest(Sample.namespace))
            try await theirs(server, force: false)
            let wanted = try Sample.manifest(Sample.namespace + Sample.configMap("a", "ours"))
            for _ in 0..<2 {
                let result = try await server.applier().apply(wanted)
                #expect(result.report("a")?.message.contains("argocd owns .data.key") == true, "\(result.objects)")
            }
            #expect(try await server.live("v1", "ConfigMap", "a")?["data"] == ["key": "theirs"])
        }
    }

    @Test func aFinishedJobThatIsGoneIsNotRunAgainToPutOthersChangesRight() async throws {
        try await SimulatedServer.run { server in
            let job = """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: once}
                spec:
                  ttlSecondsAfterFinished: 600
                  template: {spec: {restartPolicy: Never, containers: [{name: m, image: "m:1"}]}}
                ---

                """
            let objects = try Sample.manifest(Sample.namespace + job)
            #expect(try await server.applier().apply(objects).succeeded)
            let live = try #require(try await server.live("batch/v1", "Job", "once"))
            _ = try await server.api.delete(live.reference)
            let put = try await server.applier { $0.repeatsFinishedJobs = false }.apply(objects)
            #expect(put.report("once")?.outcome == .unchanged, "\(put.objects)")
            #expect(try await server.exists("batch/v1", "Job", "once") == false)
            // A release that wants it runs it, as kubectl would.
            let again = try await server.applier().apply(objects)
            #expect(again.report("once")?.outcome == .created, "\(again.objects)")
        }
    }

    @Test func placesOfAnInventorySurviveTheirStoredForm() throws {
        func reference(_ number: Int) -> ObjectReference {
            ObjectReference(type: configMapType, namespace: "shop", name: "c\(number)")
        }
        let all = Inventory((0..<10).map(reference))
        for part in [[], [0], [9], [0, 1, 2], [0, 2, 3, 4, 9], Array(0..<10)] {
            let inventory = Inventory(part.map(reference))
            #expect(try all.part(at: all.places(of: inventory)) == inventory)
        }
        #expect(all.places(of: Inventory([0, 2, 3, 4].map(reference))) == "0,2-4")
        for text in ["10", "3-1", "x", "1-2-3", "-1", "0-10"] {
            #expect(throws: KubernetesError.self) { try all.part(at: text) }
        }
        let role = ObjectReference(
            type: GroupVersionKind(group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole"),
            name: "system:odd|name")
        #expect(try Inventory(data: Inventory([role]).data).references == [role])
    }
}
