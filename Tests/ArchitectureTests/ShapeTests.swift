internal import Foundation
internal import Testing

@Suite struct ShapeTests {
    let repository = Repository()

    @Test func topLevelHoldsOnlyTheAgreedEntries() throws {
        let agreed: Set = [
            "Package.swift", "Sources", "Tests", "clusters", "deploy", "scripts", "README.md", "Package.resolved",
            "LICENSE",
        ]
        let entries = try FileManager.default.contentsOfDirectory(atPath: repository.root.path).filter {
            !$0.hasPrefix(".")
        }
        #expect(Set(entries).subtracting(agreed).isEmpty)
    }

    @Test func everySourceTargetIsDescribedInTheLineAboveIt() throws {
        for target in try Manifest(text: repository.text("Package.swift")).targets
        where target.kind != "testTarget" && target.name != "CLibpq" {
            #expect(target.lineAbove.drop(while: \.isWhitespace).hasPrefix("//"), "\(target.name) lacks its line")
        }
    }

    @Test func everyLibraryRoomHasItsPage() throws {
        for target in try Manifest(text: repository.text("Package.swift")).targets
        where target.kind == "target" && target.path.hasPrefix("Sources/") {
            let page = repository.root.appending(path: "\(target.path)/\(target.name).docc/\(target.name).md")
            #expect(FileManager.default.fileExists(atPath: page.path), "\(target.name) lacks \(target.name).docc")
        }
    }

    @Test func noFileOutgrowsItsReader() throws {
        for folder in ["Sources", "Tests"] {
            for file in try repository.swiftFiles(below: folder) {
                let lines = try String(contentsOf: file, encoding: .utf8).split(
                    separator: "\n", omittingEmptySubsequences: false
                ).count
                #expect(lines <= 600, "\(file.lastPathComponent) has \(lines) lines: it is two files")
            }
        }
    }

    @Test func theReadmesTwoCommandsAreExecutable() {
        for script in ["scripts/demo", "scripts/test"] {
            #expect(
                FileManager.default.isExecutableFile(atPath: repository.root.appending(path: script).path), "\(script)")
        }
    }
}

@Suite struct MigrationTests {
    /// A file that the program does not know is never applied, and nothing else says so.
    @Test func everyMigrationFileIsKnownToTheProgram() throws {
        let repository = Repository()
        let folder = repository.root.appending(path: "Sources/SwellStore/Migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".sql") }
        let known = try repository.text("Sources/SwellStore/PostgreSQL/Migrator.swift")
        #expect(files.count >= 4)
        for file in files {
            let resource = "_" + file.dropFirst().replacing(".", with: "_").replacing("-", with: "_")
            #expect(known.contains("PackageResources.\(resource)"), "\(file) is not among the migrations")
        }
    }
}
