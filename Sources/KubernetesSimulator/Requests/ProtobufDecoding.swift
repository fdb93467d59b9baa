internal import KubernetesObjects

/// Reads the protobuf form in which kubectl's `create` subcommands send built-in objects.
///
/// Only what those commands send is known; anything else is refused as an unknown format, never half read.
struct ProtobufDecoding {
    /// The bytes that every such body begins with.
    static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    struct Unreadable: Error {}

    /// How a field is written.
    private indirect enum Form: Sendable {
        case text, bytes, flag, integer, intOrText, quantity
        /// A number that says nothing when it is zero.
        case count
        case message(String)
        case list(Form)
        case map(Form)
        /// What the server sets itself.
        case skipped
    }

    private struct Field: Sendable {
        var name: String
        var form: Form
    }

    /// An object from a whole body.
    static func object(from body: [UInt8]) throws -> JSONValue {
        guard body.starts(with: magic) else { throw Unreadable() }
        var reader = Reader(bytes: body[magic.count...])
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []
        while let (number, value) = try reader.next() {
            guard case .bytes(let bytes) = value else { continue }
            if number == 1 {
                var inner = Reader(bytes: bytes)
                while let (number, value) = try inner.next() {
                    guard case .bytes(let text) = value else { continue }
                    if number == 1 { apiVersion = String(decoding: text, as: UTF8.self) }
                    if number == 2 { kind = String(decoding: text, as: UTF8.self) }
                }
            } else if number == 2 {
                raw = bytes
            }
        }
        // Versions of a kind that differ have a line each, by apiVersion and kind.
        var object = try message(messages["\(apiVersion)/\(kind)"] == nil ? kind : "\(apiVersion)/\(kind)", raw)
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(kind)
        return object
    }

    private static func message(_ type: String, _ bytes: ArraySlice<UInt8>) throws -> JSONValue {
        guard let fields = messages[type] else { throw Unreadable() }
        var reader = Reader(bytes: bytes)
        var result: [String: JSONValue] = [:]
        // Gathered beside the result: taking a list out of it for every item would copy the list each time.
        var lists: [String: [JSONValue]] = [:]
        var maps: [String: [String: JSONValue]] = [:]
        while let (number, value) = try reader.next() {
            guard let field = fields[number] else { throw Unreadable() }
            switch field.form {
            case .skipped: break
            case .list(let item):
                let element = try read(value, item) ?? ""
                lists[field.name, default: []].append(element)
            case .map(let item):
                guard case .bytes(let entry) = value else { throw Unreadable() }
                let (key, element) = try pair(entry, item)
                maps[field.name, default: [:]][key] = element
            default:
                guard let member = try read(value, field.form), member != "" else { continue }
                if field.name == "^" {
                    result.merge(member.objectValue ?? [:]) { $1 }
                } else {
                    result[field.name] = member
                }
            }
        }
        for (name, list) in lists { result[name] = .array(list) }
        for (name, map) in maps { result[name] = .object(map) }
        return .object(result)
    }

    private static func pair(_ bytes: ArraySlice<UInt8>, _ form: Form) throws -> (String, JSONValue) {
        var reader = Reader(bytes: bytes)
        var key = ""
        var element: JSONValue = ""
        while let (number, value) = try reader.next() {
            if number == 1, case .bytes(let text) = value { key = String(decoding: text, as: UTF8.self) }
            if number == 2 { element = try read(value, form) ?? "" }
        }
        return (key, element)
    }

