internal import KubernetesObjects

// MARK: - Reading what a client sends

extension ClusterState {
    private static let limits = ReadingLimits(maximumBytes: 3 << 20, maximumDepth: 100, maximumNodes: 400_000)

    /// The body as a value: JSON, or YAML where the content type says so.
    func decode(_ request: APIRequest, expecting kind: String) throws(APIStatus) -> JSONValue {
        let type = request.contentType.split(separator: ";").first.map(String.init) ?? ""
        switch type {
        case "application/yaml":
            return try yaml(request.body, prefix: "")
        case "application/vnd.kubernetes.protobuf":
            guard let object = try? ProtobufDecoding.object(from: request.body) else { throw Self.unknownFormat }
            return object
        case "", "application/json":
            do {
                return try JSONValue(parsing: request.body, duplicateKeys: .keepLast, limits: Self.limits)
            } catch {
                throw .badRequest(
                    "the object provided is unrecognized (must be of type \(kind)): couldn't get version/kind; json parse error: \(Self.goError(of: request.body)) (\(Self.excerpt(request.body)))"
                )
            }
        default: throw Self.unknownFormat
        }
    }

    private static let unknownFormat = APIStatus(
        code: 415, reason: "UnsupportedMediaType",
        message:
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )

    func yaml(_ body: [UInt8], prefix: String) throws(APIStatus) -> JSONValue {
        do {
            let text = String(decoding: body, as: UTF8.self)
            return try YAMLReader.document(in: text, limits: Self.limits).root.json
        } catch {
            throw .badRequest(
                "\(prefix)error converting YAML to JSON: yaml: \(Self.goYAMLError(String(decoding: body, as: UTF8.self), error))"
            )
        }
    }

    /// The reader's complaint in the words of the server's own for the commonest mistake, else as it is.
    private static func goYAMLError(_ text: String, _ error: any Error) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if let index = lines.firstIndex(where: { line in
            line.filter { $0 == "[" }.count > line.filter { $0 == "]" }.count
        }) {
            return "line \(index + 1): did not find expected ',' or ']'"
        }
        return "\(error)"
    }

    private static func goError(of body: [UInt8]) -> String {
        guard let first = body.first(where: { $0 > 32 }) else { return "unexpected end of JSON input" }
        if first == UInt8(ascii: "{"), body.count > 1, let next = body.dropFirst().first(where: { $0 > 32 }),
            next != UInt8(ascii: "\"")
        {
            return
                "invalid character '\(Character(UnicodeScalar(next)))' looking for beginning of object key string"
        }
        return "invalid character '\(Character(UnicodeScalar(first)))' looking for beginning of value"
    }

    private static func excerpt(_ body: [UInt8]) -> String {
        String(decoding: body.prefix(200), as: UTF8.self)
    }

    /// An object from the body of a POST or PUT, checked against its kind.
    func decodeObject(
        _ request: APIRequest, type: ResourceType, warnings: inout [String]
    ) throws(APIStatus) -> JSONValue {
        let value = try decode(request, expecting: type.kind)
        guard value.objectValue != nil else {
            throw .badRequest("the object provided is unrecognized (must be of type \(type.kind))")
        }
        let kind = value["kind"]?.stringValue ?? type.kind
        let apiVersion = value["apiVersion"]?.stringValue ?? type.apiVersion
        guard kind == type.kind, apiVersion == type.apiVersion else {
            throw .badRequest(
                "\(kind) in version \"\(apiVersion.split(separator: "/").last ?? "")\" cannot be handled as a \(type.kind): no kind \"\(kind)\" is registered for version \"\(apiVersion)\""
            )
        }
        return try checked(value, request, type: type, warnings: &warnings)
    }

    /// A value brought into its kind's form; unknown fields are refused or warned of, as the request asks.
    func checked(
        _ value: JSONValue, _ request: APIRequest, type: ResourceType, warnings: inout [String]
    ) throws(APIStatus) -> JSONValue {
        var normalizer = Normalizer()
        let result = normalizer.normalize(value, resource: type)
        let prefix = "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): "
        if let mismatch = normalizer.mismatch { throw .badRequest(prefix + mismatch) }
        let unknown =
            duplicateFields(of: request) + normalizer.unknownFields.sorted().map { "unknown field \"\($0)\"" }
        if !unknown.isEmpty {
            switch request.query["fieldValidation"] {
            case "Strict":
                throw .badRequest(prefix + "strict decoding error: " + unknown.joined(separator: ", "))
            case "Ignore": break
            default: warnings += unknown
            }
        }
        return result
    }

    /// What a body says twice; found only where the request does not ask to ignore it.
    private func duplicateFields(of request: APIRequest) -> [String] {
        guard request.query["fieldValidation"] != "Ignore", request.method != "PATCH" else { return [] }
        if request.contentType.hasPrefix("application/yaml") { return [] }
        return DuplicateFields.paths(in: request.body).map { "duplicate field \"\($0)\"" }
    }

    static func addWarnings(_ warnings: [String], to response: inout APIResponse) {
        for warning in warnings {
            let escaped = warning.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            response.headers.append(("Warning", "299 - \"\(escaped)\""))
        }
    }
}
