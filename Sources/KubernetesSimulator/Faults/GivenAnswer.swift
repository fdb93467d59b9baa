internal import KubernetesObjects

extension FaultPlan {
    /// An answer given in the API server's place to the requests that it is for. Nothing is read or written then.
    public struct Answer: Sendable, Hashable, Codable {
        /// Whether requests that only try something out (`dryRun=All`) are meant.
        public enum DryRuns: String, Sendable, Hashable, Codable, CaseIterable {
            /// With the others.
            case included
            /// They alone.
            case only
            /// All but they.
            case excluded
        }

        /// Which requests are meant: those to which all that is said here applies.
        public struct Requests: Sendable, Hashable, Codable {
            /// The HTTP method, in capitals; nil for any.
            public var method: String?
            /// The path without its query, percent-decoded; one that ends in `*` is the beginning of others. Nil for any.
            public var path: String?
            /// The name of the object that the path leads to, or to a subresource of; nil for any. A POST names none.
            public var name: String?
            /// Whether dry runs are meant.
            public var dryRuns: DryRuns

            /// Creates a choice of requests; by default, all are meant.
            public init(
                method: String? = nil, path: String? = nil, name: String? = nil, dryRuns: DryRuns = .included
            ) {
                self.method = method
                self.path = path
                self.name = name
                self.dryRuns = dryRuns
            }
        }

        /// At most this many answers are given in one cluster.
        public static let limit = 64
        /// The largest body, in bytes.
        public static let bodyLimit = 64 << 10
        /// The most headers.
        public static let headerLimit = 16
        /// The longest path, name and value of a header, in bytes.
        public static let textLimit = 2_048
        /// The most times that can be counted.
        public static let timesLimit = 1_000_000

        /// The requests that get it.
        public var requests: Requests
        /// The HTTP status, 200 to 599.
        public var status: Int
        /// Its headers; without a `Content-Type`, that of JSON or of text is added, as the body looks.
        public var headers: [String: String]
        /// Its body, as it is sent.
        public var body: String
        /// How many requests still get it; nil for all until the order is taken back.
        public var times: Int?

        /// Creates an answer.
        public init(
            to requests: Requests, status: Int, headers: [String: String] = [:], body: String = "", times: Int? = nil
        ) {
            self.requests = requests
            self.status = status
            self.headers = headers
            self.body = body
            self.times = times
        }

        /// Creates an answer with a `Status` as API servers word a refusal.
        ///
        /// - Parameter reason: `Forbidden`, `Invalid` …; nil leaves it out, as servers do with some.
        public init(
            to requests: Requests, status: Int, reason: String?, message: String, headers: [String: String] = [:],
            times: Int? = nil
        ) {
            let refusal = APIStatus(code: status, reason: reason ?? "", message: message)
            self.init(
                to: requests, status: status, headers: headers, body: refusal.body.serialized(), times: times)
        }
    }
}

// MARK: - Giving

extension FaultPlan.Answer.Requests {
    func include(_ request: APIRequest) -> Bool {
        if let method, method != request.method { return false }
        if let path {
            let text = request.pathText
            guard path.hasSuffix("*") ? text.hasPrefix(path.dropLast()) : text == path else { return false }
        }
        if let name, name != request.objectName { return false }
        switch dryRuns {
        case .included: return true
        case .only: return request.isDryRun
        case .excluded: return !request.isDryRun
        }
    }
}

extension FaultPlan.Answer {
    var response: APIResponse {
        let looksLikeJSON = body.first == "{" || body.first == "["
        var response = APIResponse(
            status: status, body: .text(body),
            contentType: looksLikeJSON ? "application/json" : "text/plain; charset=utf-8")
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            if name.lowercased() == "content-type" {
                response.contentType = value
            } else {
                response.headers.append((name, value))
            }
        }
        return response
    }
}

extension FaultPlan {
    /// The answer in the server's place to a request, if there is one; what is counted is counted down.
    mutating func takeAnswer(to request: APIRequest) -> APIResponse? {
        guard let index = answers.firstIndex(where: { $0.requests.include(request) }) else { return nil }
        let response = answers[index].response
        if let times = answers[index].times {
            answers[index].times = times - 1
            if times <= 1 { answers.remove(at: index) }
        }
        return response
    }
}

extension APIRequest {
    /// The name of the object that the path leads to, or to a subresource of.
    var objectName: String? {
        var parts = path[...]
        switch parts.popFirst() {
        case "api": parts = parts.dropFirst()
        case "apis": parts = parts.dropFirst(2)
        default: return nil
        }
        let isOfNamespace = parts.count == 3 && ["status", "finalize"].contains(parts.last)
        if parts.first == "namespaces", parts.count >= 3, !isOfNamespace { parts = parts.dropFirst(2) }
        return parts.dropFirst().first
    }
}

