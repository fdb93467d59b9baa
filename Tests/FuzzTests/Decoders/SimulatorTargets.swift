internal import KubernetesObjects

@testable internal import KubernetesSimulator

/// What clients send to a simulated API server.
enum SimulatorTargets {
    static let all = [
        protobuf, selectors, fieldSets, quantities, schemas, rules, strategicPatch, serverSideApply, orders,
    ]

    static let protobuf = FuzzTarget(
        name: "protobuf", words: ["k8s\u{0}", "v1", "ConfigMap", "\u{a}\u{2}v1", "\u{12}\u{4}"]
    ) {
        input in
        guard let object = try? ProtobufDecoding.object(from: input) else { return }
        try require(object["kind"]?.stringValue != nil, "an object without a kind")
        try require(try JSONValue(parsing: object.serializedBytes()) == object, "what was read cannot be written")
    }

    /// A selector holds or does not, the same each time; `key` and `!key` never both.
    static let selectors = FuzzTarget(
        name: "selectors",
        words: [" in (", " notin (", ")", ",", "!=", "==", "!", "app", "metadata.name=", "status.phase"]
    ) { input in
        guard let text = text(input) else { return }
        let labels: JSONValue = ["app": "web", "tier": "front"]
        if let selector = try? LabelSelector(parsing: text) { _ = selector.matches(labels) }
        if let selector = try? FieldSelector(parsing: text) { _ = selector.matches(["metadata": ["name": "web"]]) }
        let opened = text.utf8.count { $0 == UInt8(ascii: "(") }
        let closed = text.utf8.count { $0 == UInt8(ascii: ")") }
        if opened > closed { try require((try? LabelSelector(parsing: text)) == nil, "a list that is not closed") }
    }

    /// A set of fields reads back from `fieldsV1`, and the laws of sets hold.
    static let fieldSets = FuzzTarget(
        name: "field-sets",
        words: ["\"f:a\":{", "\".\":{}", "\"k:{\\\"name\\\":\\\"a\\\"}\":{", "\"v:1\":{}", "\"i:0\":{}", "{}"]
    ) { input in
        guard let json = try? JSONValue(parsing: input) else { return }
        let set = FieldSet(fieldsV1: json[0] ?? json)
        let again = FieldSet(fieldsV1: set.fieldsV1)
        try require(again == set, "reads back as \(again.fieldsV1)")
        try require(set.subtracting(set).isEmpty && set.union(set) == set, "is not itself")
        let other = FieldSet(fieldsV1: json[1] ?? .null)
        let both = set.intersection(other)
        try require(both.paths == other.intersection(set).paths, "the intersection has sides")
        try require(set.subtracting(other).intersection(other).isEmpty, "what was taken away is there")
        try require(
            set.subtracting(other).union(both).paths == set.paths, "difference and intersection are not the whole")
        _ = ManagedFields(of: json).entries
    }

    /// A canonical quantity stays as it is, and cron schedules end.
    static let quantities = FuzzTarget(
        name: "quantities", words: ["100m", "1Gi", "Ki", "E", "n", "1.5", "*/5 * * * *", "@daily", "1-5", "0 0 31 2 *"]
    ) { input in
        guard let text = text(input) else { return }
        if let canonical = Quantity.canonical(text) {
            try require(Quantity.canonical(canonical) == canonical, "\(canonical) is not canonical")
        }
        _ = Quantity.canonical(.string(text))
        if let schedule = CronSchedule(text), let next = schedule.next(after: 1_800_000_000) {
            try require(next > 1_800_000_000, "the next time has passed")
        }
        if let instant = Timestamp.instant(text) { _ = Timestamp.text(instant) }
        for total in [0, 10, 1 << 31] {
            _ = IntOrPercent.resolve(.string(text), of: total, roundingUp: true)
        }
    }