    private static func read(_ value: Reader.Value, _ form: Form) throws -> JSONValue? {
        switch (form, value) {
        case (.text, .bytes(let bytes)): return .string(String(decoding: bytes, as: UTF8.self))
        case (.bytes, .bytes(let bytes)): return .string(Base64.encode(Array(bytes)))
        case (.flag, .number(let number)): return .bool(number != 0)
        case (.integer, .number(let number)): return .integer(Int64(bitPattern: number))
        case (.count, .number(let number)): return number == 0 ? nil : .integer(Int64(bitPattern: number))
        case (.message(let type), .bytes(let bytes)): return try message(type, bytes)
        case (.quantity, .bytes(let bytes)): return try message("Quantity", bytes)["string"]
        case (.intOrText, .bytes(let bytes)):
            let parts = try message("IntOrString", bytes)
            if parts["type"] == 1 { return parts["text"] }
            return parts["number"].flatMap { $0 == 0 ? nil : $0 }
        default: throw Unreadable()
        }
    }

    /// The wire format's tags and values.
    private struct Reader {
        enum Value {
            case number(UInt64)
            case bytes(ArraySlice<UInt8>)
        }

        var bytes: ArraySlice<UInt8>

        mutating func next() throws -> (Int, Value)? {
            if bytes.isEmpty { return nil }
            let tag = try varint()
            switch tag & 7 {
            case 0: return (Int(tag >> 3), .number(try varint()))
            case 2:
                let length = try varint()
                guard length <= UInt64(bytes.count) else { throw Unreadable() }
                let content = bytes.prefix(Int(length))
                bytes = bytes.dropFirst(Int(length))
                return (Int(tag >> 3), .bytes(content))
            default: throw Unreadable()
            }
        }

        private mutating func varint() throws -> UInt64 {
            var result: UInt64 = 0
            for shift in stride(from: 0, to: 64, by: 7) {
                guard let byte = bytes.popFirst() else { throw Unreadable() }
                result |= UInt64(byte & 127) << UInt64(shift)
                if byte & 128 == 0 { return result }
            }
            throw Unreadable()
        }
    }

    // MARK: The messages

