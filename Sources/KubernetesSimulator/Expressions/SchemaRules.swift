internal import KubernetesObjects

/// A rule of a schema's `x-kubernetes-validations`, ready to be evaluated.
struct ValidationRule: Sendable {
    /// What one expression may cost, and all of an object's together (`k8s.io/apiserver/pkg/apis/cel/config.go`).
    static let callLimit = 1_000_000
    static let budget = 10_000_000

    var source: String
    var expression: Expression
    var message: String?
    var messageExpression: Expression?
    var reason: String?
    /// Without its leading dot.
    var fieldPath: String
    /// Whether it compares with the old value, and so asks for one.
    var usesOldSelf: Bool
    /// Whether the old value is an option, which is none where there is no old value.
    var takesOptionalOldSelf: Bool

    /// Nil where the rule cannot be read, which a definition's validation has told before.
    init?(_ json: JSONValue) {
        source = (json["rule"]?.stringValue ?? "").trimmed
        guard !source.isEmpty, let expression = try? ExpressionParser.expression(source) else { return nil }
        self.expression = expression
        message = json["message"]?.stringValue.flatMap { $0.isEmpty ? nil : $0.trimmed }
        let wanted = json["messageExpression"]?.stringValue?.trimmed ?? ""
        messageExpression = wanted.isEmpty ? nil : try? ExpressionParser.expression(wanted)
        reason = json["reason"]?.stringValue
        fieldPath = String((json["fieldPath"]?.stringValue ?? "").trimmed.drop { $0 == "." })
        usesOldSelf = expression.mentions("oldSelf") || (messageExpression?.mentions("oldSelf") ?? false)
        takesOptionalOldSelf = json["optionalOldSelf"]?.boolValue ?? false
    }

    /// The message when the rule is not kept, where it needs no evaluation.
    var plainMessage: String { message ?? "failed rule: \(source)" }
}

/// The rules of a schema, and of the schemas in it, as they are checked against objects
/// (`apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go`).
struct SchemaRules: Sendable {
    private let schema: JSONValue
    private let rules: [ValidationRule]
    private let properties: [String: SchemaRules]
    /// One or none, as are ``additional``.
    private let items: [SchemaRules]
    private let additional: [SchemaRules]
    private let alternatives: [SchemaRules]

    /// Nil for a schema without rules.
    init?(_ schema: JSONValue) { self.init(validation: schema, node: schema) }

    /// - Parameters:
    ///   - validation: Where the rules are: the schema itself, or one of its `allOf`.
    ///   - node: What says of which type the values are.
    private init?(validation: JSONValue, node: JSONValue) {
        schema = node
        rules = (validation["x-kubernetes-validations"]?.arrayValue ?? []).compactMap(ValidationRule.init)
        var properties: [String: SchemaRules] = [:]
        for (name, property) in validation["properties"]?.objectValue ?? [:] {
            guard let same = node.at("properties", name) else { continue }
            properties[name] = SchemaRules(validation: property, node: same)
        }
        self.properties = properties
        func child(_ name: String) -> [SchemaRules] {
            guard let mine = validation[name], let same = node[name], mine.objectValue != nil else { return [] }
            return SchemaRules(validation: mine, node: same).map { [$0] } ?? []
        }
        items = child("items")
        additional = child("additionalProperties")
        alternatives = (validation["allOf"]?.arrayValue ?? []).compactMap { SchemaRules(validation: $0, node: node) }
        if rules.isEmpty, properties.isEmpty, items.isEmpty, additional.isEmpty, alternatives.isEmpty { return nil }
    }

    /// Everything in an object that breaks a rule.
    ///
    /// - Parameter old: The object before an update. What is as it was there is not held against the new one, unless a rule
    ///   compares the two.
    func problems(in object: JSONValue, old: JSONValue?) -> [APIStatus.Cause] {
        var run = Run(isUpdate: old != nil)
        check(object, at: Place(path: "", old: old, isRoot: true), &run)
        return run.findings.causes
    }

    /// What is left to spend, and what was found.
    private struct Run {
        var isUpdate: Bool
        var findings = Findings()
        var budget = ValidationRule.budget
        var isOver = false
    }

    private struct Place {
        var path: String
        /// The value before the update, where one can be told to be the same.
        var old: JSONValue?
        /// Whether what is around it is as it was.
        var isParentUnchanged = false
        /// Whether its own equality with the old value counts; not so under `allOf`.
        var isCorrelated = true
        var isRoot = false

        var field: String { path.isEmpty ? "<nil>" : path }

        func isUnchanged(_ value: JSONValue) -> Bool {
            guard isCorrelated, let old else { return isParentUnchanged }
            return old == value
        }

        func child(_ suffix: String, old: JSONValue?, of value: JSONValue) -> Place {
            let joined = path.isEmpty && suffix.hasPrefix(".") ? String(suffix.dropFirst()) : path + suffix
            return Place(
                path: joined, old: old, isParentUnchanged: isUnchanged(value), isCorrelated: isCorrelated)
        }
    }

