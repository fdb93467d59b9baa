private import Crypto

/// Who may use the operator API: each operator by a bearer token, of which only the hash is kept.
public struct OperatorDirectory: Sendable, CustomStringConvertible {
    private struct Entry: Sendable {
        var name: String
        var hash: [UInt8]
    }
    private let entries: [Entry]

    /// - Parameter tokens: Each operator's name, as the audit log will have it, with the token. A token has at least 32 characters.
    public init(tokens: [(name: String, token: String)]) throws(ConsoleError) {
        for (name, token) in tokens where token.utf8.count < 32 {
            throw ConsoleError(
                code: .configuration, message: "the token of operator '\(name)' is shorter than 32 characters")
        }
        self.entries = tokens.map { Entry(name: $0.name, hash: Self.hash($0.token)) }
    }

    /// The operator whose token this is, or nil.
    ///
    /// Every entry is compared to its end, so that the time it takes tells nothing of how near a guess was.
    func operatorName(forToken token: some StringProtocol) -> String? {
        let hash = Self.hash(String(token))
        var name: String?
        for entry in entries {
            var difference: UInt8 = 0
            for (left, right) in zip(entry.hash, hash) { difference |= left ^ right }
            if difference == 0 { name = entry.name }
        }
        return name
    }

    private static func hash(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    /// The names only.
    public var description: String { entries.map(\.name).joined(separator: ", ") }
}
