internal import Foundation
internal import Testing

/// The alerts of deploy/ are about metrics that there are, and labels that these have.
@Suite struct AlertTests {
    let repository = Repository()

    /// Every metric that the sources make, with its labels.
    private func metrics() throws -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for file in try repository.swiftFiles(below: "Sources") {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /(?:Counter|Gauge|Timer)\(\s*label: "(\w+)"(?:,\s*dimensions: \[([^\]]*)\])?/)
            {
                let labels = (match.output.2 ?? "").matches(of: /\("(\w+)",/).map { String($0.output.1) }
                found[String(match.output.1), default: []].formUnion(labels)
            }
        }
        return found
    }

    @Test func everyMetricOfTheAlertsIsThere() throws {
        let metrics = try metrics()
        #expect(metrics.count > 8, "\(metrics)")
        let rules = try repository.text("deploy/prometheus/alerts.yaml")
        var named: Set<String> = []
        for line in rules.split(separator: "\n") {
            guard let expression = line.firstMatch(of: /^\s+expr: (.*)$/)?.output.1 else { continue }
            let aggregated = expression.matches(of: /by \(([\w, ]+)\)/).flatMap { $0.output.1.split(separator: ",") }
            for match in expression.matches(of: /(swell_\w+)(?:\{([^}]*)\})?/) {
                let name = String(match.output.1)
                named.insert(name)
                let labels = try #require(metrics[name], "there is no metric \(name)")
                let asked =
                    (match.output.2 ?? "").matches(of: /(\w+)[!=]/).map { String($0.output.1) }
                    + aggregated.map { $0.trimmingCharacters(in: .whitespaces) }
                #expect(labels.isSuperset(of: asked), "\(name) has \(labels), not all of \(asked)")
            }
        }
        #expect(named.count >= 8)
    }

    @Test func everyMetricOfTheManualIsThere() throws {
        let metrics = try metrics()
        let manual = try repository.text("Sources/SwellCoordinator/SwellCoordinator.docc/Deploying.md")
        let rows = manual.split(separator: "\n").filter { $0.hasPrefix("| `swell_") }
        let named = rows.flatMap { row in
            (row.split(separator: "|").first ?? "").matches(of: /`(swell_\w+)`/).map { String($0.output.1) }
        }
        #expect(named.count > 12)
        // The registry counts what it has no room for itself.
        #expect(Set(named).subtracting(metrics.keys).sorted() == ["swell_metrics_overflowed_total"])
    }

    /// Each alert says what is wrong and what to do, and how much it matters.
    @Test func everyAlertSaysWhatToDo() throws {
        let alerts = try repository.text("deploy/prometheus/alerts.yaml").split(separator: "- alert: ").dropFirst()
        #expect(alerts.count > 8)
        for alert in alerts {
            for part in ["expr: ", "severity: ", "summary: ", "action: "] {
                #expect(alert.contains(part), "\(alert.prefix(40)) has no \(part)")
            }
        }
    }
}
