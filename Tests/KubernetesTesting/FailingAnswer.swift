public import KubernetesObjects

/// What an API server may answer to the apply of one object, here the ConfigMap `broken` in the namespace `shop`, and what the
/// operator is to be told.
///
/// A v1.36 API server was recorded to give those that are marked as such, to this request or to another one.
public struct FailingAnswer: Sendable, CustomStringConvertible {
    /// The HTTP status.
    public var status: Int
    /// The `reason` of the `Status` body; nil where there is none.
    public var reason: String?
    /// The `message` of the `Status` body; nil where the answer is no `Status` but ``text``.
    public var message: String?
    /// The causes in the `Status` body.
    public var causes: [JSONValue]
    /// The `Retry-After` header, in seconds.
    public var retryAfter: Int?
    /// The body where it is no `Status`.
    public var text: String
    /// What must be among the words that the operator sees.
    public var told: [String]
    /// The short word that the operator sees for it; nil where any will do.
    public var word: String?

    public init(
        _ status: Int, _ reason: String? = nil, _ message: String? = nil, causes: [JSONValue] = [],
        retryAfter: Int? = nil, text: String = "", told: [String], word: String? = nil
    ) {
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retryAfter = retryAfter
        self.text = text
        self.told = told
        self.word = word
    }

    public var description: String {
        "\(status) \(reason ?? "") \(message.map { String($0.prefix(120)) } ?? text.debugDescription)"
    }

    /// The body as it is sent.
    public var body: String {
        guard let message else { return text }
        var details: [String: JSONValue] = ["name": "broken", "kind": "configmaps"]
        if !causes.isEmpty { details["causes"] = .array(causes) }
        var body: [String: JSONValue] = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "code": .integer(Int64(status)), "details": .object(details),
        ]
        body["reason"] = reason.map { .string($0) }
        return JSONValue.object(body).serialized()
    }

    /// The headers, the body's type among them.
    public var headers: [String: String] {
        var headers = ["content-type": message == nil ? "text/plain; charset=utf-8" : "application/json"]
        headers["retry-after"] = retryAfter.map { "\($0)" }
        return headers
    }

    /// A 422 about one field, as API servers word it.
    private static func invalid(
        _ subject: String, _ field: String, _ problem: String, reason: String = "FieldValueInvalid",
        told: [String]? = nil
    ) -> FailingAnswer {
        FailingAnswer(
            422, "Invalid", "\(subject) is invalid: \(field): \(problem)", causes: [cause(reason, problem, field)],
            told: told ?? ["\(field): \(problem)"], word: "Invalid")
    }

    private static func conflict(_ manager: String, _ rest: String, _ field: String) -> FailingAnswer {
        FailingAnswer(
            409, "Conflict", "Apply failed with 1 conflict: conflict with \"\(manager)\"\(rest): \(field)",
            causes: [cause("FieldManagerConflict", "conflict with \"\(manager)\"\(rest)", field)],
            told: ["\(manager) owns \(field)", "adopt by force"], word: "Conflict")
    }

    private static func cause(_ reason: String, _ message: String, _ field: String) -> JSONValue {
        ["reason": .string(reason), "message": .string(message), "field": .string(field)]
    }
}

// MARK: - Those after which the release has failed

extension FailingAnswer {
    /// All after which the release has failed.
    public static let lasting = unreadable + forbidden + missing + conflicting + invalid + untyped

