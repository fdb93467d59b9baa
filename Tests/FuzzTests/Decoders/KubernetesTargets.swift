internal import KubernetesObjects

@testable internal import KubernetesClient

/// What API servers answer, and what users write for the client.
enum KubernetesTargets {
    static let all = [expression, kubeconfig, watch, answers, annotations]

    private static let sample: JSONValue = [
        "status": [
            "phase": "Ready", "replicas": 3, "conditions": [["type": "Ready", "status": "True"], ["type": 1]],
            "on": true,
        ]
    ]

    static let expression = FuzzTarget(
        name: "expression",
        words: [
            "status.phase", "==", "!=", "<=", "&&", "||", "!", "(", ")", "[type=Ready]", "[0]", "\"Ready\"", "null",
            "-1",
        ]
    ) { input in
        guard let text = text(input) else { return }
        let read = try accepted(orRefusedBy: KubernetesObjectError.self) { try FieldExpression(parsing: text) }
        guard let expression = read else { return }
        let holds = expression.holds(for: sample)
        try require(try FieldExpression(parsing: expression.text).holds(for: sample) == holds, "holds only sometimes")
        let negated = "!(\(text))"
        guard text.count < FieldExpression.maximumLength - 3, let not = try? FieldExpression(parsing: negated) else {
            return
        }
        try require(not.holds(for: sample) != holds, "neither it nor its opposite holds")
    }

    static let kubeconfig = FuzzTarget(
        name: "kubeconfig",
        words: [
            "current-context: ", "server: https://[::1]:6443/", "://", "@", "token: t", "exec:", "-data: ", "&a ", "*a",
        ]
    ) { input in
        guard let text = text(input) else { return }
        let read = try accepted(orRefusedBy: KubernetesError.self) { try Kubeconfig(text: text, file: "/dir/config") }
        guard let config = read else { return }
        for context in [nil] + config.contexts.prefix(20).map(Optional.some) {
            let found = try accepted(orRefusedBy: KubernetesError.self) { try config.connection(context: context) }
            guard let connection = found else { continue }
            _ = try accepted(orRefusedBy: KubernetesError.self) { try connection.endpoint() }
            if case .token(.inline(let token)) = connection.identity {
                try require(!connection.description.contains(String(decoding: token, as: UTF8.self) + "!"), "tells")
            }
        }
    }

    /// The same lines however they come in pieces; each an event, or an error that says what it is.
    static let watch = FuzzTarget(
        name: "watch",
        words: ["\n", "{\"type\":\"ADDED\",\"object\":", "\"ERROR\"", "\"code\":410", "\"BOOKMARK\"", "null"]
    ) { input in
        var whole = LineSplitter(maximumLine: 1 << 20)
        try require(whole.append(input), "a line is too large")
        whole.end()
        var lines: [[UInt8]] = []
        while let line = whole.next() { lines.append(line) }
        var pieces = LineSplitter(maximumLine: 1 << 20)
        var piecewise: [[UInt8]] = []
        for start in stride(from: 0, to: input.count, by: 7) {
            _ = pieces.append(Array(input[start..<min(start + 7, input.count)]))
            while let line = pieces.next() { piecewise.append(line) }
        }
        pieces.end()
        while let line = pieces.next() { piecewise.append(line) }
        try require(piecewise == lines, "in pieces the lines are others")
        let selection = ObjectSelection(type: GroupVersionKind(version: "v1", kind: "ConfigMap"), namespace: "shop")
        var cache = ObjectCache()
        for line in lines.prefix(200) where !line.isEmpty {
            let read = try accepted(orRefusedBy: KubernetesError.self) {
                try WatchEvent(line: line, selection: selection)
            }
            guard let event = read else { continue }
            _ = cache.take(event)
            let before = cache
            _ = cache.take(event)
            try require(cache == before, "an event that comes twice changes something")
        }
    }

    /// Any JSON as an object's state or a refusal: health, conflicts and delays can be told from it.
    static let answers = FuzzTarget(
        name: "answers",
        words: [
            "\"kind\":\"Status\"", "\"retryAfterSeconds\":9223372036854775807", "\"replicas\":-9223372036854775808",
            "\"kind\":\"Pod\"", "\"kind\":\"StatefulSet\"", "\"restartCount\":5", "\"conditions\":[",
            "\"observedGeneration\":1,",
            "\"reason\":\"FieldManagerConflict\"", "2026-01-01T00:00:00Z",
        ]
    ) { input in
        guard let json = try? JSONValue(parsing: input, duplicateKeys: .keepLast) else { return }
        let error = KubernetesError(statusBody: json, httpStatus: 409, what: "fuzz", retryAfter: nil)
        try require(!error.message.isEmpty, "an error without a word")
        _ = ApplyConflict.summary(ApplyConflict.list(in: error))
        let delay = RetryPolicy().delay(afterAttempt: 3, retryAfter: error.retryAfter, chance: 0.9)
        try require(delay <= .seconds(180) && delay >= .zero, "a delay of \(delay)")
        _ = DiscoveryDocuments.aggregated(json)
        _ = DiscoveryDocuments.resources(json, group: "g", version: "v1")
        guard let object = try? KubernetesObject(json: json) else { return }
        let context = HealthContext(now: KubernetesTime(seconds: 1_800_000_000))
        for (group, kind) in [
            ("", object.kind), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("", "Pod"),
            ("batch", "Job"), ("apps", "ReplicaSet"), ("", "PersistentVolumeClaim"), ("", "Service"),
            ("example.com", "X"),
        ] {
            var typed = object
            typed["apiVersion"] = .string(group.isEmpty ? "v1" : "\(group)/v1")
            typed["kind"] = .string(kind)
            _ = HealthRules.assess(typed, context)
        }
        _ = PodHealth.worst(of: [object, object], context: context)
    }

    /// Texts in annotations and in the inventory.
    static let annotations = FuzzTarget(
        name: "annotations",
        words: ["9h", "90s", "1h30m", "999999999h", "|v1|ConfigMap|shop|a\n", "2026-01-01T00:00:00+01:00"]
    ) { input in
        guard let text = text(input) else { return }
        if let duration = Hook.duration(text) {
            try require(duration > .zero && duration < .seconds(1 << 40), "a hook may take \(duration)")
        }
        if let moment = KubernetesTime(parsing: text) {
            try require(moment.seconds.isFinite && abs(moment.seconds) < 1e12, "a moment at \(moment.seconds)")
        }
        _ = MissingPermission(message: "User \"u\" cannot " + text)
        let read = try accepted(orRefusedBy: KubernetesError.self) {
            try Inventory(data: ["format": "1", "objects": text])
        }
        guard let inventory = read else { return }
        try require(try Inventory(data: inventory.data) == inventory, "the inventory reads back as another one")
    }
}
