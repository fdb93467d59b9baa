/// A validated name: a DNS-1123 label of at most 63 characters, or for versions and rollouts a subdomain-like word.
///
/// The `Kind` makes a cluster's name and a region's name different types; it is never instantiated.
public struct Name<Kind>: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The name as written.
    public let rawValue: String

    /// Takes a name in, refusing what Kubernetes would refuse as a DNS-1123 label (lower-case letters, digits, `-`, `.`; at most 63).
    public init(_ text: String) throws(ModelError) {
        guard Self.isValid(text) else {
            throw ModelError(
                code: .invalidName,
                message:
                    "'\(text.prefix(80))' is not a name: use lower-case letters, digits, '-' and '.', "
                    + "beginning and ending with a letter or digit, at most 63 characters")
        }
        self.rawValue = text
    }

    static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { rawValue }
}

extension Name: Codable {
    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

extension Name: CodingKeyRepresentable {
    public var codingKey: any CodingKey { NameKey(stringValue: rawValue) }
    public init?<T: CodingKey>(codingKey: T) {
        guard Self.isValid(codingKey.stringValue) else { return nil }
        self.rawValue = codingKey.stringValue
    }
}

private struct NameKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Name: ExpressibleByStringLiteral {
    /// For names spelled in source; a literal that is no name is a programmer's error.
    public init(stringLiteral text: String) {
        precondition(Self.isValid(text), "not a name: \(text)")
        self.rawValue = text
    }
}

/// The name of one cluster.
public typealias ClusterName = Name<Cluster>
/// The name of a region: the unit that an operator pauses.
public typealias RegionName = Name<Region>
/// The name of an environment, such as `production`.
public typealias EnvironmentName = Name<Environment>
/// The name of an application.
public typealias ApplicationName = Name<Application>
/// The name of a rollout policy.
public typealias PolicyName = Name<RolloutPolicy>
/// The name of a stage, unique in its policy.
public typealias StageName = Name<PolicyStage>
/// The name of a rollout, unique for ever.
public typealias RolloutName = Name<RolloutKind>

/// A place where clusters live. Only its name matters.
public enum Region {}
/// What a cluster is used for. Only its name matters.
public enum Environment {}