    /// The server cannot make sense of the request. Recorded, but for 405, 406 and 413.
    private static let unreadable = [
        FailingAnswer(
            400, "BadRequest",
            "error decoding YAML: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
            told: ["error decoding YAML", "line 1: did not find expected ',' or ']'"], word: "BadRequest"),
        FailingAnswer(
            400, "BadRequest",
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
                + "invalid character 'n' looking for beginning of object key string ({not json)",
            told: ["the object provided is unrecognized", "({not json)"], word: "BadRequest"),
        FailingAnswer(
            400, "BadRequest", "the name of the object (other) does not match the name on the URL (broken)",
            told: ["(other) does not match the name on the URL (broken)"], word: "BadRequest"),
        FailingAnswer(
            400, "BadRequest", "invalid object type: apps/v1, Kind=StatefulSet",
            told: ["invalid object type: apps/v1, Kind=StatefulSet"], word: "BadRequest"),
        FailingAnswer(
            400, "BadRequest", "found '==', expected: !, identifier, or 'end of string'",
            told: ["found '==', expected: !, identifier, or 'end of string'"], word: "BadRequest"),
        FailingAnswer(
            405, "MethodNotAllowed", "patch is not supported on resources of kind \"configmaps\"",
            told: ["patch is not supported on resources of kind"], word: "MethodNotAllowed"),
        FailingAnswer(
            406, "NotAcceptable", "only the following media types are accepted: application/json",
            told: ["only the following media types are accepted: application/json"], word: "NotAcceptable"),
        FailingAnswer(
            413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", told: ["limit is 3145728"],
            word: "RequestEntityTooLarge"),
        FailingAnswer(
            415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, "
                + "application/yaml, application/vnd.kubernetes.protobuf",
            told: ["in an unknown format - accepted media types include: application/json"],
            word: "UnsupportedMediaType"),
        FailingAnswer(
            415, "UnsupportedMediaType", "415: Unsupported Media Type", told: ["415: Unsupported Media Type"],
            word: "UnsupportedMediaType"),
    ]

    /// The server, or what it asks, says no. The anonymous one is recorded.
    private static let forbidden = [
        FailingAnswer(
            403, "Forbidden",
            "configmaps \"broken\" is forbidden: User \"system:serviceaccount:s:a\" cannot patch resource "
                + "\"configmaps\" in API group \"\" in the namespace \"shop\"",
            told: ["may not patch configmaps in namespace shop; grant it to system:serviceaccount:s:a"],
            word: "Forbidden"),
        FailingAnswer(
            403, "Forbidden",
            "namespaces is forbidden: User \"system:anonymous\" cannot list resource \"namespaces\" in API group \"\" at "
                + "the cluster scope",
            told: ["may not list namespaces in the whole cluster; grant it to system:anonymous"], word: "Forbidden"),
        FailingAnswer(
            403, "Forbidden", "configmaps \"broken\" is forbidden: exceeded quota: few, requested: count/configmaps=1",
            told: ["exceeded quota: few, requested: count/configmaps=1"], word: "Forbidden"),
        FailingAnswer(
            403, "Forbidden", "admission webhook \"policy.example.com\" denied the request: no latest tags",
            told: ["admission webhook \"policy.example.com\" denied the request: no latest tags"], word: "Forbidden"),
        // Policy engines list every rule, over many lines; what to do about it often comes last.
        FailingAnswer(
            400, "BadRequest",
            "admission webhook \"validate.example.com\" denied the request: \n\nresource ConfigMap/shop/broken was blocked "
                + "due to the following policies\n\n"
                + (1...40).map { "rule-\($0):\n  autogen-check: 'validation error: label team is required here'\n" }
                .joined() + "\nask in #platform for an exception",
            told: [
                "admission webhook \"validate.example.com\" denied the request:", "rule-1:",
                "ask in #platform for an exception",
            ], word: "BadRequest"),
    ]

    /// Something is not there, or there already. All recorded, with the names of their own requests.
    private static let missing = [
        FailingAnswer(
            404, "NotFound", "namespaces \"absent\" not found", told: ["namespaces \"absent\" not found"],
            word: "NotFound"),
        FailingAnswer(
            404, "NotFound", "deployments.apps \"absent\" not found", told: ["deployments.apps \"absent\" not found"],
            word: "NotFound"),
        FailingAnswer(
            404, "NotFound", "the server could not find the requested resource",
            told: ["the server could not find the requested resource"], word: "NotFound"),
        FailingAnswer(404, text: "404 page not found\n", told: ["404", "404 page not found"]),
        FailingAnswer(
            409, "AlreadyExists", "deployments.apps \"web\" already exists",
            told: ["deployments.apps \"web\" already exists"], word: "AlreadyExists"),
    ]

    /// Somebody else owns what is wanted. All recorded.
    private static let conflicting = [
        conflict("other", "", ".data.a"), conflict("kubectl-edit", " using v1", ".data.b"),
        conflict("python-requests", " with subresource \"scale\" using apps/v1", ".spec.replicas"),
    ]

