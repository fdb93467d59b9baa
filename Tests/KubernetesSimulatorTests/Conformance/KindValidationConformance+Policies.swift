internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Rules of policies, rights and autoscalers.
extension KindValidationConformance {
    static let policyMistakes: [Mistake] =
        rows(
            "\(core)/resourcequotas", "spec: {",
            [
                ("hard: {pods: -1}", "spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0"),
                (
                    "hard: {apples: 1}",
                    "spec.hard[apples]: Invalid value: \"apples\": must be a standard resource for quota"
                ),
                ("scopes: [Some]", "spec.scopes: Invalid value: [\"Some\"]: unsupported scope"),
                (
                    "scopes: [BestEffort, NotBestEffort]",
                    "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes"
                ),
                (
                    "scopeSelector: {matchExpressions: [{}]}",
                    "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"\": unsupported scope"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: Terminating, operator: In, values: [a]}]}",
                    "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exist' when scope is any of"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}",
                    "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value"
                ),
                (
                    "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: Exists, values: [a]}]}",
                    "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when"
                ),
            ])
        + rows(
            "\(core)/limitranges", "spec: {",
            [
                (
                    "limits: [{type: Box}]",
                    "spec.limits[0].type: Invalid value: \"Box\": must be a standard limit type or fully qualified"
                ),
                (
                    "limits: [{type: PersistentVolumeClaim}]",
                    "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"
                ),
                (
                    "limits: [{type: Container, min: {cpu: 2}, max: {cpu: 1}}]",
                    "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1"
                ),
                (
                    "limits: [{type: Container, defaultRequest: {cpu: 2}, default: {cpu: 1}}]",
                    "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": default request value 2 is greater than default limit value 1"
                ),
                (
                    "limits: [{type: Container, default: {cpu: 2}, max: {cpu: 1}}]",
                    "spec.limits[0].default[cpu]: Invalid value: \"1\": default value 2 is greater than max value 1"
                ),
                (
                    "limits: [{type: Container, maxLimitRequestRatio: {cpu: 500m}}]",
                    "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1"
                ),
                (
                    "limits: [{type: Container, maxLimitRequestRatio: {cpu: 3}, min: {cpu: 2}, max: {cpu: 3}}]",
                    "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 1.500000"
                ),
            ])
        + rows(
            "/api/v1/namespaces", "spec: {",
            [
                (
                    "finalizers: [mine]",
                    "spec.finalizers: Invalid value: \"mine\": name is neither a standard finalizer name nor is it fully qualified"
                )
            ])
        + rows(
            "/apis/scheduling.k8s.io/v1/priorityclasses", "",
            [
                ("value: 1, preemptionPolicy: ''", "preemptionPolicy: Required value"),
                (
                    "value: 1, preemptionPolicy: Odd",
                    "preemptionPolicy: Unsupported value: \"Odd\": supported values: \"PreemptLowerPriority\", \"Never\""
                ),
            ])
        + rows(
            "/apis/node.k8s.io/v1/runtimeclasses", "",
            [
                ("handler: ''", "handler: Invalid value: \"\": a lowercase RFC 1123 label"),
                ("handler: a, overhead: {podFixed: {cpu: -1}}", "overhead.limits[cpu]: Invalid value: \"-1\""),
                ("handler: a, scheduling: {nodeSelector: {a: b c}}", "scheduling.nodeSelector: Invalid value: \"b c\""),
                (
                    "handler: a, scheduling: {tolerations: [{}]}",
                    "scheduling.tolerations.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty"
                ),
                (
                    "handler: a, scheduling: {tolerations: [{key: b}, {key: b}]}",
                    "scheduling.tolerations[1]: Duplicate value: {\"Key\":\"b\",\"Operator\":\"\",\"Value\":\"\",\"Effect\":\"\",\"TolerationSeconds\":null}"
                ),
                (
                    "handler: a, scheduling: {tolerations: [{key: b, operator: Exists, tolerationSeconds: 1}]}",
                    "scheduling.tolerations.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute'"
                ),
            ])
        + rows(
            "/apis/coordination.k8s.io/v1/namespaces/default/leases", "spec: {",
            [
                ("leaseDurationSeconds: 0", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
                (
                    "leaseTransitions: -1",
                    "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"
                ),
            ])
        + rows(
            "\(rbac)/clusterroles", "",
            [
                (
                    "aggregationRule: {}",
                    "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
                ),
                (
                    "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b c}}]}",
                    "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector."
                ),
            ])
        + rows(
            "\(core)/secrets", "",
            [
                ("type: kubernetes.io/ssh-auth, data: {ssh-privatekey: ''}", "data[ssh-privatekey]: Required value"),
                (
                    "type: kubernetes.io/dockercfg, data: {.dockercfg: ''}",
                    "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": unexpected end of JSON input"
                ),
                (
                    "type: kubernetes.io/dockercfg, data: {.dockercfg: YWI=}",
                    "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": invalid character 'a' looking for"
                ),
            ])

    private static let scaled = "spec: {maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: web}, "

    static let scaleMistakes: [Mistake] = [
        ("metrics: [{}]", "spec.metrics[0].type: Unsupported value: \"\""),
        (
            "metrics: [{type: Pods, pods: {target: {type: Value}}}]",
            "spec.metrics[0].pods.metric.name: Required value: must specify a metric name"
        ),
        (
            "metrics: [{type: Pods, pods: {}}]",
            "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue"
        ),
        (
            "metrics: [{type: Resource, resource: {name: cpu, target: {type: Odd}}}]",
            "spec.metrics[0].resource.target.type: Invalid value: \"Odd\": must be either Utilization, Value, or AverageValue"
        ),
        (
            "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]",
            "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"
        ),
        (
            "metrics: [{type: Object, object: {metric: {name: a}, target: {type: Value, value: -1}}}]",
            "spec.metrics[0].object.describedObject.kind: Required value"
        ),
        (
            "metrics: [{type: Object, object: {}}]",
            "spec.metrics[0].object.target.averageValue: Required value: must set either a target value or averageValue"
        ),
        (
            "metrics: [{type: External, external: {metric: {name: a}, target: {type: Value, value: -1}}}]",
            "spec.metrics[0].external.target.value: Invalid value: \"-1\": must be positive"
        ),
        (
            "metrics: [{type: External, external: {metric: {name: a}, target: {type: Value, value: 1, averageValue: 1}}}]",
            "spec.metrics[0].external.target.value: Forbidden: may not set both"
        ),
        (
            "metrics: [{type: Pods, pods: {}, external: {}}]",
            "spec.metrics[0].external: Forbidden: must populate the given metric source only"
        ),
        (
            "minReplicas: 0",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"
        ),
        ("behavior: {scaleUp: {selectPolicy: ''}}", "spec.behavior.scaleUp.selectPolicy: Unsupported value: \"\""),
        (
            "behavior: {scaleUp: {policies: [{value: 1, periodSeconds: 1}]}}",
            "spec.behavior.scaleUp.policies[0].type: Unsupported value: \"\": supported values: \"Percent\", \"Pods\""
        ),
        (
            "behavior: {scaleUp: {policies: [{type: Pods, periodSeconds: 1801}]}}",
            "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero"
        ),
        (
            "behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 1801}]}}",
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"
        ),
    ].map {
        Mistake(
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "{metadata: {name: x}, \(scaled)\($0.0)}}", $0.1)
    }
}