// MARK: - To and fro

extension FaultPlan.Answer {
    /// Headers that belong to the connection, or follow from the body.
    private static let reserved: Set<String> = [
        "connection", "content-length", "transfer-encoding", "upgrade", "trailer",
    ]

    /// Reads an answer: `{"method": "PATCH", "name": "web", "dryRuns": "excluded", "status": 422, "body": "…"}`.
    ///
    /// - Throws: ``SimulatorError`` when it is malformed or too large; the message says what would be right.
    init(json: JSONValue) throws(SimulatorError) {
        func bad(_ text: String) -> SimulatorError { SimulatorError(code: .invalidInput, message: text) }
        func text(_ field: String) throws(SimulatorError) -> String? {
            guard let value = json[field] else { return nil }
            guard let text = value.stringValue, !text.isEmpty, text.utf8.count <= Self.textLimit else {
                throw bad("an answer's \(field) is text of 1 to \(Self.textLimit) bytes; leave it out to mean any")
            }
            return text
        }
        requests = Requests(method: try text("method"), path: try text("path"), name: try text("name"))
        if let method = requests.method, !method.utf8.allSatisfy({ (65...90).contains($0) }) {
            throw bad("an answer's method is \"\(method)\"; write it in capitals, such as PATCH")
        }
        if let path = requests.path, !path.hasPrefix("/") || path.contains("?") {
            throw bad(
                "an answer's path is \"\(path)\"; it begins with / and has no query, and may end in *, such as /api/v1/*"
            )
        }
        if let word = try text("dryRuns") {
            guard let dryRuns = DryRuns(rawValue: word) else {
                throw bad("an answer's dryRuns is \"\(word)\"; it can be included, only or excluded")
            }
            requests.dryRuns = dryRuns
        }
        guard let status = json.int("status"), (200...599).contains(status) else {
            throw bad("an answer wants a status from 200 to 599")
        }
        self.status = status
        body = json["body"]?.stringValue ?? ""
        guard json["body"].map({ $0.stringValue != nil }) ?? true, body.utf8.count <= Self.bodyLimit else {
            throw bad("an answer's body is text of at most \(Self.bodyLimit) bytes")
        }
        if [204, 205, 304].contains(status), !body.isEmpty { throw bad("an answer with status \(status) has no body") }
        headers = try Self.headers(json["headers"])
        if let value = json["times"] {
            guard let times = value.intValue.flatMap({ Int(exactly: $0) }), (1...Self.timesLimit).contains(times) else {
                throw bad(
                    "an answer is given 1 to \(Self.timesLimit) times; leave times out for until it is taken back")
            }
            self.times = times
        }
    }

    private static func headers(_ json: JSONValue?) throws(SimulatorError) -> [String: String] {
        guard let json else { return [:] }
        guard let members = json.objectValue, members.count <= headerLimit else {
            throw SimulatorError(
                code: .invalidInput, message: "an answer's headers are an object of at most \(headerLimit) texts")
        }
        var headers: [String: String] = [:]
        for (name, value) in members {
            guard let text = value.stringValue, text.utf8.count <= textLimit,
                text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
            else {
                throw SimulatorError(
                    code: .invalidInput,
                    message: "an answer's header \"\(name)\" is printable ASCII of at most \(textLimit) bytes")
            }
            let isToken = !name.isEmpty && name.utf8.count <= 128 && name.utf8.allSatisfy(isTokenByte)
            guard isToken, !reserved.contains(name.lowercased()) else {
                throw SimulatorError(
                    code: .invalidInput,
                    message:
                        "an answer cannot have the header \"\(name)\"; Retry-After and Content-Type are common ones")
            }
            headers[name] = text
        }
        return headers
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The form that ``init(json:)`` reads.
    var json: JSONValue {
        var members = summary
        members["bodyBytes"] = nil
        members["body"] = .string(body)
        return .object(members)
    }

    /// What is shown of it: all but the text of the body.
    var summary: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "status": .integer(Int64(status)), "dryRuns": .string(requests.dryRuns.rawValue),
            "headers": .object(headers.mapValues { .string($0) }), "bodyBytes": .integer(Int64(body.utf8.count)),
        ]
        members["method"] = requests.method.map { .string($0) }
        members["path"] = requests.path.map { .string($0) }
        members["name"] = requests.name.map { .string($0) }
        members["times"] = times.map { .integer(Int64($0)) }
        return members
    }
}
