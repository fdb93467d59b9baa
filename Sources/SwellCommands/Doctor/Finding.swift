internal import SwellModel

/// One thing that was looked at, how it is, and what to do where it is not as it should be.
struct Finding: Sendable, Hashable, Codable {
    /// How it stands, the worst last.
    enum Standing: String, Sendable, Codable, CaseIterable {
        case ok, warning, broken
    }

    /// What was looked at, in a word.
    var check: String
    var standing: Standing
    var message: String
    /// What to do; nil where it is well.
    var advice: String?

    static func ok(_ check: String, _ message: String) -> Finding {
        Finding(check: check, standing: .ok, message: message)
    }
    static func warning(_ check: String, _ message: String, _ advice: String) -> Finding {
        Finding(check: check, standing: .warning, message: message, advice: advice)
    }
    static func broken(_ check: String, _ message: String, _ advice: String) -> Finding {
        Finding(check: check, standing: .broken, message: message, advice: advice)
    }
}

/// All that was found.
struct Diagnosis: Sendable, Codable {
    var apiVersion = DocumentKind.apiVersion
    var kind = "Diagnosis"
    /// As the worst of the findings stands.
    var standing: Finding.Standing
    var findings: [Finding]
    /// The facts that it was judged by; nil where the server did not tell.
    var installation: InstallationView?

    init(_ findings: [Finding], of installation: InstallationView?) {
        self.findings = findings
        self.installation = installation
        let found = Set(findings.map(\.standing))
        standing = Finding.Standing.allCases.last(where: found.contains) ?? .ok
    }

    func count(_ standing: Finding.Standing) -> Int { findings.count { $0.standing == standing } }

    /// `2 broken, 1 warning, 9 in order`.
    var summary: String {
        let warnings = count(.warning)
        return "\(count(.broken)) broken, \(warnings) \(warnings == 1 ? "warning" : "warnings"), \(count(.ok)) in order"
    }
}
