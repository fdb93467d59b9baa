/// Regular expressions: `matches`, and Kubernetes's `find` and `findAll`.
extension FunctionLibrary {
    static let patterns: [String: [FunctionOverload]] = [
        "matches": [
            method([.string, .string], .bool, matches), function([.string, .string], .bool, matches),
        ],
        "find": [
            method([.string, .string], .string) { arguments throws(ExpressionError) in
                let found = try search(arguments, most: 1)
                return .string(found.first ?? "")
            }
        ],
        "findAll": [
            method([.string, .string], .list(.string)) { arguments throws(ExpressionError) in
                .ordered(try search(arguments, most: -1).map { .string($0) })
            },
            method([.string, .string, .int], .list(.string)) { arguments throws(ExpressionError) in
                .ordered(try search(arguments, most: try arguments[2].int()).map { .string($0) })
            },
        ],
    ]

    private static let matches: FunctionOverload.Body = { arguments throws(ExpressionError) in
        guard let isFound = Pattern(try arguments[1].text())?.isFound(in: try arguments[0].text()) else {
            throw .unsupported
        }
        return .bool(isFound)
    }

    private static func search(_ arguments: [ExpressionValue], most: Int64) throws(ExpressionError) -> [String] {
        guard let pattern = Pattern(try arguments[1].text()) else { throw .unsupported }
        let scalars = Array(try arguments[0].text().unicodeScalars)
        var result: [String] = []
        var place = 0
        var end = -1
        while place <= scalars.count, most < 0 || result.count < most {
            guard let found = pattern.firstMatch(in: scalars, from: place) else { throw .unsupported }
            guard let range = found else { break }
            // Nothing right behind a match is no match of its own.
            if !range.isEmpty || range.lowerBound != end {
                result.append(String(String.UnicodeScalarView(scalars[range])))
            }
            end = range.upperBound
            place = range.isEmpty ? range.upperBound + 1 : range.upperBound
        }
        return result
    }
}
