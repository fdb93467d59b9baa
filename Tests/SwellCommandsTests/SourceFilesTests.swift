internal import FoundationEssentials
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

@Suite struct SourceFilesTests {
    /// A folder that goes away after the test.
    private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/swell-files-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, content) in files {
            let path = "\(folder)/\(name)"
            let parent = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try Data(content.utf8).write(to: URL(filePath: path))
        }
        try body(folder)
    }

    private let cluster = "apiVersion: swell.dev/v1\nkind: Cluster\n"
    private let deployment = "apiVersion: apps/v1\nkind: Deployment\n"

    @Test func readsFoldersInOrderAndLeavesForeignFilesOut() throws {
        try withFolder([
            "b.yaml": cluster, "a/z.yml": cluster, "a/manifests/web.yaml": deployment, "README.md": "no",
            ".hidden.yaml": "x",
        ]) { folder in
            let (files, skipped) = try SourceFiles.read([folder], keepsForeign: false)
            #expect(files.map(\.name) == ["\(folder)/a/z.yml", "\(folder)/b.yaml"])
            #expect(skipped == ["\(folder)/a/manifests/web.yaml"])
            #expect(try SourceFiles.read([folder], keepsForeign: true).files.count == 3)
            #expect(try SourceFiles.read(["\(folder)/a/manifests/web.yaml"], keepsForeign: false).files.count == 1)
        }
    }

    /// A file of holes takes no room in a repository.
    @Test func aFileIsReadNoFurtherThanMayBeSent() throws {
        try withFolder(["a.yaml": "x: 1\n"]) { folder in
            let file = try #require(fopen("\(folder)/a.yaml", "r+"))
            #expect(ftruncate(fileno(file), 8 << 30) == 0)
            fclose(file)
            let error = #expect(throws: CommandError.self) { try SourceFiles.read([folder], keepsForeign: true) }
            #expect(error?.message.contains("a.yaml' has more than 24 MiB") == true, "\(error?.message ?? "")")
        }
    }

    @Test func saysWhatIsMissing() throws {
        try withFolder(["a.txt": "x"]) { folder in
            let missing = #expect(throws: CommandError.self) {
                try SourceFiles.read(["\(folder)/b"], keepsForeign: true)
            }
            #expect(missing?.message.contains("there is no file or folder") == true)
            let empty = #expect(throws: CommandError.self) { try SourceFiles.read([folder], keepsForeign: true) }
            #expect(empty?.message.contains("has no file that ends in") == true)
        }
    }
}