    /// The server does not like what it reads. Recorded, but for the first two.
    private static let invalid = [
        invalid(
            "ConfigMap \"broken\"", "data[a/b]",
            "Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'"),
        invalid(
            "ConfigMap \"broken\"", "data", "Forbidden: field is immutable when `immutable` is set",
            reason: "FieldValueForbidden"),
        invalid(
            "ConfigMap \"Bad_Name\"", "metadata.name",
            "Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                + "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
                + "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"),
        invalid(
            "Deployment.apps \"web\"", "spec.template.metadata.labels",
            "Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`"),
        invalid(
            "Deployment.apps \"web\"", "spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
        invalid(
            "Deployment.apps \"web\"", "spec.selector",
            "Invalid value: {\"matchLabels\":{\"app\":\"web\",\"x\":\"y\"}}: field is immutable"),
        invalid(
            "Widget.example.com \"a\"", "spec.size",
            "Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        invalid("Widget.example.com \"a\"", "spec.size", "Required value", reason: "FieldValueRequired"),
        invalid(
            "PatchOptions.meta.k8s.io \"\"", "fieldManager", "Required value: is required for apply patch",
            reason: "FieldValueRequired"),
        // The whole pod template comes before what is wrong with it; recorded with some 1,500 characters of it.
        invalid(
            "Job.batch \"migrate\"", "spec.template",
            "Invalid value: {\"labels\":{\"job-name\":\"migrate\"},\"Spec\":{"
                + (1...70).map { "\"AFieldThatIsNotSet\($0)\":null" }.joined(separator: ",")
                + ",\"RestartPolicy\":\"Never\",\"SchedulingGroup\":null}}: field is immutable",
            told: ["Job.batch \"migrate\" is invalid: spec.template: Invalid value: {", "}}: field is immutable"]),
        FailingAnswer(
            422, "Invalid", "the server rejected our request due to an error in our request",
            told: ["the server rejected our request due to an error in our request"], word: "Invalid"),
    ]

    /// What is sent does not fit the type; API servers call it an error of theirs. All recorded.
    private static let untyped = [
        "(err/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string",
        "(err/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema",
        "(crd/a; example.com/v1, Kind=Widget): .spec.nope: field not declared in schema",
    ].map { FailingAnswer(500, nil, "failed to create typed patch object \($0)", told: [$0]) }
}

// MARK: - Those that may pass

extension FailingAnswer {
    /// Those that may go away by themselves, so that the agent waits and tries again. The first three are recorded.
    public static let passing: [FailingAnswer] = [
        FailingAnswer(
            401, "Unauthorized", "Unauthorized", told: ["credentials are not accepted"],
            word: "APIServerUnauthorized"),
        FailingAnswer(
            409, "Conflict",
            "Operation cannot be fulfilled on configmaps \"broken\": the object has been modified; please apply your "
                + "changes to the latest version and try again",
            told: ["the object has been modified"], word: "Conflict"),
        FailingAnswer(
            409, "Conflict",
            "Operation cannot be fulfilled on ConfigMap \"x\": the UID in the precondition (a) does not match the UID in "
                + "record (b). The object might have been deleted and then recreated",
            told: ["the UID in the precondition (a) does not match"], word: "Conflict"),
        FailingAnswer(
            410, "Expired", "The resourceVersion is too old", told: ["The resourceVersion is too old"],
            word: "Expired"),
        FailingAnswer(
            429, "TooManyRequests", "too many requests, please try again later", retryAfter: 1,
            told: ["too many requests, please try again later"], word: "APIServerUnavailable"),
        FailingAnswer(
            500, "InternalError",
            "Internal error occurred: failed calling webhook \"policy.example.com\": connection refused",
            told: ["failed calling webhook \"policy.example.com\": connection refused"], word: "InternalError"),
        FailingAnswer(
            503, "ServiceUnavailable", "the server is currently unable to handle the request",
            told: ["the server is currently unable to handle the request"], word: "APIServerUnavailable"),
        FailingAnswer(
            504, "Timeout", "Timeout: request did not complete within requested timeout",
            told: ["request did not complete within requested timeout"], word: "APIServerUnavailable"),
        FailingAnswer(
            502, text: "<html><body>502 Bad Gateway</body></html>", told: ["502", "Bad Gateway"],
            word: "APIServerUnavailable"),
        FailingAnswer(
            403, "Forbidden",
            "configmaps \"broken\" is forbidden: unable to create new content in namespace shop because it is being "
                + "terminated",
            causes: [cause("NamespaceTerminating", "namespace shop is being terminated", "metadata.namespace")],
            told: ["because it is being terminated"], word: "Forbidden"),
    ]
}