    private static let messages: [String: [Int: Field]] = {
        var result: [String: [Int: Field]] = [:]
        for line in layout.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            var fields: [Int: Field] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 3, let number = Int(parts[0]) else { continue }
                fields[number] = Field(name: parts[1], form: form(parts[2]))
            }
            if let name = words.first { result[name] = fields }
        }
        return result
    }()

    private static func form(_ text: String) -> Form {
        switch text {
        case "s": return .text
        case "y": return .bytes
        case "b": return .flag
        case "i": return .integer
        case "n": return .count
        case "x": return .intOrText
        case "q": return .quantity
        case "-": return .skipped
        default: break
        }
        let inner = String(text.dropFirst().dropLast())
        if text.hasPrefix("[") { return .list(form(inner)) }
        if text.hasPrefix("{") { return .map(form(inner)) }
        return .message(text)
    }

    /// A message a line: its name, then number:field:form.
    ///
    /// Forms: s text, y bytes, b flag, i integer, n count, x number or text, q quantity, - skipped, [] list, {} map. The
    /// members of a field named ^ stand beside it.
    private static let layout = """
        Quantity 1:string:s
        IntOrString 1:type:i 2:number:i 3:text:s
        ObjectMeta 1:name:s 2:generateName:s 3:namespace:s 4:selfLink:- 5:uid:s 6:resourceVersion:s 7:generation:- 8:creationTimestamp:- 9:deletionTimestamp:- 10:deletionGracePeriodSeconds:- 11:labels:{s} 12:annotations:{s} 13:ownerReferences:[OwnerReference] 14:finalizers:[s] 17:managedFields:-
        OwnerReference 1:kind:s 3:name:s 4:uid:s 5:apiVersion:s 6:controller:b 7:blockOwnerDeletion:b
        ConfigMap 1:metadata:ObjectMeta 2:data:{s} 3:binaryData:{y} 4:immutable:b
        Secret 1:metadata:ObjectMeta 2:data:{y} 3:type:s 4:stringData:{s} 5:immutable:b
        Namespace 1:metadata:ObjectMeta 2:spec:- 3:status:-
        ServiceAccount 1:metadata:ObjectMeta 2:secrets:- 3:imagePullSecrets:[LocalObjectReference] 4:automountServiceAccountToken:b
        LocalObjectReference 1:name:s
        Service 1:metadata:ObjectMeta 2:spec:ServiceSpec 3:status:-
        ServiceSpec 1:ports:[ServicePort] 2:selector:{s} 3:clusterIP:s 4:type:s 5:externalIPs:[s] 7:sessionAffinity:s 8:loadBalancerIP:s 9:loadBalancerSourceRanges:[s] 10:externalName:s 11:externalTrafficPolicy:s 12:healthCheckNodePort:n 13:publishNotReadyAddresses:b
        ServicePort 1:name:s 2:protocol:s 3:port:n 4:targetPort:x 5:nodePort:n 6:appProtocol:s
        Role 1:metadata:ObjectMeta 2:rules:[PolicyRule]
        ClusterRole 1:metadata:ObjectMeta 2:rules:[PolicyRule]
        PolicyRule 1:verbs:[s] 2:apiGroups:[s] 3:resources:[s] 4:resourceNames:[s] 5:nonResourceURLs:[s]
        RoleBinding 1:metadata:ObjectMeta 2:subjects:[Subject] 3:roleRef:RoleRef
        ClusterRoleBinding 1:metadata:ObjectMeta 2:subjects:[Subject] 3:roleRef:RoleRef
        Subject 1:kind:s 2:apiGroup:s 3:name:s 4:namespace:s
        RoleRef 1:apiGroup:s 2:kind:s 3:name:s
        Deployment 1:metadata:ObjectMeta 2:spec:DeploymentSpec 3:status:-
        DeploymentSpec 1:replicas:i 2:selector:LabelSelector 3:template:PodTemplateSpec 4:strategy:DeploymentStrategy 5:minReadySeconds:n 6:revisionHistoryLimit:i 7:paused:b 9:progressDeadlineSeconds:i
        DeploymentStrategy 1:type:s
        LabelSelector 1:matchLabels:{s} 2:matchExpressions:[LabelSelectorRequirement]
        LabelSelectorRequirement 1:key:s 2:operator:s 3:values:[s]
        PodTemplateSpec 1:metadata:ObjectMeta 2:spec:PodSpec
        PodSpec 2:containers:[Container] 3:restartPolicy:s 4:terminationGracePeriodSeconds:i 5:activeDeadlineSeconds:i 6:dnsPolicy:s 7:nodeSelector:{s} 8:serviceAccountName:s 9:serviceAccount:s 10:nodeName:s 11:hostNetwork:b 12:hostPID:b 13:hostIPC:b 14:securityContext:Empty 16:hostname:s 17:subdomain:s 19:schedulerName:s 24:priorityClassName:s
        Empty
        Container 1:name:s 2:image:s 3:command:[s] 4:args:[s] 5:workingDir:s 6:ports:[ContainerPort] 7:env:[EnvVar] 8:resources:ResourceRequirements 13:terminationMessagePath:s 14:imagePullPolicy:s 16:stdin:b 17:stdinOnce:b 18:tty:b 20:terminationMessagePolicy:s
        ContainerPort 1:name:s 2:hostPort:n 3:containerPort:n 4:protocol:s 5:hostIP:s
        EnvVar 1:name:s 2:value:s
        ResourceRequirements 1:limits:{q} 2:requests:{q}
        Job 1:metadata:ObjectMeta 2:spec:JobSpec 3:status:-
        JobSpec 1:parallelism:i 2:completions:i 3:activeDeadlineSeconds:i 4:selector:LabelSelector 5:manualSelector:b 6:template:PodTemplateSpec 7:backoffLimit:i 8:ttlSecondsAfterFinished:i
        CronJob 1:metadata:ObjectMeta 2:spec:CronJobSpec 3:status:-
        CronJobSpec 1:schedule:s 2:startingDeadlineSeconds:i 3:concurrencyPolicy:s 4:suspend:b 5:jobTemplate:JobTemplateSpec 6:successfulJobsHistoryLimit:i 7:failedJobsHistoryLimit:i 8:timeZone:s
        JobTemplateSpec 1:metadata:ObjectMeta 2:spec:JobSpec
        ResourceQuota 1:metadata:ObjectMeta 2:spec:ResourceQuotaSpec 3:status:-
        ResourceQuotaSpec 1:hard:{q} 2:scopes:[s]
        PodDisruptionBudget 1:metadata:ObjectMeta 2:spec:PodDisruptionBudgetSpec 3:status:-
        PodDisruptionBudgetSpec 1:minAvailable:x 2:selector:LabelSelector 3:maxUnavailable:x 4:unhealthyPodEvictionPolicy:s
        PriorityClass 1:metadata:ObjectMeta 2:value:i 3:globalDefault:b 4:description:s 5:preemptionPolicy:s
        Ingress 1:metadata:ObjectMeta 2:spec:IngressSpec 3:status:-
        IngressSpec 1:defaultBackend:IngressBackend 2:tls:[IngressTLS] 3:rules:[IngressRule] 4:ingressClassName:s
        IngressBackend 4:service:IngressServiceBackend
        IngressServiceBackend 1:name:s 2:port:ServiceBackendPort
        ServiceBackendPort 1:name:s 2:number:n
        IngressTLS 1:hosts:[s] 2:secretName:s
        IngressRule 1:host:s 2:^:IngressRuleValue
        IngressRuleValue 1:http:HTTPIngressRuleValue
        HTTPIngressRuleValue 1:paths:[HTTPIngressPath]
        HTTPIngressPath 1:path:s 2:backend:IngressBackend 3:pathType:s
        autoscaling/v1/HorizontalPodAutoscaler 1:metadata:ObjectMeta 2:spec:V1AutoscalerSpec 3:status:-
        V1AutoscalerSpec 1:scaleTargetRef:CrossVersionObjectReference 2:minReplicas:i 3:maxReplicas:i 4:targetCPUUtilizationPercentage:i
        autoscaling/v2/HorizontalPodAutoscaler 1:metadata:ObjectMeta 2:spec:V2AutoscalerSpec 3:status:-
        V2AutoscalerSpec 1:scaleTargetRef:CrossVersionObjectReference 2:minReplicas:i 3:maxReplicas:i 4:metrics:[MetricSpec]
        CrossVersionObjectReference 1:kind:s 2:name:s 3:apiVersion:s
        MetricSpec 1:type:s 4:resource:ResourceMetricSource
        ResourceMetricSource 1:name:s 2:target:MetricTarget
        MetricTarget 1:type:s 2:value:q 3:averageValue:q 4:averageUtilization:i
        TokenRequest 1:metadata:ObjectMeta 2:spec:TokenRequestSpec 3:status:-
        TokenRequestSpec 1:audiences:[s] 3:boundObjectRef:BoundObjectReference 4:expirationSeconds:i
        BoundObjectReference 1:kind:s 2:apiVersion:s 3:name:s 4:uid:s
        SelfSubjectAccessReview 1:metadata:ObjectMeta 2:spec:SelfSubjectAccessReviewSpec 3:status:-
        SelfSubjectAccessReviewSpec 1:resourceAttributes:ResourceAttributes 2:nonResourceAttributes:NonResourceAttributes
        ResourceAttributes 1:namespace:s 2:verb:s 3:group:s 4:version:s 5:resource:s 6:subresource:s 7:name:s
        NonResourceAttributes 1:path:s 2:verb:s
        SelfSubjectRulesReview 1:metadata:ObjectMeta 2:spec:SelfSubjectRulesReviewSpec 3:status:-
        SelfSubjectRulesReviewSpec 1:namespace:s
        SelfSubjectReview 1:metadata:ObjectMeta 2:status:-
        """
}
