internal import NIOHTTP1
internal import Synchronization

/// Takes what a server warns of in answers that are good, such as the use of a deprecated version, for as long as a task runs
/// under ``collecting(_:)``.
final class ServerWarnings: Sendable {
    @TaskLocal private static var current: ServerWarnings?
    /// More than these say nothing new to anybody.
    private static let capacity = 20

    private let texts = Mutex<[String]>([])

    /// Runs an operation and gives what was warned of in its requests, each text once, in the order of their coming.
    static func collecting<Result>(_ operation: () async throws -> Result) async rethrows -> (Result, [String]) {
        let warnings = ServerWarnings()
        let result = try await $current.withValue(warnings) { try await operation() }
        return (result, warnings.texts.withLock { $0 })
    }

    /// Notes the `Warning` headers of an answer.
    static func note(_ headers: HTTPHeaders) {
        guard let current else { return }
        for header in headers["warning"] {
            guard let text = text(of: header) else { continue }
            current.texts.withLock { texts in
                if texts.count < capacity, !texts.contains(text) { texts.append(text) }
            }
        }
    }

    /// The text of `299 - "text"` (RFC 7234, section 5.5); nil for other codes, which API servers do not send.
    static func text(of header: String) -> String? {
        guard header.hasPrefix("299 "), let start = header.firstIndex(of: "\"") else { return nil }
        var text = ""
        var isEscaped = false
        for character in header[header.index(after: start)...] {
            if isEscaped {
                text.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                return text
            } else {
                text.append(character)
            }
        }
        return nil
    }
}
