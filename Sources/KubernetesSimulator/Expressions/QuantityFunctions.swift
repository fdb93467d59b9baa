internal import Foundation

extension Quantity {
    /// A quantity to reckon with, without rounding.
    struct Exact: Sendable, Hashable {
        var amount: Decimal

        /// Nil for a text that is no quantity.
        init?(_ text: String) {
            let digits = text.prefix { "+-0123456789.".contains($0) }
            let suffix = String(text.dropFirst(digits.count))
            let unsigned = digits.first == "-" || digits.first == "+" ? digits.dropFirst() : digits
            let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count <= 2, unsigned.contains(where: \.isNumber), digits.utf8.count <= 34,
                parts.allSatisfy({ $0.allSatisfy(\.isNumber) }),
                let number = Decimal(string: String(digits), locale: nil)
            else { return nil }
            if let index = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: suffix) {
                amount = number * pow(Decimal(1024), index + 1)
                return
            }
            let powers = ["n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18]
            if let power = powers[suffix] {
                amount = number * Self.ten(power)
                return
            }
            guard let mark = suffix.first, mark == "e" || mark == "E", let power = Int(suffix.dropFirst()),
                abs(power) <= 60
            else { return nil }
            amount = number * Self.ten(power)
        }

        init(amount: Decimal) { self.amount = amount }

        private static func ten(_ power: Int) -> Decimal {
            Decimal(sign: .plus, exponent: power, significand: 1)
        }

        /// The whole number, where it is one of 64 bits.
        var integer: Int64? {
            var whole = Decimal()
            var given = amount
            NSDecimalRound(&whole, &given, 0, .plain)
            guard whole == amount, amount >= Decimal(Int64.min), amount <= Decimal(Int64.max) else { return nil }
            return Int64("\(amount)")
        }
    }
}

/// Kubernetes's quantity library.
extension FunctionLibrary {
    static let quantities: [String: [FunctionOverload]] = [
        "quantity": [
            function([.string], .quantity) { arguments throws(ExpressionError) in
                guard let quantity = Quantity.Exact(try arguments[0].text()) else {
                    throw .evaluation(Quantity.complaint)
                }
                return .quantity(quantity)
            }
        ],
        "isQuantity": [
            function([.string], .bool) { arguments throws(ExpressionError) in
                .bool(Quantity.Exact(try arguments[0].text()) != nil)
            }
        ],
        "isInteger": [
            method([.quantity], .bool) { arguments throws(ExpressionError) in
                .bool(try arguments[0].quantity().integer != nil)
            }
        ],
        "asInteger": [
            method([.quantity], .int) { arguments throws(ExpressionError) in
                guard let integer = try arguments[0].quantity().integer else {
                    throw .evaluation("cannot convert value to integer")
                }
                return .int(integer)
            }
        ],
        "asApproximateFloat": [
            method([.quantity], .double) { arguments throws(ExpressionError) in
                .double(NSDecimalNumber(decimal: try arguments[0].quantity().amount).doubleValue)
            }
        ],
        "sign": [
            method([.quantity], .int) { arguments throws(ExpressionError) in
                let amount = try arguments[0].quantity().amount
                return .int(amount == 0 ? 0 : (amount < 0 ? -1 : 1))
            }
        ],
        "isGreaterThan": [
            method([.quantity, .quantity], .bool) { arguments throws(ExpressionError) in
                .bool(try arguments[0].quantity().amount > arguments[1].quantity().amount)
            }
        ],
        "isLessThan": [
            method([.quantity, .quantity], .bool) { arguments throws(ExpressionError) in
                .bool(try arguments[0].quantity().amount < arguments[1].quantity().amount)
            }
        ],
        "compareTo": [
            method([.quantity, .quantity], .int) { arguments throws(ExpressionError) in
                let (left, right) = (try arguments[0].quantity().amount, try arguments[1].quantity().amount)
                return .int(left < right ? -1 : (left == right ? 0 : 1))
            }
        ],
        "add": sums { $0 + $1 },
        "sub": sums { $0 - $1 },
    ]

    private static func sums(_ sum: @escaping @Sendable (Decimal, Decimal) -> Decimal) -> [FunctionOverload] {
        [
            method([.quantity, .quantity], .quantity) { arguments throws(ExpressionError) in
                .quantity(
                    Quantity.Exact(amount: sum(try arguments[0].quantity().amount, try arguments[1].quantity().amount)))
            },
            method([.quantity, .int], .quantity) { arguments throws(ExpressionError) in
                .quantity(
                    Quantity.Exact(amount: sum(try arguments[0].quantity().amount, Decimal(try arguments[1].int()))))
            },
        ]
    }
}

extension ExpressionValue {
    fileprivate func quantity() throws(ExpressionError) -> Quantity.Exact {
        guard case .quantity(let value) = self else { throw .noSuchOverload }
        return value
    }
}
