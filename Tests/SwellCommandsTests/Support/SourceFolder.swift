internal import FoundationEssentials
internal import SwellModel

@testable internal import SwellCommands

/// Folders of sources, and what renders them.
enum SourceFolder {
    /// The variables that tests run with.
    static let environment = ProcessInfo.processInfo.environment

    static func isInstalled(_ program: String) -> Bool {
        (environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// A folder with these files that goes away after the test.
    static func with(_ files: [String: String], _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-sources-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, content) in files {
            let path = "\(folder)/\(name)"
            let parent = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try Data(content.utf8).write(to: URL(filePath: path))
            if name.hasPrefix("bin/") {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
        }
        try await body(folder)
    }

    static func sources(
        _ environment: [String: String], values: [String] = [], set: [String] = [], timeout: Duration = .seconds(60)
    ) -> ReleaseSources {
        ReleaseSources(
            application: "shop", chart: .init(values: values, set: set),
            program: RenderingProgram(environment: environment, timeout: timeout))
    }
}
