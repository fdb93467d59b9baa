internal import FoundationEssentials
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// Folders as people keep them: with links, with much else in them, with names in any script.
@Suite struct FolderWalkTests {
    private let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    private func names(_ folder: String) throws -> [String] {
        try SourceFiles.read([folder], keepsForeign: true).files.map {
            String($0.name.dropFirst(folder.utf8.count + 1))
        }
    }

    private func refusal(_ folder: String) -> String {
        #expect(throws: CommandError.self) { try SourceFiles.read([folder], keepsForeign: true) }?.message ?? ""
    }

    @Test func followsLinksWithinTheFolder() async throws {
        try await SourceFolder.with(["r/own.yaml": map, "r/base/cm.yaml": map, "r/.data/x.yaml": map]) { folder in
            try link("\(folder)/r/common", to: "base")
            try link("\(folder)/r/x.yaml", to: ".data/x.yaml")
            #expect(
                try names("\(folder)/r") == ["base/cm.yaml", "own.yaml", "x.yaml"],
                "what two paths lead to is read once")
            try link("\(folder)/named", to: "r")
            #expect(try names("\(folder)/named").count == 3, "a link may be named itself")
        }
    }

    @Test func refusesLinksBeyondTheFolder() async throws {
        try await SourceFolder.with(["base/cm.yaml": map, "r2/own.yaml": map, "notes.txt": "x"]) { folder in
            try link("\(folder)/r2/NOTES.txt", to: "../notes.txt")
            #expect(try names("\(folder)/r2") == ["own.yaml"], "what is not read may lead where it likes")
            try link("\(folder)/r2/common", to: "../base")
            #expect(
                refusal("\(folder)/r2").hasPrefix(
                    "'\(folder)/r2/common' is a symbolic link out of '\(folder)/r2', to '"))
            try FileManager.default.removeItem(atPath: "\(folder)/r2/common")
            try link("\(folder)/r2/z.yaml", to: "../base/cm.yaml")
            #expect(refusal("\(folder)/r2").hasPrefix("'\(folder)/r2/z.yaml' is a symbolic link out of"))
        }
    }

    @Test func refusesLinksInCirclesAndToNowhere() async throws {
        try await SourceFolder.with(["r/a/cm.yaml": map, "s/b.yaml": map]) { folder in
            try link("\(folder)/r/a/again", to: "..")
            #expect(
                refusal("\(folder)/r").contains("'\(folder)/r/a/again' is a symbolic link to a folder that it lies in"))
            try link("\(folder)/s/gone", to: "missing")
            #expect(refusal("\(folder)/s") == "'\(folder)/s/gone' is a symbolic link that leads nowhere")
        }
    }

    @Test func findsThreeManifestsAmongTenThousandFiles() async throws {
        try await SourceFolder.with(["m/1/a.yaml": map, "m/2/b.yml": map, "m/c.json": "{}"]) { folder in
            for index in 0..<9_997 {
                _ = FileManager.default.createFile(
                    atPath: "\(folder)/m/\(index % 2 + 1)/\(index).txt", contents: Data())
            }
            let found = try names("\(folder)/m")
            #expect(found == ["1/a.yaml", "2/b.yml", "c.json"])
        }
    }

    /// Two names that Swift calls equal are two files, in one order wherever they lie.
    @Test func tellsNamesApartByBytes() async throws {
        try await SourceFolder.with(["m/日本.yaml": map]) { folder in
            for name in ["caf\u{E9}", "cafe\u{301}"] {
                _ = FileManager.default.createFile(atPath: "\(folder)/m/\(name).yaml", contents: Data(map.utf8))
            }
            let found = try names("\(folder)/m")
            #expect(found.map { $0.utf8.count } == [11, 10, 11])
        }
    }
}