    private func check(_ value: JSONValue, at place: Place, _ run: inout Run) {
        if value.isNull || run.isOver { return }
        evaluate(value, at: place, &run)
        for alternative in alternatives where !run.isOver {
            var same = place
            same.isCorrelated = false
            alternative.check(value, at: same, &run)
        }
        switch value {
        case .array(let elements):
            guard let rules = items.first else { return }
            let keys =
                schema["x-kubernetes-list-type"] == "map"
                ? schema["x-kubernetes-list-map-keys"]?.arrayValue?.compactMap(\.stringValue) ?? [] : []
            for (index, element) in elements.enumerated() {
                let old =
                    keys.isEmpty
                    ? nil : place.old?.arrayValue?.first { old in keys.allSatisfy { old[$0] == element[$0] } }
                rules.check(element, at: place.child("[\(index)]", old: old, of: value), &run)
            }
        case .object(let members):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                if let rules = properties[name] {
                    rules.check(member, at: place.child(".\(name)", old: place.old?[name], of: value), &run)
                } else if let rules = additional.first {
                    rules.check(member, at: place.child("[\(name)]", old: place.old?[name], of: value), &run)
                }
            }
        default: break
        }
    }

    private func evaluate(_ value: JSONValue, at place: Place, _ run: inout Run) {
        if rules.isEmpty { return }
        let given = ExpressionValue(value, schema: schema)
        let old = place.old.map { ExpressionValue($0, schema: schema) }
        // Errors name the type, findings the value.
        let type = JSONValue.string(place.isRoot ? "object" : schema["type"]?.stringValue ?? "")
        for rule in rules {
            if rule.usesOldSelf, old == nil, !rule.takesOptionalOldSelf { continue }
            var variables = [(name: "self", value: given)]
            if rule.takesOptionalOldSelf {
                variables.append(("oldSelf", .optional(old)))
            } else if let old {
                variables.append(("oldSelf", old))
            }
            var evaluator = ExpressionEvaluator(variables: variables, limit: ValidationRule.callLimit)
            let result: ExpressionValue
            do throws(ExpressionError) {
                result = try evaluator.value(of: rule.expression)
            } catch {
                let spoken = rule.message ?? rule.source
                switch error {
                case .unsupported: continue
                case .costExceeded:
                    run.findings.invalid(
                        place.field, type,
                        "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: \(spoken)"
                    )
                    run.isOver = true
                    return
                case .evaluation(let text) where text.hasPrefix("no such overload"):
                    run.findings.invalid(
                        place.field, type,
                        "'\(text)': call arguments did not match a supported operator, function or macro signature for rule: \(spoken)"
                    )
                case .evaluation(let text):
                    run.findings.invalid(place.field, type, "\(text) evaluating rule: \(spoken)")
                }
                continue
            }
            run.budget -= evaluator.cost
            if run.budget < 0 {
                run.findings.invalid(
                    place.field, type,
                    "validation failed due to running out of cost budget, no further validation rules will be run")
                run.isOver = true
                return
            }
            if case .bool(true) = result { continue }
            if !rule.usesOldSelf, place.isUnchanged(value) { continue }
            refuse(value, rule, text: message(of: rule, variables), at: place, &run.findings)
        }
    }

    private func message(of rule: ValidationRule, _ variables: [(name: String, value: ExpressionValue)]) -> String {
        guard let expression = rule.messageExpression else { return rule.plainMessage }
        var evaluator = ExpressionEvaluator(variables: variables, limit: ValidationRule.callLimit)
        guard case .string(let text)? = try? evaluator.value(of: expression) else { return rule.plainMessage }
        let trimmed = text.trimmed
        return trimmed.isEmpty || trimmed.contains("\n") || trimmed.utf8.count > 5 * 1024 ? rule.plainMessage : trimmed
    }

    private func refuse(
        _ value: JSONValue, _ rule: ValidationRule, text: String, at place: Place, _ findings: inout Findings
    ) {
        let field =
            rule.fieldPath.isEmpty ? place.field : (place.path.isEmpty ? "" : place.path + ".") + rule.fieldPath
        // Of objects and lists only the field is told.
        let isOmitted = place.isRoot || schema["type"] == "object" || schema["type"] == "array"
        switch rule.reason {
        case "FieldValueForbidden": findings.forbidden(field, text)
        case "FieldValueRequired": findings.required(field, text)
        case "FieldValueDuplicate":
            if isOmitted {
                findings.append(
                    APIStatus.Cause(reason: "FieldValueDuplicate", message: "Duplicate value", field: field))
            } else {
                findings.duplicate(field, value)
            }
        default:
            if isOmitted {
                findings.append(
                    APIStatus.Cause(reason: "FieldValueInvalid", message: "Invalid value: \(text)", field: field))
            } else {
                findings.invalid(field, value, text)
            }
        }
    }
}

extension String {
    /// Without white space at its ends.
    var trimmed: String {
        let scalars = Array(unicodeScalars)
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(String.UnicodeScalarView(scalars[first...last]))
    }
}
