/// Keeps secrets out of logs: whole values under telling keys, and parts of any text that look like a secret.
enum Masking {
    static let mask = "***"

    /// Parts of a key, in lower case without separators, that make its value a secret.
    private static let tellingParts = [
        "password", "passwd", "secret", "token", "authorization", "credential", "privatekey", "apikey", "cookie",
    ]
    /// Keys that have such a part and are no secret all the same.
    private static let harmless: Set<String> = ["tokenid", "tokencount", "secretname"]

    /// Whether the value under `key` is never shown.
    static func hides(_ key: String) -> Bool {
        let plain = key.lowercased().filter { $0.isLetter || $0.isNumber }
        return !harmless.contains(plain) && tellingParts.contains { plain.contains($0) }
    }

    /// `text` without join tokens, bearer tokens, private keys and passwords in URLs.
    static func scrubbed(_ text: String) -> String {
        guard
            text.contains("swell-join.") || text.contains("-----BEGIN") || text.contains("://")
                || text.lowercased().contains("bearer ")
        else { return text }
        if text.contains("PRIVATE KEY-----") { return mask }
        var result = masked(after: "swell-join.", in: text)
        result = masked(after: "Bearer ", in: result)
        result = masked(after: "bearer ", in: result)
        return passwordsMasked(in: result)
    }

    /// Masks the word after every `prefix`.
    private static func masked(after prefix: String, in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: prefix) {
            result += rest[..<found.upperBound]
            result += mask
            rest = rest[found.upperBound...].drop { !isEndOfWord($0) }
        }
        return result + rest
    }

    /// Masks what stands between `:` and `@` in the authority of every URL.
    private static func passwordsMasked(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "://") {
            result += rest[..<found.upperBound]
            rest = rest[found.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" && !isEndOfWord($0) }
            if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
                result += authority[...colon] + mask
                rest = rest[at...]
            }
        }
        return result + rest
    }

    private static func isEndOfWord(_ character: Character) -> Bool {
        character.isWhitespace || character == "\"" || character == "'" || character == "," || character == ")"
    }
}
