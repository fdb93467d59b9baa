/// One way to call a function: by arguments of certain types.
struct FunctionOverload: Sendable {
    typealias Body = @Sendable ([ExpressionValue]) throws(ExpressionError) -> ExpressionValue

    /// Whether the first parameter stands before the dot.
    var isMethod: Bool
    var parameters: [ExpressionType]
    var result: ExpressionType
    var body: Body
}

/// The functions that API servers offer to rules: the language's own, those of its string and set extensions, and
/// Kubernetes's libraries (`k8s.io/apiserver/pkg/cel/library`).
enum FunctionLibrary {
    static let functions: [String: [FunctionOverload]] = {
        var table: [String: [FunctionOverload]] = [:]
        for part in [
            operators, numbers, conversions, times, strings, lists, patterns, optionals, sets, quantities, addresses,
            locators, formats,
        ] {
            table.merge(part) { $0 + $1 }
        }
        return table
    }()

    /// Functions that the server has and the simulator does not: a rule that calls one is taken for kept.
    static let unknown: Set<String> = [
        "authorizer", "semver", "isSemver", "base64.encode", "base64.decode", "math.greatest", "math.least",
        "math.ceil", "math.floor", "math.round", "math.trunc", "math.abs", "math.sign", "math.isNaN", "math.isInf",
        "math.isFinite", "math.bitAnd", "math.bitOr", "math.bitXor", "math.bitNot", "math.bitShiftLeft",
        "math.bitShiftRight", "lists.range", "slice", "flatten", "distinct", "reverse", "sort", "sortBy", "first",
        "last",
    ]

    static func function(
        _ parameters: [ExpressionType], _ result: ExpressionType, _ body: @escaping FunctionOverload.Body
    ) -> FunctionOverload {
        FunctionOverload(isMethod: false, parameters: parameters, result: result, body: body)
    }

    static func method(
        _ parameters: [ExpressionType], _ result: ExpressionType, _ body: @escaping FunctionOverload.Body
    ) -> FunctionOverload {
        FunctionOverload(isMethod: true, parameters: parameters, result: result, body: body)
    }

    static let anyA = ExpressionType.parameter("A")
    static let anyB = ExpressionType.parameter("B")
}

extension ExpressionValue {
    // What a parameter's type has promised already.
    func int() throws(ExpressionError) -> Int64 {
        guard case .int(let value) = self else { throw .noSuchOverload }
        return value
    }

    func text() throws(ExpressionError) -> String {
        guard case .string(let value) = self else { throw .noSuchOverload }
        return value
    }

    func elements() throws(ExpressionError) -> [ExpressionValue] {
        guard case .list(let value) = self else { throw .noSuchOverload }
        return value.elements
    }
}
