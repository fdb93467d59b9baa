internal import Foundation
internal import Testing

/// The threat model says of each defence which test shows it: those tests are there.
@Suite struct ThreatModelTests {
    let repository = Repository()

    /// What stands between backticks in the last column of the page's tables.
    private func named() throws -> [String] {
        let page = try repository.text("Sources/SwellCoordinator/SwellCoordinator.docc/ThreatModel.md")
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| ") }
        return rows.flatMap { row in
            let cells = row.split(separator: "|", omittingEmptySubsequences: false)
            return (cells.dropLast().last ?? "").matches(of: /`([^`]+)`/).map { String($0.output.1) }
        }.filter { !$0.hasPrefix("swell ") }
    }

    @Test func everyTestThatItNamesIsThere() throws {
        let names = try named()
        #expect(names.count > 40)
        let tests = try repository.swiftFiles(below: "Tests").map { try String(contentsOf: $0, encoding: .utf8) }
            .joined(separator: "\n")
        for name in Set(names) {
            // A function's name, or what a test is called in words.
            #expect(tests.contains("func \(name)(") || tests.contains("\"\(name)\""), "there is no test '\(name)'")
        }
    }
}
