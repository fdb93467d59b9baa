internal import Foundation

/// A URL, read as Go's `url.ParseRequestURI` does: absolute, or a path from the root.
struct ResourceLocator: Sendable, Hashable {
    var text: String
    var scheme = ""
    /// With the port.
    var host = ""
    var path = ""
    var query = ""

    init?(_ text: String) {
        self.text = text
        guard !text.isEmpty, !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
            return nil
        }
        var rest = Substring(text)
        if let colon = rest.firstIndex(of: ":"), let first = rest.first, first.isASCII, first.isLetter,
            rest[..<colon].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        {
            scheme = rest[..<colon].lowercased()
            rest = rest[rest.index(after: colon)...]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if !rest.hasPrefix("/") {
            // Something opaque, such as `mailto:a@b`, is one only with a scheme.
            if scheme.isEmpty { return nil }
            return
        }
        if !scheme.isEmpty, rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            let authority = rest[..<end]
            host = String(authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority)
            rest = rest[end...]
            guard !host.contains(" "), !host.contains("<"), !host.contains("\""), isPortValid else { return nil }
        }
        guard Self.hasWholeEscapes(rest) else { return nil }
        path = String(rest)
    }

    private static func hasWholeEscapes(_ text: Substring) -> Bool {
        text.split(separator: "%", omittingEmptySubsequences: false).dropFirst().allSatisfy {
            $0.count >= 2 && $0.prefix(2).allSatisfy(\.isHexDigit)
        }
    }

    /// The place of the colon before the port.
    private var portMark: String.Index? {
        let start = host.lastIndex(of: "]") ?? host.startIndex
        return host[start...].lastIndex(of: ":")
    }

    private var isPortValid: Bool {
        if host.hasPrefix("["), !host.contains("]") { return false }
        guard let mark = portMark else { return true }
        return host[host.index(after: mark)...].allSatisfy { $0.isASCII && $0.isNumber }
    }

    var hostname: String {
        let name = portMark.map { host[..<$0] } ?? host[...]
        return name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : String(name)
    }

    var port: String { portMark.map { String(host[host.index(after: $0)...]) } ?? "" }

    /// The values of the query by their names, unescaped.
    var parameters: [String: [String]] {
        var result: [String: [String]] = [:]
        for pair in query.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let texts = sides.map { side in
                let plain = String(side).replacing("+", with: " ")
                return plain.removingPercentEncoding ?? plain
            }
            result[texts[0], default: []].append(texts.count > 1 ? texts[1] : "")
        }
        return result
    }
}

/// Kubernetes's URL library.
extension FunctionLibrary {
    static let locators: [String: [FunctionOverload]] = [
        "url": [
            function([.string], .url) { arguments throws(ExpressionError) in
                let text = try arguments[0].text()
                guard let locator = ResourceLocator(text) else {
                    throw .evaluation(
                        "URL parse error during conversion from string: parse \"\(text)\": invalid URI for request")
                }
                return .url(locator)
            }
        ],
        "isURL": [
            function([.string], .bool) { arguments throws(ExpressionError) in
                .bool(ResourceLocator(try arguments[0].text()) != nil)
            }
        ],
        "getScheme": [part(\.scheme)],
        "getHost": [part(\.host)],
        "getHostname": [part(\.hostname)],
        "getPort": [part(\.port)],
        "getEscapedPath": [part(\.path)],
        "getQuery": [
            method([.url], .map(.string, .list(.string))) { arguments throws(ExpressionError) in
                guard case .url(let locator) = arguments[0] else { throw .noSuchOverload }
                var entries: [ExpressionKey: ExpressionValue] = [:]
                for (name, values) in locator.parameters {
                    entries[.string(name)] = .ordered(values.map { .string($0) })
                }
                return .map(entries)
            }
        ],
    ]

    private static func part(_ path: any KeyPath<ResourceLocator, String> & Sendable) -> FunctionOverload {
        method([.url], .string) { arguments throws(ExpressionError) in
            guard case .url(let locator) = arguments[0] else { throw .noSuchOverload }
            return .string(locator[keyPath: path])
        }
    }
}
