/// What objects, labels and annotations may be called, by the API server's rules.
enum ObjectNames {
    /// The kinds of Kubernetes itself whose objects may be named by any segment of a path. All others of its own, and all that
    /// definitions bring, are named as DNS names.
    private static let segments: [String: Set<String>] = [
        "certificates.k8s.io": ["CertificateSigningRequest", "ClusterTrustBundle"],
        "networking.k8s.io": ["IPAddress"],
        "apiregistration.k8s.io": ["APIService"],
        "rbac.authorization.k8s.io": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
    ]

    /// What is wrong with a name; nil when nothing is.
    static func problem(_ name: String, type: GroupKind) -> String? {
        if segments[type.group]?.contains(type.kind) == true { return segmentProblem(name) }
        if type == GroupKind(kind: "Namespace") || type == GroupKind(kind: "Service") { return labelProblem(name) }
        // Its Jobs are named after it, with as much again as is left of 63.
        if type == GroupKind(group: "batch", kind: "CronJob"), name.utf8.count > 52 {
            return "is longer than 52 characters, as many as a CronJob's name may have"
        }
        // A group of somebody else's may be served by an API server of its own, with names of its own (OpenShift's users and
        // image tags have colons); what it refuses it says itself.
        let isOurs = !type.group.contains(".") || type.group.hasSuffix(".k8s.io")
        return isOurs ? subdomainProblem(name) : segmentProblem(name)
    }

    private static func segmentProblem(_ name: String) -> String? {
        let isBad = name == "." || name == ".." || name.utf8.contains { $0 == 0x2F || $0 == 0x25 }
        return isBad ? "must not be . or .. and must not contain / or %" : nil
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (0x41...0x5A).contains(byte)
    }

    /// A DNS label (RFC 1123).
    static func labelProblem(_ text: String) -> String? {
        let bytes = text.utf8
        guard bytes.count <= 63 else { return "is longer than 63 characters" }
        let fits = bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
        guard fits, let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return "must be lower-case letters, digits and '-', beginning and ending with a letter or digit" }
        return nil
    }

    /// A DNS subdomain (RFC 1123).
    static func subdomainProblem(_ text: String) -> String? {
        guard text.utf8.count <= 253 else { return "is longer than 253 characters" }
        let fits = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && label.allSatisfy { isLowerAlphanumeric($0) || $0 == 0x2D }
        }
        return fits
            ? nil
            : "must be lower-case letters, digits, '-' and '.', each part beginning and ending with a letter or digit"
    }

    private static func isQualifiedPart(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, text.count <= 63 else { return false }
        var last = first
        for byte in text {
            guard isAlphanumeric(byte) || byte == 0x2D || byte == 0x5F || byte == 0x2E else { return false }
            last = byte
        }
        return isAlphanumeric(first) && isAlphanumeric(last)
    }

    /// The key of a label or annotation.
    static func qualifiedKeyProblem(_ key: String) -> String? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        let advice = "must be [prefix/]name, the name up to 63 letters, digits, '-', '_' and '.'"
        guard parts.count <= 2, let name = parts.last, isQualifiedPart(Array(name.utf8)) else { return advice }
        if parts.count == 2, let problem = subdomainProblem(String(parts[0])) { return "has a prefix that \(problem)" }
        return nil
    }

    /// The value of a label.
    static func labelValueProblem(_ value: String) -> String? {
        if value.isEmpty || isQualifiedPart(Array(value.utf8)) { return nil }
        return "must be up to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    }
}
