internal import KubernetesObjects
internal import SwellModel

/// What helm would read beyond a chart, found before it is started: links out of the chart's folder, and schemas that name
/// others elsewhere.
struct ChartReview {
    /// Whether things may be fetched.
    var allowsRemote = false

    /// Looks at a chart's folder.
    ///
    /// - Returns: Whether it is, or has, a packaged chart, whose schemas are not seen here: helm must not follow them.
    /// - Throws: ``CommandError`` naming the file.
    func check(_ folder: String) throws -> Bool {
        if folder.hasSuffix(".tgz") { return true }
        let files = try FolderWalk(folder, extensions: nil).files()
        for file in files where file.hasSuffix("/values.schema.json") && !allowsRemote {
            let source = try SourceFiles.read([file], keepsForeign: true).files[0]
            let schema: JSONValue
            do {
                schema = try JSONValue(parsing: source.content, duplicateKeys: .keepLast)
            } catch {
                throw CommandError(code: .refused, message: "'\(file)' is no JSON that can be looked at: \(error)")
            }
            guard let reference = Self.outerReference(in: schema) else { continue }
            throw CommandError(
                code: .refused,
                message: "'\(file)' refers to '\(reference)', which is not of the chart; put it into the schema's own "
                    + "definitions; --allow-remote lets helm fetch it")
        }
        return files.contains { $0.hasSuffix(".tgz") }
    }

    /// What a schema refers to others by.
    private static let references = ["$ref", "$dynamicRef", "$recursiveRef", "$schema"]

    /// The first reference that is no place in the schema itself, nor one of the well-known schemas that validators have built in.
    private static func outerReference(in schema: JSONValue) -> String? {
        switch schema {
        case .object(let members):
            for key in references {
                guard case .string(let text)? = members[key], !text.hasPrefix("#") else { continue }
                let isWellKnown =
                    key == "$schema"
                    && ["http://json-schema.org/", "https://json-schema.org/"].contains(where: text.hasPrefix)
                if !isWellKnown { return text }
            }
            return members.sorted { $0.key < $1.key }.lazy.compactMap { outerReference(in: $0.value) }.first
        case .array(let elements): return elements.lazy.compactMap(outerReference).first
        default: return nil
        }
    }
}
