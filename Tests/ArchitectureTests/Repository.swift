internal import Foundation
internal import Testing

/// The repository's files as these tests read them.
struct Repository {
    /// The folder that holds `Package.swift`.
    let root: URL

    init() {
        root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    /// The text of a file, named relative to the root.
    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Every Swift file below a folder, generated ones left out.
    func swiftFiles(below folder: String) throws -> [URL] {
        let base = root.appending(path: folder)
        let walker = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        return walker.compactMap { $0 as? URL }
            .filter { $0.pathExtension == "swift" && !$0.path.contains("/Generated/") }
            .sorted { $0.path < $1.path }
    }
}

/// One target as the manifest declares it.
struct DeclaredTarget {
    let kind: String
    let name: String
    let path: String
    /// The dependencies within this package.
    let dependencies: Set<String>
    /// The line above the declaration, where its one-line description stands.
    let lineAbove: String
}

/// Reads the targets out of `Package.swift`'s text.
struct Manifest {
    let targets: [DeclaredTarget]

    init(text: String) throws {
        var found: [DeclaredTarget] = []
        for match in text.matches(of: /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "([^"]+)"/) {
            let kind = String(match.output.1)
            let name = String(match.output.2)
            let body = Self.balanced(text[match.range.lowerBound...])
            let list = body.firstMatch(of: /dependencies: \[([^\]]*)\]/).map { String($0.output.1) } ?? ""
            let quoted = list.matches(of: /"([^"]+)"/).map { String($0.output.1) }
            let explicit = body.firstMatch(of: /path: "([^"]+)"/).map { String($0.output.1) }
            let above = text[..<match.range.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast()
            found.append(
                DeclaredTarget(
                    kind: kind, name: name,
                    path: explicit ?? (kind == "testTarget" ? "Tests/\(name)" : "Sources/\(name)"),
                    dependencies: Set(quoted), lineAbove: above.last.map(String.init) ?? ""))
        }
        try #require(!found.isEmpty, "no targets were found in Package.swift")
        targets = found
    }

    /// The text up to the parenthesis that closes the first one.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 0
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" {
                depth -= 1
                if depth == 0 { return text[...index] }
            }
        }
        return text
    }
}
