private import FoundationEssentials

#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

/// An empty folder of the user's own, gone afterwards: the home of programs that render.
enum ScratchFolder {
    static func with<Result: Sendable>(_ body: (String) async throws -> Result) async throws -> Result {
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base.hasSuffix("/") ? base : base + "/")swell-render-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandError(code: .refused, message: "no folder can be made in '\(base)' to render in")
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}
