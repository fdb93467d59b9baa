internal import KubernetesObjects

/// What a definition's rules have to be like, in the words of the server
/// (`apiextensions-apiserver/pkg/apis/apiextensions/validation`).
enum RuleValidation {
    private static let reasons = [
        "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
    ]

    /// - Parameter field: The schema's place in the definition.
    static func check(_ schema: JSONValue, field: String, into findings: inout Findings) {
        check(schema, node: schema, field: field, isRoot: true, loosePlace: nil, into: &findings)
    }

    /// - Parameters:
    ///   - node: What says of which type values are; another schema under `allOf`.
    ///   - loosePlace: The outermost place under which old values cannot be told to belong to new ones.
    private static func check(
        _ schema: JSONValue, node: JSONValue, field: String, isRoot: Bool, loosePlace: String?,
        into findings: inout Findings
    ) {
        for (name, property) in (schema["properties"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            check(
                property, node: node.at("properties", name) ?? property, field: "\(field).properties[\(name)]",
                isRoot: false,
                loosePlace: loosePlace, into: &findings)
        }
        if let additional = schema["additionalProperties"], additional.objectValue != nil {
            check(
                additional, node: node["additionalProperties"] ?? additional, field: "\(field).additionalProperties",
                isRoot: false, loosePlace: loosePlace, into: &findings)
        }
        for (index, part) in (schema["allOf"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).allOf[\(index)]"
            check(part, node: node, field: here, isRoot: isRoot, loosePlace: loosePlace ?? here, into: &findings)
        }
        if let items = schema["items"] {
            let isKeyed = node["x-kubernetes-list-type"] == "map"
            check(
                items, node: node["items"] ?? items, field: "\(field).items", isRoot: false,
                loosePlace: loosePlace ?? (isKeyed ? nil : field), into: &findings)
        }
        let rules = schema["x-kubernetes-validations"]?.arrayValue ?? []
        if rules.isEmpty { return }
        let type = ExpressionType(schema: node, isResource: isRoot)
        for (index, rule) in rules.enumerated() {
            let here = "\(field).x-kubernetes-validations[\(index)]"
            var own = Findings()
            form(of: rule, field: here, into: &own)
            if own.isEmpty, let type {
                compile(rule, type: type, field: here, loosePlace: loosePlace, into: &own)
            }
            findings.append(own)
        }
    }

    private static func form(of rule: JSONValue, field: String, into findings: inout Findings) {
        func text(_ name: String) -> String { rule[name]?.stringValue ?? "" }
        func breaks(_ text: String) -> Bool { text.unicodeScalars.contains { $0 == "\n" || $0 == "\r" } }
        let source = text("rule").trimmed
        let message = text("message")
        if source.isEmpty {
            findings.required("\(field).rule", "rule is not specified")
        } else if !message.isEmpty, message.trimmed.isEmpty {
            findings.invalid("\(field).message", .string(message), "message must be non-empty if specified")
        } else if message.utf8.count > 2048 {
            findings.invalid(
                "\(field).message", .string(String(message.prefix(10)) + "..."),
                "message must have a maximum length of 2048 characters")
        } else if breaks(message.trimmed) {
            findings.invalid("\(field).message", .string(message), "message must not contain line breaks")
        } else if breaks(source), message.trimmed.isEmpty {
            findings.required("\(field).message", "message must be specified if rule contains line breaks")
        }
        if !text("messageExpression").isEmpty, text("messageExpression").trimmed.isEmpty {
            findings.required("\(field).messageExpression", "messageExpression must be non-empty if specified")
        }
        if let reason = rule["reason"], !reasons.contains(reason.stringValue ?? "") {
            findings.unsupported("\(field).reason", reason, reasons)
        }
        let path = text("fieldPath")
        if !path.isEmpty, path.trimmed.isEmpty {
            findings.invalid("\(field).fieldPath", .string(path), "fieldPath must be non-empty if specified")
        }
        if breaks(path) {
            findings.invalid("\(field).fieldPath", .string(path), "fieldPath must not contain line breaks")
        }
    }

    private static func compile(
        _ rule: JSONValue, type: ExpressionType, field: String, loosePlace: String?, into findings: inout Findings
    ) {
        let source = (rule["rule"]?.stringValue ?? "")
        let isOptional = rule["optionalOldSelf"]?.boolValue ?? false
        let variables = [(name: "self", type: type), ("oldSelf", isOptional ? .optional(type) : type)]
        var usesOldSelf = false
        func check(_ source: String, of wanted: ExpressionType, prefix: String, otherwise: String) -> String? {
            do {
                let expression = try ExpressionParser.expression(source)
                usesOldSelf = usesOldSelf || expression.mentions("oldSelf")
                var checker = ExpressionChecker(variables: variables)
                let found = checker.type(of: expression)
                if !checker.problems.isEmpty {
                    return "\(prefix): \(ExpressionProblem.report(checker.problems, in: source))"
                }
                return found == wanted || found == .dyn ? nil : otherwise
            } catch {
                return "\(prefix): \(ExpressionProblem.report([error], in: source))"
            }
        }
        if let problem = check(
            source, of: .bool, prefix: "compilation failed", otherwise: "cel expression must evaluate to a bool")
        {
            invalid("\(field).rule", rule, problem, into: &findings)
        }
        if let message = rule["messageExpression"]?.stringValue, !message.isEmpty,
            let problem = check(
                message, of: .string, prefix: "messageExpression compilation failed",
                otherwise: "messageExpression must evaluate to a string")
        {
            invalid("\(field).messageExpression", rule, problem, into: &findings)
        }
        if usesOldSelf {
            if let loosePlace {
                findings.invalid(
                    "\(field).rule", .string(source),
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within \(loosePlace)")
            }
        } else if let given = rule["optionalOldSelf"] {
            findings.invalid("\(field).optionalOldSelf", given, "may not be set if oldSelf is not used in rule")
        }
    }

    /// The server prints a rule with the names and in the order of its own type, and as Go writes JSON for pages of HTML.
    private static func invalid(_ field: String, _ rule: JSONValue, _ why: String, into findings: inout Findings) {
        func text(_ name: String) -> String { JSONValue.string(rule[name]?.stringValue ?? "").serialized() }
        let json =
            "{\"Rule\":\(text("rule")),\"Message\":\(text("message")),\"MessageExpression\":\(text("messageExpression")),\"Reason\":\((rule["reason"] ?? .null).serialized()),\"FieldPath\":\(text("fieldPath")),\"OptionalOldSelf\":\((rule["optionalOldSelf"] ?? .null).serialized())}"
        let escaped = json.replacing("&", with: "\\u0026").replacing("<", with: "\\u003c").replacing(
            ">", with: "\\u003e")
        findings.append(
            APIStatus.Cause(reason: "FieldValueInvalid", message: "Invalid value: \(escaped): \(why)", field: field))
    }
}
