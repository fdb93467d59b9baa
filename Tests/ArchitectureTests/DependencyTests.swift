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
}
