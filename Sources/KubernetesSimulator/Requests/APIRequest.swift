internal import KubernetesObjects

/// One request to a simulated API server, free of HTTP machinery.
struct APIRequest: Sendable {
    var method: String
    /// The path's parts, percent-decoded.
    var path: [String]
    var query: [String: String] = [:]
    var contentType: String = ""
    var accept: String = ""
    var userAgent: String = ""
    var body: [UInt8] = []
    /// Who asks.
    var caller = Caller.administrator

    /// The path as text.
    var pathText: String { "/" + path.joined(separator: "/") }

    /// Who writes: the field manager named, else the client's user agent up to its version.
    var manager: String {
        if let named = query["fieldManager"], !named.isEmpty { return named }
        let agent = userAgent.prefix { $0 != "/" }
        return agent.isEmpty ? "unknown" : String(agent.prefix(128))
    }

    var isDryRun: Bool { query["dryRun"] == "All" }

    var isWatch: Bool { query["watch"] == "true" || query["watch"] == "1" }

    func isSet(_ name: String) -> Bool { query[name] == "true" || query[name] == "1" }
}

/// An answer.
struct APIResponse: Sendable {
    enum Body: Sendable {
        case json(JSONValue)
        case text(String)
        /// A stream of events.
        case watch(WatchRequest)
    }

    var status: Int
    var body: Body
    var contentType = "application/json"
    var headers: [(String, String)] = []

    static func json(_ value: JSONValue, status: Int = 200) -> APIResponse {
        APIResponse(status: status, body: .json(value))
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(status: status, body: .text(text), contentType: "text/plain; charset=utf-8")
    }

    static let pageNotFound = APIResponse.text("404 page not found\n", status: 404)

    init(status: Int, body: Body, contentType: String = "application/json", headers: [(String, String)] = []) {
        self.status = status
        self.body = body
        self.contentType = contentType
        self.headers = headers
    }

    init(_ refusal: APIStatus) {
        self.init(status: refusal.code, body: .json(refusal.body))
        if let seconds = refusal.retryAfter { headers.append(("Retry-After", String(seconds))) }
    }
}

/// Which changes a watch wants.
struct WatchRequest: Sendable {
    var type: ResourceType
    var namespace: String?
    var labels = LabelSelector.everything
    var fields = FieldSelector.everything
    /// The revision to go on from; nil to begin with what is there.
    var revision: UInt64?
    var sendsBookmarks = false
    /// Whether a bookmark marks the end of what was there at the start.
    var marksInitialEnd = false
    /// Seconds after which the server ends the watch.
    var timeout: Double
    var form: ObjectForm
}

/// The form in which a client wants objects.
enum ObjectForm: Sendable, Hashable {
    case full
    case metadataOnly
    case table(includesObject: TableObjects)

    enum TableObjects: Sendable, Hashable { case none, metadata, object }

    init(request: APIRequest) {
        for part in request.accept.split(separator: ",") {
            if part.contains("as=Table") {
                switch request.query["includeObject"] {
                case "None": self = .table(includesObject: .none)
                case "Object": self = .table(includesObject: .object)
                default: self = .table(includesObject: .metadata)
                }
                return
            }
            if part.contains("as=PartialObjectMetadata") {
                self = .metadataOnly
                return
            }
            if part.contains("application/json") && !part.contains(";as=") {
                break
            }
        }
        self = .full
    }
}
