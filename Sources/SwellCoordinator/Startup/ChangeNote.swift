public import SwellIdentity

/// Who changed keys of the state directory last, in a file beside them. The commands that do so work on files alone: they run where a copy of
/// the directory is, which need not be where the database can be reached, and what they make counts once replicas have it. So a replica that
/// finds the keys audits the change, in the name that it finds with them.
public struct ChangeNote: Sendable, Hashable {
    /// Who it was.
    public var by: String
    /// What was left: whoever finds other keys learns nothing of who left those.
    public var keys: [String]

    public init(by: String, keys: [String]) {
        self.by = by
        self.keys = keys
    }

    /// Writes it over what is there.
    public func write(to path: String) throws(IdentityError) {
        let lines = ([by.filter { !$0.isNewline }] + keys).map { $0 + "\n" }.joined()
        try SecretFile.write(lines, to: path, mode: 0o644)
    }

    /// Who left these keys, as the file says; nil where it does not.
    public static func author(of keys: [String], at path: String) -> String? {
        guard SecretFile.exists(path), let text = try? SecretFile.read(path, access: .anybody) else { return nil }
        let lines = text.split(separator: "\n").map(String.init)
        guard let by = lines.first, Array(lines.dropFirst()) == keys else { return nil }
        return String(by.prefix(nameLimit))
    }

    /// The characters of a name that are kept.
    private static let nameLimit = 200
}

extension StateFolder {
    /// Who changed the authority last.
    public var authorityNote: String { directory.path + "/changed-by" }
    /// Who changed the keys in this file last.
    public static func note(of keys: SecretsKeyFile) -> String { keys.path + ".changed-by" }
}

extension AuthoritySet {
    /// What tells this set from the ones before and after it: the one that signs, and all that are trusted.
    public var changeKeys: [String] { ["\(issuing.fingerprint)"] + fingerprints.map { "\($0)" } }
}
