internal import KubernetesObjects
internal import Testing

@Suite struct FieldTypeTests {
    private func findings(_ text: String) throws -> [String] {
        let node = try YAMLReader.document(in: text).root
        return FieldTypes.findings(in: try KubernetesObject(json: node.json)).map {
            "\($0.path) \($0.expected)/\($0.found)" + ($0.lacksQuotes ? " +" : "") + ($0.hasQuotes ? " -" : "")
                + ($0.instead.map { " =\($0)" } ?? "")
        }
    }

    @Test(
        arguments: [
            (
                "apiVersion: v1\nkind: ConfigMap\ndata: {a: 1, b: true, c: '1', d: null}",
                [
                    "data.a a string/an integer +", "data.b a string/a boolean +",
                ]
            ),
            ("apiVersion: v1\nkind: Secret\nstringData: {a: 1.5}", ["stringData.a a string/a number +"]),
            (
                "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: '3', paused: 'yes'}",
                [
                    "spec.paused true or false/a string -", "spec.replicas an integer/a string -",
                ]
            ),
            (
                "apiVersion: v1\nkind: Service\nspec: {ports: [{port: web, targetPort: web}, {port: 1, targetPort: 2}]}",
                [
                    "spec.ports[0].port an integer/a string"
                ]
            ),
            ("apiVersion: v1\nkind: Pod\nspec: {containers: {name: a}}", ["spec.containers a list/a mapping"]),
            ("apiVersion: v1\nkind: Pod\nspec: {nodeSelector: [a]}", ["spec.nodeSelector a mapping/a list"]),
            (
                "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {resources: {requests: {storage: 512MB}}}",
                ["spec.resources.requests.storage a quantity such as 500m or 2Gi/\"512MB\" =512M"]
            ),
            (
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {minAvailable: 0.5, maxUnavailable: true}",
                [
                    "spec.maxUnavailable an integer, or a text such as 25% or http/a boolean",
                    "spec.minAvailable an integer, or a text such as 25% or http/0.5 =50%",
                ]
            ),
            (
                "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3000000000, template: {spec: {containers: [{livenessProbe: "
                    + "{tcpSocket: {port: 99999999999}}}], terminationGracePeriodSeconds: 3000000000}}}",
                [
                    "spec.replicas an integer from -2147483648 to 2147483647/3000000000",
                    "spec.template.spec.containers[0].livenessProbe.tcpSocket.port an integer from -2147483648 to 2147483647/99999999999",
                ]
            ),
            (
                "apiVersion: v1\nkind: ConfigMap\nbinaryData: {a: '%', b: YQ, c: YQ=, d: YQ==, e: '', f: \"YW\\nI=\\n\", g: a-_a}",
                ["a", "b", "c", "g"].map { "binaryData.\($0) base64/other text" }
            ),
            (
                "apiVersion: v1\nkind: Secret\ndata: {a: plain text, b: 1234}",
                [
                    "data.a base64/other text", "data.b base64/an integer",
                ]
            ),
            (
                "apiVersion: example.com/v1\nkind: Any\nmetadata: {name: x, finalizers: a, generation: x, ownerReferences: [{name: 1}]}",
                [
                    "metadata.finalizers a list/a string", "metadata.generation an integer/a string",
                    "metadata.ownerReferences[0].name a string/an integer +",
                ]
            ),
            (
                "apiVersion: v1\nkind: Service\nspec: {ports: [{port: 1, targetPort: '8080'}]}",
                ["spec.ports[0].targetPort an integer, or a text such as 25% or http/a string -"]
            ),
        ] as [(String, [String])])
    func findsWhatAServerWouldNotTake(text: String, expected: [String]) throws {
        #expect(try findings(text) == expected)
    }

