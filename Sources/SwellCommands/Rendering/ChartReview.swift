internal import KubernetesObjects
internal import SwellModel

/// What helm would read beyond a chart, found before it is started: links out of the chart's folder, and schemas that name
/// others elsewhere.
struct ChartReview {
    /// Whether things may be fetched.
    var allowsRemote = false

    /// Looks at a chart's folder; what a packaged chart holds, helm itself keeps within.
    ///
    /// - Throws: ``CommandError`` naming the file.
    func check(_ folder: String) throws {
        for file in try FolderWalk(folder, extensions: nil).files() where file.hasSuffix("/values.schema.json") {
            let source = try SourceFiles.read([file], keepsForeign: true).files[0]
            // What is no JSON helm refuses itself.
            guard !allowsRemote, let schema = try? JSONValue(parsing: source.content, duplicateKeys: .keepLast),
                let reference = Self.outerReference(in: schema)
            else { continue }
            throw CommandError(
                code: .refused,
                message: "'\(file)' refers to '\(reference)', which is not of the chart; put it into the schema's own "
                    + "definitions; --allow-remote lets helm fetch it")
        }
    }

    /// The first `$ref` that is no place in the schema itself.
    private static func outerReference(in schema: JSONValue) -> String? {
        switch schema {
        case .object(let members):
            if case .string(let text)? = members["$ref"], !text.hasPrefix("#") { return text }
            return members.sorted { $0.key < $1.key }.lazy.compactMap { outerReference(in: $0.value) }.first
        case .array(let elements): return elements.lazy.compactMap(outerReference).first
        default: return nil
        }
    }
}