    /// A rule of a definition is read, fits or does not, and ends with a value or an error within its budget.
    static let rules = FuzzTarget(
        name: "rules",
        words: [
            "self", "oldSelf", ".all(x, ", ".map(x, ", "has(self.name)", " in ", "&&", "||", "?", ":", "size(", "r'",
            "b'",
            "duration('1h')", "timestamp('2026-01-01T00:00:00Z')", "quantity('1Gi')", "9223372036854775807", "0x",
            "1e308",
            ".matches('(a+)+$')", ".split(',')", ".substring(", ".format([", "url('", "cidr('10.0.0.0/8')",
        ]
    ) { input in
        guard let text = text(input) else { return }
        let expression: Expression
        do throws(ExpressionProblem) {
            expression = try ExpressionParser.expression(text)
        } catch {
            _ = ExpressionProblem.report([error], in: text)
            return
        }
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "name": ["type": "string"], "count": ["type": "integer"],
                "list": ["type": "array", "items": ["type": "string"]],
            ],
        ]
        guard let type = ExpressionType(schema: schema) else { return }
        var checker = ExpressionChecker(variables: [("self", type), ("oldSelf", type)])
        _ = checker.type(of: expression)
        _ = ExpressionProblem.report(checker.problems, in: text)
        let value = ExpressionValue(["name": "web", "count": 3, "list": ["a", "b"]], schema: schema)
        var evaluator = ExpressionEvaluator(variables: [("self", value), ("oldSelf", value)], limit: 100_000)
        _ = try? evaluator.value(of: expression)
    }

    /// A value with a schema's defaults needs no more of them; checking ends.
    static let schemas = FuzzTarget(
        name: "schemas",
        words: [
            "\"type\":\"object\"", "\"properties\":{", "\"default\":", "\"pattern\":\"(a+)+$\"",
            "[[:alpha:]]{2,9}", "(?i:", "\"x-kubernetes-list-type\":\"map\"",
            "\"additionalProperties\":{", "\"minimum\":-1e308", "\"items\":{", "\"required\":[\"a\"]", "(((((",
        ]
    ) { input in
        guard let pair = try? JSONValue(parsing: input), let schema = pair["schema"] else { return }
        let value = pair["value"] ?? .null
        let once = CustomResourceSchema.defaulted(value, schema: schema)
        try require(CustomResourceSchema.defaulted(once, schema: schema) == once, "defaults twice are not once")
        _ = CustomResourceSchema.problems(in: value, schema: schema)
        let shape = Shape(customResource: schema)
        if TypedValue.problem(in: value, shape: shape) == nil {
            _ = TypedValue.fieldSet(of: value, shape: shape)
            try require(TypedValue.compare(value, value, shape: shape).isSame, "differs from itself")
        }
    }

    /// Applied twice a patch makes what it made at first.
    static let strategicPatch = FuzzTarget(
        name: "strategic-patch",
        words: [
            "\"$patch\":\"delete\"", "\"$patch\":\"replace\"", "\"$retainKeys\":[", "\"$setElementOrder/containers\":[",
            "\"$deleteFromPrimitiveList/finalizers\":[", "\"name\":\"a\"", "null",
        ]
    ) { input in
        guard let pair = try? JSONValue(parsing: input), let patch = pair["patch"] else { return }
        let shape = Shape.named("api.core.v1.PodSpec")
        let once = StrategicMergePatch.apply(patch, to: pair["value"], shape: shape)
        guard let once else { return }
        _ = StrategicMergePatch.apply(patch, to: once, shape: shape)
        try require(try JSONValue(parsing: once.serializedBytes()) == once, "what it makes cannot be read")
    }

    /// Applying the same configuration again changes nothing; the applier owns what it set.
    static let serverSideApply = FuzzTarget(
        name: "server-side-apply",
        words: ["\"containers\":[{\"name\":\"a\"}]", "\"ports\":[", "\"name\":\"a\"", "null", "\"x\":1"]
    ) { input in
        guard let pair = try? JSONValue(parsing: input), let configuration = pair["applied"], var live = pair["live"],
            configuration.objectValue != nil, live.objectValue != nil
        else { return }
        let shape = Shape.named("api.core.v1.PodSpec")
        guard TypedValue.problem(in: configuration, shape: shape) == nil,
            TypedValue.problem(in: live, shape: shape) == nil
        else { return }
        live["metadata"] = [:]
        let apply = ServerSideApply(shape: shape, time: "2026-01-01T00:00:00Z", ignored: [])
        let identity = FieldManager.Identity(name: "m", isApply: true, apiVersion: "v1", subresource: "")
        let once = try apply.apply(configuration, to: live, as: identity, force: true)
        let twice = try apply.apply(configuration, to: once, as: identity, force: true)
        try require(twice == once, "applied again it is \(twice), before \(once)")
    }

    /// Orders of faults read back as themselves.
    static let orders = FuzzTarget(
        name: "orders",
        words: [
            "\"change\":\"latency\"", "\"change\":\"answer\"", "\"answer\":{\"status\":500", "\"seconds\":",
            "\"rate\":0.5",
            "\"clusters\":[", "\"behaviour\":",
        ]
    ) { input in
        guard let json = try? JSONValue(parsing: input) else { return }
        let read = try accepted(orRefusedBy: SimulatorError.self) { try FaultOrder(json: json) }
        guard let order = read else { return }
        try require(try FaultOrder(json: order.json) == order, "the order reads back as another one")
        _ = order.changing(.none)
    }
}
