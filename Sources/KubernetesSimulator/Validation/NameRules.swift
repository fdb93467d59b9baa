/// The rules that names of all sorts follow, each answering with what the server says of a text that breaks them
/// (`k8s.io/apimachinery/pkg/util/validation`); an empty answer is good news.
enum NameRules {
    private static let labelForm = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

    static func dnsLabel(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 63 { problems.append("must be no more than 63 bytes") }
        if !isLabel(text) {
            problems.append(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '\(labelForm)')"
            )
        }
        return problems
    }

    static func dnsSubdomain(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 253 { problems.append("must be no more than 253 bytes") }
        if !text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ isLabel(String($0)) }) {
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '\(labelForm)(\\.\(labelForm))*')"
            )
        }
        return problems
    }

    /// Names that begin with a letter (RFC 1035), as Services' do.
    static func dns1035Label(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 63 { problems.append("must be no more than 63 bytes") }
        if !isLabel(text) || text.utf8.first.map(isDigit) == true {
            problems.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
            )
        }
        return problems
    }

    /// A host in an Ingress: `*.example.com`.
    static func wildcardSubdomain(_ text: String) -> [String] {
        if text.hasPrefix("*."), text.utf8.count <= 253, dnsSubdomain(String(text.dropFirst(2))).isEmpty { return [] }
        return [
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.\(labelForm)(\\.\(labelForm))*')"
        ]
    }

    /// A path segment: what names of roles and bindings may be.
    static func pathSegment(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        return ["/", "%"].filter(text.contains).map { "may not contain '\($0)'" }
    }

    /// A label's or annotation's key: `example.com/name`.
    static func qualifiedName(_ text: String) -> [String] {
        let form = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
        let part =
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '\(form)')"
        let pieces = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var problems: [String] = []
        if pieces.count == 2 {
            if pieces[0].isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += dnsSubdomain(pieces[0]).map { "prefix part \($0)" }
            }
        } else if pieces.count > 2 {
            return [
                "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '\(form)') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        let name = pieces.last ?? ""
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            problems.append("name part must be no more than 63 bytes")
        }
        if !isWord(name) { problems.append(part) }
        return problems
    }

    static func labelValue(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 63 { problems.append("must be no more than 63 bytes") }
        if !text.isEmpty, !isWord(text) {
            problems.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            )
        }
        return problems
    }

    static func environmentName(_ text: String) -> [String] {
        let bad = text.utf8.contains { !(32...126).contains($0) || $0 == UInt8(ascii: "=") } || text.isEmpty
        guard bad else { return [] }
        return [
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
        ]
    }

    static func configKey(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 253 { problems.append("must be no more than 253 bytes") }
        if text.isEmpty || !text.utf8.allSatisfy({ isAlphanumeric($0) || "-._".utf8.contains($0) }) {
            problems.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
        }
        if text == "." || text == ".." {
            problems.append("must not be '\(text)'")
        } else if text.hasPrefix("..") {
            problems.append("must not start with '..'")
        }
        return problems
    }

    static let kernelSettingForm =
        "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    /// A sysctl's name: `kernel.shm_rmid_forced`, with dots or slashes.
    static func isKernelSetting(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "." || $0 == "/" })
                .allSatisfy { isLabel(String($0).replacing("_", with: "-")) }
    }

    /// The name of an HTTP header (RFC 9110, "token", as far as the server takes it).
    static func headerName(_ text: String) -> [String] {
        if !text.isEmpty, text.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) { return [] }
        return [
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
        ]
    }

    /// A port's name (IANA service name).
    static func portName(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 15 { problems.append("must be no more than 15 bytes") }
        if !text.utf8.allSatisfy({ isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !text.utf8.contains(where: isLower) { problems.append("must contain at least one letter (a-z)") }
        if text.contains("--") { problems.append("must not contain consecutive hyphens") }
        if text.hasPrefix("-") || text.hasSuffix("-") { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    // MARK: Characters

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        func isEnd(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
        return isEnd(first) && isEnd(last) && text.utf8.allSatisfy { isEnd($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }
}
