internal import KubernetesObjects

/// What is wrong with an object, in the words of the server's `field.ErrorList`.
struct Findings {
    private(set) var causes: [APIStatus.Cause] = []

    var isEmpty: Bool { causes.isEmpty }

    private mutating func add(_ reason: String, _ field: String, _ message: String) {
        causes.append(APIStatus.Cause(reason: reason, message: message, field: field))
    }

    mutating func append(_ cause: APIStatus.Cause) { causes.append(cause) }
    mutating func append(_ others: Findings) { causes += others.causes }

    mutating func invalid(_ field: String, _ value: JSONValue?, _ why: String) {
        let said = "Invalid value: \((value ?? .null).serialized())"
        add("FieldValueInvalid", field, why.isEmpty ? said : "\(said): \(why)")
    }

    /// A text that breaks rules; each rule's complaint is a finding.
    mutating func invalid(_ field: String, _ text: String, _ problems: [String]) {
        for problem in problems { invalid(field, .string(text), problem) }
    }

    mutating func required(_ field: String, _ why: String = "") {
        add("FieldValueRequired", field, why.isEmpty ? "Required value" : "Required value: \(why)")
    }

    mutating func forbidden(_ field: String, _ why: String) {
        add("FieldValueForbidden", field, why.isEmpty ? "Forbidden" : "Forbidden: \(why)")
    }

    mutating func duplicate(_ field: String, _ value: JSONValue?) {
        duplicate(field, text: (value ?? .null).serialized())
    }

    /// A value that the server prints in a form of its own.
    mutating func duplicate(_ field: String, text: String) {
        add("FieldValueDuplicate", field, "Duplicate value: \(text)")
    }

    mutating func notFound(_ field: String, _ value: JSONValue?) {
        add("FieldValueNotFound", field, "Not found: \((value ?? .null).serialized())")
    }

    mutating func tooLong(_ field: String, _ most: Int) {
        add("FieldValueTooLong", field, "Too long: may not be more than \(most) bytes")
    }

    mutating func tooMany(_ field: String, _ count: Int, _ most: Int) {
        add("FieldValueTooMany", field, "Too many: \(count): must have at most \(most) items")
    }

    /// A value that is none of those known.
    ///
    /// - Parameter isSorted: whether those are listed in alphabetical order, as the server does where it keeps a set
    ///   of them, and not in the order given.
    mutating func unsupported(_ field: String, _ value: JSONValue?, _ known: [String], isSorted: Bool = true) {
        let list = (isSorted ? known.sorted() : known).map { JSONValue.string($0).serialized() }.joined(separator: ", ")
        add(
            "FieldValueNotSupported", field,
            "Unsupported value: \((value ?? "").serialized()): supported values: \(list)")
    }

    /// Refuses a text that is there and is none of those known.
    mutating func oneOf(_ known: [String], _ field: String, _ value: JSONValue?, isRequired: Bool = false) {
        guard let value, value.stringValue?.isEmpty == false else {
            if isRequired { required(field) }
            return
        }
        if !known.contains(value.stringValue ?? "") { unsupported(field, value, known) }
    }

    /// Refuses a text that is there and is none of those known, an empty one too: Go keeps it behind a pointer.
    mutating func oneOfGiven(_ known: [String], _ field: String, _ value: JSONValue?) {
        if let value, !known.contains(value.stringValue ?? "") { unsupported(field, value, known) }
    }

    /// Refuses a text that is missing or empty, or that breaks rules.
    mutating func name(_ field: String, _ value: JSONValue?, why: String = "", _ rule: (String) -> [String]) {
        let text = value?.stringValue ?? ""
        if text.isEmpty { required(field, why) } else { invalid(field, text, rule(text)) }
    }

    /// Refuses a number below zero.
    mutating func notNegative(_ field: String, _ value: JSONValue?) {
        if let number = value?.intValue, number < 0 { invalid(field, value, "must be greater than or equal to 0") }
    }

    /// Refuses a quantity below zero.
    mutating func notNegativeQuantity(_ field: String, _ value: JSONValue?) {
        if let value, let amount = Quantity.amount(value), amount < 0 {
            invalid(field, value, "must be greater than or equal to 0")
        }
    }

    /// Refuses a number that is no port.
    mutating func port(_ field: String, _ value: JSONValue?) {
        guard let number = value?.intValue else { return }
        if !(1...65_535).contains(number) { invalid(field, value, "must be between 1 and 65535, inclusive") }
    }

    /// Refuses a port given by number or by name.
    mutating func portNumberOrName(_ field: String, _ value: JSONValue?) {
        if let text = value?.stringValue { return invalid(field, text, NameRules.portName(text)) }
        port(field, value)
    }

    /// Refuses a count below zero or a percentage that is none.
    mutating func countOrPercentage(_ field: String, _ value: JSONValue?) {
        guard let value else { return }
        if let text = value.stringValue {
            let digits = text.dropLast()
            if !text.hasSuffix("%") || digits.isEmpty || !digits.allSatisfy(\.isWholeNumber) {
                invalid(
                    field, value,
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
                )
            }
        } else {
            notNegative(field, value)
        }
    }

    /// Refuses a percentage above one hundred.
    mutating func notAboveAll(_ field: String, _ value: JSONValue?) {
        guard let text = value?.stringValue, text.hasSuffix("%"), let number = Int(text.dropLast()), number > 100 else {
            return
        }
        invalid(field, value, "must not be greater than 100%")
    }
}
