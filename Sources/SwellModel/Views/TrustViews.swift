/// A certificate of a cluster's agent, as it is listed.
public struct CertificateView: Sendable, Hashable, Codable {
    /// In lower-case hexadecimal.
    public var serial: String
    /// Rises with each certificate of the cluster.
    public var number: Int64
    /// What it is worth: `valid`, `unused` (issued, and nobody has come with it), `replaced`, `revoked`, `expired`.
    public var state: String
    /// The serial number of the one that it was asked for with; nil where a token was spent.
    public var former: String?
    public var keyFingerprint: String?
    public var issuedAt: Timestamp
    public var expiresAt: Timestamp?
    public var usedAt: Timestamp?
    public var revokedAt: Timestamp?

    public init(
        serial: String, number: Int64, state: String, former: String?, keyFingerprint: String?, issuedAt: Timestamp,
        expiresAt: Timestamp?, usedAt: Timestamp?, revokedAt: Timestamp?
    ) {
        self.serial = serial
        self.number = number
        self.state = state
        self.former = former
        self.keyFingerprint = keyFingerprint
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
        self.revokedAt = revokedAt
    }
}

/// A join token as it is listed, without the token.
public struct ListedTokenView: Sendable, Hashable, Codable {
    /// Names the token, and lets nobody in.
    public var id: String
    public var cluster: ClusterName
    /// `open`, `spent` or `expired`.
    public var state: String
    public var createdBy: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    /// The serial number of the certificate that it was spent for.
    public var spentFor: String?

    public init(
        id: String, cluster: ClusterName, state: String, createdBy: String, createdAt: Timestamp, expiresAt: Timestamp,
        spentFor: String?
    ) {
        self.id = id
        self.cluster = cluster
        self.state = state
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.spentFor = spentFor
    }
}

/// Which of a cluster's certificates are to be revoked, and why.
public struct RevokeRequest: Sendable, Codable {
    /// One, with what was renewed with it; nil for all, and every token that nobody spent.
    public var serial: String?
    public var reason: String?

    public init(serial: String? = nil, reason: String? = nil) {
        self.serial = serial
        self.reason = reason
    }
}

/// What a revocation ended.
public struct RevocationView: Sendable, Hashable, Codable {
    /// The serial numbers of the certificates that counted until then.
    public var certificates: [String]
    /// How many tokens nobody had spent.
    public var tokens: Int

    public init(certificates: [String], tokens: Int) {
        self.certificates = certificates
        self.tokens = tokens
    }
}

/// For which clusters one certificate that is not listed is taken in, and until when.
public struct ReadmitRequest: Sendable, Codable {
    /// Nil means every cluster of the fleet, where ``all`` says so.
    public var clusters: [ClusterName]?
    public var all: Bool?
    /// How long the door stands open, such as `1h`; an hour if nothing is said, a day at most.
    public var within: Interval?
    /// Whether the doors are shut instead.
    public var close: Bool?

    public init(
        clusters: [ClusterName]? = nil, all: Bool? = nil, within: Interval? = nil, close: Bool? = nil
    ) {
        self.close = close
        self.clusters = clusters
        self.all = all
        self.within = within
    }
}

/// For whom the door stands open.
public struct ReadmissionView: Sendable, Hashable, Codable {
    /// Those whose door was opened, or was open and is shut.
    public var clusters: [ClusterName]
    /// Nil where doors were shut.
    public var until: Timestamp?
    /// Of those, the ones whose certificates were revoked: their agents come in by no door.
    public var revoked: [ClusterName]?

    public init(clusters: [ClusterName], until: Timestamp?, revoked: [ClusterName]? = nil) {
        self.revoked = revoked
        self.clusters = clusters
        self.until = until
    }
}