    /// Quantities and ports may be text or number, and of what the table lacks nothing is known.
    @Test(arguments: [
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 0.5}}}]}",
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {minAvailable: 50%}",
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {minAvailable: 1}",
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec: {behavior: {scaleUp: {tolerance: 0.05}}}",
        "apiVersion: example.com/v1\nkind: Deployment\nspec: {replicas: many}",
        "apiVersion: apps/v1beta1\nkind: Deployment\nspec: {replicas: many}",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {later: 1, replicas: null}\nstatus: {replicas: x}",
    ])
    func takesWhatAServerTakes(text: String) throws { #expect(try findings(text) == []) }

    @Test func aToleranceOfScalingIsAQuantity() throws {
        for tolerance in ["0.05", "0.0", "'0.05'", "50m", "1"] {
            #expect(
                try findings(
                    "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
                        + "spec: {behavior: {scaleUp: {tolerance: \(tolerance)}, scaleDown: {tolerance: 0.1}}}") == [])
        }
    }

    @Test func knowsQuantitiesFromOtherTexts() throws {
        func claim(_ text: String) throws -> [String] {
            try findings(
                "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: {resources: {requests: {storage: \"\(text)\"}}}")
        }
        for text in [
            "1", "0", "1.5Gi", ".5", "5.", "+1", "-1", "1e3", "1E", "1E-3", "12e+6", "100n", "1u", "1m", "1k", " 1Gi ",
        ] {
            #expect(try claim(text) == [], "\(text)")
        }
        for text in ["", "512MB", "1 Gi", "500 m", "10GB", "1gi", "1K", "1e", "Gi", "1KI", "0x10", "1-2", "1.2.3"] {
            #expect(try claim(text).count == 1, "\(text)")
        }
    }

    @Test func collectsFieldsThatTheTableLacks() throws {
        func unknown(_ text: String) throws -> [String] {
            FieldTypes.unknownFields(in: try KubernetesObject(json: try YAMLReader.document(in: text).root.json)).map {
                "\($0.parent) \($0.field)"
            }
        }
        #expect(
            try unknown(
                "apiVersion: v1\nkind: Pod\nmetadata: {lables: {a: b}, labels: {b: c}}\n"
                    + "spec: {containers: [{imagePullpolicy: Always, resources: {limits: {any: 1}}}]}\nstatus: {x: 1}")
                == ["metadata lables", "spec.containers[0] imagePullpolicy"])
        #expect(try unknown("apiVersion: example.com/v1\nkind: Pod\nx: 1") == [])
        #expect(try unknown("apiVersion: example.com/v1\nkind: Pod\nmetadata: {lables: {}}") == ["metadata lables"])
    }

    @Test(arguments: [
        (
            "spec: {containers: [{name: a, env: [{name: A}, {name: B}, {name: A}]}]}",
            "spec.containers[0].env name A 0 2"
        ),
        (
            "spec: {containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]}]}",
            "spec.containers[0].ports containerPort 1/TCP 0 1"
        ),
        ("spec: {hostAliases: [{ip: a}, {ip: a}]}", "spec.hostAliases ip a 0 1"),
        ("spec: {containers: [{name: a}, {name: a}]}", "spec.containers name a 0 1"),
        ("metadata: {name: a, finalizers: [a/b, a/b]}", "metadata.finalizers a/b 0 1"),
        ("spec: {containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 1, protocol: UDP}]}]}", nil),
        ("spec: {tolerations: [{key: a}, {key: a}], containers: [{name: a, args: [a, a]}]}", nil),
        ("spec: {imagePullSecrets: [{}, {}]}", nil),
    ])
    func findsWhatAListHasTwice(text: String, expected: String?) throws {
        let json = try YAMLReader.document(in: "apiVersion: v1\nkind: Pod\n\(text)").root.json
        let found = FieldTypes.examine(try KubernetesObject(json: json)).repetitions.map {
            "\($0.list) \($0.key) \($0.former) \($0.index)"
        }
        #expect(found == (expected.map { [$0] } ?? []))
    }

    @Test func saysWhatAQuantityWasMeantToBe() throws {
        for (text, meant) in [
            ("10GB", "10G"), ("1 Gi", "1Gi"), ("500 m", "500m"), ("1GiB", "1Gi"), ("1 gi", nil), ("1Gi\n", "1Gi"),
            ("\t1", "1"),
        ] {
            let object = try KubernetesObject(json: [
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "spec": ["resources": ["requests": ["storage": .string(text)]]],
            ])
            #expect(FieldTypes.findings(in: object).map(\.instead) == [meant], "\(text)")
        }
    }

    @Test func boundsWhatItTells() throws {
        let data = (0..<100).map { "a\($0): 1" }.joined(separator: ", ")
        #expect(try findings("apiVersion: v1\nkind: ConfigMap\ndata: {\(data)}").count == FieldTypes.maximumFindings)
    }

    @Test(
        arguments: [
            ("spec.replica", "replica"), ("spec.template.spec.container[0].image", "container"),
            ("status.readyReplica", "readyReplica"), ("spec.replicas", nil), ("metadata.labels.anything", nil),
            ("spec.template.spec.containers[0].resources.limits.cpu", nil), ("status.conditions[0].status", nil),
        ] as [(String, String?)])
    func knowsWhichFieldsThereAre(path: String, expected: String?) throws {
        let unknown = FieldTypes.unknownField(
            on: try FieldPath(parsing: path), apiVersion: "apps/v1", kind: "Deployment")
        #expect(unknown?.field == expected)
    }

    @Test func anExpressionNamesItsFieldsAndThoseThatAreMissing() throws {
        let expression = try FieldExpression(
            parsing: "status.phase == 'Ready' && status.conditions[type=Ready].status == 'True' || !spec.off")
        #expect(
            expression.fields.map(\.text) == ["status.phase", "status.conditions[type=Ready].status", "spec.off"])
        #expect(
            expression.missingFields(in: ["status": ["phase": "Ready"]]) == [
                "status.conditions[type=Ready].status", "spec.off",
            ])
    }
}

@Suite struct JSONStreamTests {
    @Test(arguments: [
        ("{\"a\": 1}\n{\"a\": 2}\n", [1, 2]), ("{\"a\": \"}{\\\"\"} {\"b\": 1}{\"c\":\n1}", [1, 2, 3]),
        ("  {\n \"a\": 1}\n\n  {\"a\": 2}", [1, 4]), ("{a: 1}", [1]), ("{a: 1}\n---\n{b: 2}", [1, 3]),
    ])
    func objectsMayFollowEachOther(text: String, lines: [Int]) throws {
        #expect(try YAMLReader.documents(in: text).map(\.root.line) == lines)
    }

    @Test(arguments: ["{\"a\": 1}\n{\"a\": 2", "{\"a\": 1},\n{\"a\": 2}", "{\"a\": 1}}\n{}"])
    func whatIsNoStreamIsRefusedAsBefore(text: String) {
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.documents(in: text) }
    }

    @Test func keysThatAreReadAsOthersAreKnown() throws {
        let entries = try YAMLReader.document(in: "{on: 1, 'y': 2, 0x10: 3, 8080: 4, web: 5}").root.entries ?? []
        #expect(entries.map(\.key) == ["true", "y", "16", "8080", "web"])
        #expect(entries.map(\.written) == ["on", nil, "0x10", nil, nil])
    }
}
