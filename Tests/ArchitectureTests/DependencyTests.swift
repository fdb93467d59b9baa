internal import Foundation
internal import Testing

/// What comes from others comes at versions that somebody has looked at.
@Suite struct DependencyTests {
    let repository = Repository()

    /// Name, version and revision of each package that is listed.
    private func listed() throws -> [String: (version: String, revision: String)] {
        let lines = try repository.text("scripts/lib/dependencies.txt").split(separator: "\n")
        return try Dictionary(
            lines.filter { !$0.hasPrefix("#") }.map { line in
                let words = line.split(separator: " ").map(String.init)
                try #require(words.count == 3, "\(line)")
                return (words[0], (words[1], words[2]))
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test func everyDependencyOfTheManifestIsAtOneVersion() throws {
        let listed = try listed()
        let text = try repository.text("Package.swift")
        let packages = text.matches(of: /\.package\((.*)\)/).map { String($0.output.1) }
        #expect(packages.count > 10)
        for package in packages {
            let match = package.firstMatch(of: /^url: "[^"]*\/([^"\/]+)", exact: "([^"]+)"$/)
            let exact = try #require(match, "write `exact:` instead of \(package)")
            let name = exact.output.1.lowercased()
            #expect(listed[name]?.version == String(exact.output.2), "\(name) in scripts/lib/dependencies.txt")
        }
    }

    /// Those that dependencies bring are in no manifest of ours.
    @Test func whatIsBuiltIsWhatIsListed() throws {
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { var revision: String, version: String? }
                var identity: String
                var state: State
            }
            var pins: [Pin]
        }
        let file = repository.root.appending(path: "Package.resolved")
        let resolved = try JSONDecoder().decode(Resolved.self, from: Data(contentsOf: file))
        let listed = try listed()
        #expect(Set(resolved.pins.map(\.identity)) == Set(listed.keys))
        for pin in resolved.pins {
            #expect(pin.state.version == listed[pin.identity]?.version, "\(pin.identity)")
            #expect(pin.state.revision == listed[pin.identity]?.revision, "\(pin.identity)")
        }
    }

    /// The bill of materials that packages have with them.
    @Test func theBillOfMaterialsNamesWhatIsInsideAndWhatIsLoaded() async throws {
        struct Bill: Decodable {
            struct Component: Decodable { var name: String, version: String }
            var specVersion: String
            var components: [Component]
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/bash")
        let libraries = "libc6 (>= 2.34), nosuchlib9 (>= 1) | other, libgcc-s1"
        process.arguments = ["-euc", ". scripts/lib/packaging.sh; write_bill swell '\(libraries)'"]
        process.currentDirectoryURL = repository.root
        process.standardOutput = output
        try process.run()
        let bytes = try #require(try output.fileHandleForReading.readToEnd())
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let bill = try JSONDecoder().decode(Bill.self, from: bytes)
        #expect(bill.specVersion == "1.5")
        let listed = try listed()
        let components = Dictionary(uniqueKeysWithValues: bill.components.map { ($0.name, $0.version) })
        for (name, package) in listed { #expect(components[name] == package.version, "\(name)") }
        #expect(components["libc6"] != nil && components["nosuchlib9"] == "", "\(components)")
        #expect(components.count == listed.count + 3)
    }
}
