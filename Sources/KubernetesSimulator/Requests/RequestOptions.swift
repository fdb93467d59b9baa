internal import KubernetesObjects

/// What a request asks for beside its object, checked before anything is done
/// (`apimachinery/pkg/apis/meta/v1/validation` in kubernetes v1.36).
enum RequestOptions {
    /// The most bytes of a field manager's name.
    private static let managerLimit = 128

    static func check(_ request: APIRequest, isOfOne: Bool) throws(APIStatus) {
        for name in ["limit", "timeoutSeconds", "gracePeriodSeconds"] {
            if let text = request.query[name], !text.isEmpty, Int64(text) == nil {
                throw .badRequest("strconv.ParseInt: parsing \"\(text)\": invalid syntax")
            }
        }
        let kind =
            switch request.method {
            case "POST": "CreateOptions"
            case "PUT": "UpdateOptions"
            case "PATCH": "PatchOptions"
            case "DELETE": "DeleteOptions"
            default: "ListOptions"
            }
        var findings = Findings()
        if kind == "ListOptions" {
            if !isOfOne, !request.isWatch { list(request, into: &findings) }
        } else {
            write(request, into: &findings)
        }
        if !findings.isEmpty { throw refusal(kind, findings.causes) }
    }

    static func refusal(_ kind: String, _ causes: [APIStatus.Cause]) -> APIStatus {
        let texts = causes.map { "\($0.field): \($0.message)" }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        return APIStatus(
            code: 422, reason: "Invalid", message: "\(kind).meta.k8s.io \"\" is invalid: \(list)",
            details: APIStatus.details(name: nil, group: "meta.k8s.io", kind: kind, causes: causes))
    }

    private static func write(_ request: APIRequest, into findings: inout Findings) {
        if let text = request.query["dryRun"] { dryRun([text], into: &findings) }
        if let manager = request.query["fieldManager"], manager.utf8.count > managerLimit {
            findings.tooLong("fieldManager", managerLimit)
        }
        if let asked = request.query["fieldValidation"], !["", "Ignore", "Warn", "Strict"].contains(asked) {
            findings.unsupported("fieldValidation", .string(asked), ["", "Ignore", "Strict", "Warn"])
        }
        if request.method == "PATCH", request.isSet("force"), !request.contentType.hasPrefix("application/apply-patch")
        {
            findings.forbidden("force", "may not be specified for non-apply patch")
        }
    }

    /// A dry run of what is not known would be none.
    static func dryRun(_ stages: [String], into findings: inout Findings) {
        if stages.contains(where: { $0 != "All" }) {
            findings.unsupported("dryRun", .array(stages.map { .string($0) }), ["All"])
        }
    }

    private static func list(_ request: APIRequest, into findings: inout Findings) {
        guard let match = request.query["resourceVersionMatch"], !match.isEmpty else { return }
        let revision = request.query["resourceVersion"] ?? ""
        func forbid(_ why: String) { findings.forbidden("resourceVersionMatch", why) }
        if revision.isEmpty { forbid("resourceVersionMatch is forbidden unless resourceVersion is provided") }
        if (request.query["continue"] ?? "").isEmpty == false {
            forbid("resourceVersionMatch is forbidden when continue is provided")
        }
        if match != "Exact", match != "NotOlderThan" {
            findings.unsupported("resourceVersionMatch", .string(match), ["", "Exact", "NotOlderThan"])
        }
        if match == "Exact", revision == "0" {
            forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")
        }
    }
}
