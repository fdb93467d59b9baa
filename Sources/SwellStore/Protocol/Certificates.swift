public import SwellModel

/// A certificate, before its agent gets it.
public struct CertificateNote: Sendable, Hashable {
    /// In lower-case hexadecimal.
    public var serial: String
    /// Of the key that it is for.
    public var keyFingerprint: String
    /// When it ceases to be valid, by the coordinator's clock.
    public var expiresAt: Timestamp
    /// When it was issued, by the coordinator's clock, where it is listed later than that; nil for now.
    public var issuedAt: Timestamp?

    public init(serial: String, keyFingerprint: String, expiresAt: Timestamp, issuedAt: Timestamp? = nil) {
        self.serial = serial
        self.keyFingerprint = keyFingerprint
        self.expiresAt = expiresAt
        self.issuedAt = issuedAt
    }
}

/// A certificate in somebody's hands, as its verified names have it.
public struct CertificateUse: Sendable, Hashable, Comparable {
    public var cluster: ClusterName
    public var serial: String

    public init(_ cluster: ClusterName, serial: String) {
        self.cluster = cluster
        self.serial = serial
    }

    public static func < (first: Self, second: Self) -> Bool {
        (first.cluster, first.serial) < (second.cluster, second.serial)
    }
}

/// Whether a certificate counts, and if not, why. Only what is listed counts; a valid signature alone does not.
public enum CertificateStanding: Sendable, Hashable {
    /// It counts. Until it was used, the one before it counts as well: its answer may have been lost on the way.
    case counts(isUsed: Bool)
    /// It is not listed: issued after the moment that the store was restored to, or expired long ago.
    case unknown
    /// It is not listed, and an operator has opened the door for one such certificate of this cluster.
    case awaited
    /// An operator revoked it, or its cluster left the fleet since.
    case revoked(at: Timestamp)
    /// A later enrolment or renewal has taken its place: whoever comes with it holds a copy, or fell behind one.
    case superseded
    /// Its cluster is not in the fleet.
    case notInFleet

    /// Whether it counts.
    public var counts: Bool { if case .counts = self { true } else { false } }
}

/// A certificate as it is listed.
public struct CertificateRecord: Sendable, Hashable, Codable {
    public var serial: String
    public var cluster: ClusterName
    /// Rises with each certificate of the cluster; 0 for those from before there were numbers.
    public var number: Int64
    /// The serial number of the one that it was asked for with; nil where a token was spent.
    public var former: String?
    public var keyFingerprint: String?
    /// By the store's clock; of one that the door took in, by the clock of who issued it.
    public var issuedAt: Timestamp
    public var expiresAt: Timestamp?
    public var usedAt: Timestamp?
    public var revokedAt: Timestamp?
    /// Whether it counts, as far as the list says: it may have expired.
    public var counts: Bool

    public init(
        serial: String, cluster: ClusterName, number: Int64, former: String? = nil, keyFingerprint: String? = nil,
        issuedAt: Timestamp, expiresAt: Timestamp? = nil, usedAt: Timestamp? = nil, revokedAt: Timestamp? = nil,
        counts: Bool
    ) {
        self.serial = serial
        self.cluster = cluster
        self.number = number
        self.former = former
        self.keyFingerprint = keyFingerprint
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
        self.revokedAt = revokedAt
        self.counts = counts
    }
}

/// The number of a cluster's certificate below which none counts, since a revocation, a removal or an enrolment ended all before it.
///
/// A store that was restored to a moment before has forgotten it. The replicas that remember it, beside the store, bring it back. By its moment
/// and not by its number, which the restored store has given again, it ends of its cluster what was issued before, and what was renewed
/// with that, whenever that was; never what the enrolment brought, nor what was renewed with that. Whose clock is right cannot be told to the
/// minute (``tolerance``): where the store is not of before for sure, a certificate counts in doubt; otherwise it was ended in doubt, and its
/// agent is told that a new token helps.
///
/// | certificate | not listed, at the open door | listed, at a replica that remembers | listed, as the floor is raised |
/// | --- | --- | --- | --- |
/// | any, where the store knows this floor or a later one | by the later one's moment | as the list says | nothing is raised |
/// | the enrolment's own | taken in | counts | stays |
/// | renewed with the enrolment's own | by its moment, as below | counts | stays |
/// | issued more than a minute before | refused | refused | ended |
/// | issued within a minute before or after | refused | counts | ended |
/// | issued later | taken in | counts | stays |
/// | renewed with one that is ended, in the store that had forgotten | by its moment, as above | counts until the floor is raised | ended, and remembered by its serial number |
/// | remembered by its serial number, or renewed with one that is | refused; the latter by its moment | refused; the latter counts until it is ended | ended |
///
/// The store's list is what a replica believes, but where the store is behind what it remembers: a floor may have been noted under a clock that
/// was ahead, and what is renewed since bears moments before it. Remembered it is by a moment no later than when the replica heard of it.
///
/// A store knows its own floor, too, and takes nobody in by the door whom it ended, whether or not the replica remembers it. A floor that is
/// raised closes the door, as each that is new does, and is told to the other replicas. Where nothing of the cluster that counts stays, the
/// numbers go on above all that are listed, and the next agent may say another uid; otherwise what stays keeps its place.
public struct TrustFloor: Sendable, Hashable, Codable {
    public var cluster: ClusterName
    public var number: Int64
    /// When they were ended, by the store's clock.
    public var at: Timestamp
    /// The serial number of the certificate that an enrolment brought then; nil for a revocation or a removal.
    public var serial: String?

    public init(cluster: ClusterName, number: Int64, at: Timestamp, serial: String? = nil) {
        self.cluster = cluster
        self.number = number
        self.at = at
        self.serial = serial
    }

    /// By how much a moment in a certificate and one of the store may be apart.
    public static let tolerance = Interval.minutes(1)

    /// Whether it ended a certificate, by its moment alone.
    ///
    /// - Parameter tolerance: Up to how long after the floor a certificate is taken for one of before; negative where it must be of before for
    ///   sure.
    public func ends(_ serial: String, issuedAt: Timestamp, tolerance: Interval = Self.tolerance) -> Bool {
        serial != self.serial && issuedAt < at + tolerance
    }
}

/// What was ended before its time.
public struct EndedTrust: Sendable, Hashable {
    /// One a cluster, in order.
    public var floors: [TrustFloor]
    /// Those that an operator ended by name, or that were renewed with one, the last ones first, and of one moment those with the highest
    /// numbers, which are good for longest; at most ``limit``.
    public var certificates: [CertificateUse]
    /// The store's clock.
    public var now: Timestamp

    public init(floors: [TrustFloor] = [], certificates: [CertificateUse] = [], now: Timestamp) {
        self.floors = floors
        self.certificates = certificates
        self.now = now
    }

    /// How many certificates are told of at once.
    public static let limit = 5_000
}

/// A join token as it is listed; the token itself is kept nowhere.
public struct JoinTokenRecord: Sendable, Hashable, Codable {
    /// The first 12 digits of the token's hash, which name it and let nobody in.
    public var id: String
    public var cluster: ClusterName
    public var createdBy: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    /// The serial number of the certificate that it was spent for.
    public var spentFor: String?

    public init(
        id: String, cluster: ClusterName, createdBy: String, createdAt: Timestamp, expiresAt: Timestamp,
        spentFor: String?
    ) {
        self.id = id
        self.cluster = cluster
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.spentFor = spentFor
    }

    /// How many digits an id has.
    public static let idLength = 12
}

/// What a revocation ended.
public struct Revocation: Sendable, Hashable {
    /// The serial numbers of the certificates that counted until then, in order.
    public var serials: [String]
    /// How many tokens nobody had spent.
    public var tokens: Int

    public init(serials: [String] = [], tokens: Int = 0) {
        self.serials = serials
        self.tokens = tokens
    }
}

/// What came of a join token that was shown.
public enum TokenSpending: Sendable, Hashable {
    case spent(ClusterName)
    /// It is unknown, spent or expired, or its cluster left the fleet.
    case isNotGood
    /// Who shows it stands before the cluster that the fleet knows by another name.
    case isOf(ClusterName)
}

extension TokenStore {
    /// The same where nobody knows which cluster is behind the name: the cluster, nil where the token is not good.
    public func spendToken(hash: String, for certificate: CertificateNote) async throws(StoreError) -> ClusterName? {
        guard case .spent(let cluster) = try await spendToken(hash: hash, for: certificate, clusterUID: nil) else {
            return nil
        }
        return cluster
    }
}

/// Single-use join tokens, stored as hashes.
public protocol TokenStore: Sendable {
    /// `notFound` where the cluster is not in the fleet, `conflict` where the hash is taken.
    func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        async throws(StoreError)
    /// Spends a token for a certificate, which is listed with it: the cluster that the token is for, or not good where it is unknown, spent
    /// or expired, its cluster left the fleet, or the serial number is taken. Every earlier certificate of the cluster ceases to count.
    ///
    /// The serial that spent a token may spend it again until the token expires, as long as its certificate counts: an agent that lost
    /// the answer asks again with the same key, and its serial follows from token and key. That leaves no second audit row.
    ///
    /// - Parameter uid: What tells the cluster behind the name from others; nil where nobody knows. Where it is that of another cluster of the
    ///   fleet, nothing is spent and nothing ends.
    func spendToken(
        hash: String, for certificate: CertificateNote, clusterUID uid: String?
    ) async throws(StoreError) -> TokenSpending
    /// The tokens that are still remembered, the newest first.
    func tokens() async throws(StoreError) -> [JoinTokenRecord]
    /// Takes back a token that nobody has spent; `notFound` where there is none of this id, `refused` where it was spent.
    func revokeToken(_ id: String, by actor: String) async throws(StoreError)
}

/// Which certificates count: an allowlist, in which each has a number of its cluster's, and the cluster a least number that counts.
///
/// Whatever changes it locks the cluster's one row, so that a renewal or an enrolment comes wholly before a revocation, which then ends
/// what it brought, or wholly after, and is refused.
public protocol AgentCertificateStore: Sendable {
    /// Lists a renewed certificate where the one that it was asked for with counts, and says how that stands; nothing is listed where
    /// it does not count. The number rises. Of those asked for with the same former one and not used, only this counts from now on.
    /// `conflict` where the serial number is taken.
    func recordRenewal(_ certificate: CertificateNote, of cluster: ClusterName, replacing former: String)
        async throws(StoreError) -> CertificateStanding
    /// How a certificate in somebody's hands stands, whose key has this fingerprint; nil where the one that is listed under its serial number is
    /// for another key: an authority's key has signed what this store never listed.
    func standing(of use: CertificateUse, key: String) async throws(StoreError) -> CertificateStanding?
    /// How each of these stands, by its serial number alone.
    func standings(of uses: [CertificateUse]) async throws(StoreError) -> [CertificateUse: CertificateStanding]
    /// Notes that a certificate which counts was used: those with lower numbers cease to count.
    func noteUse(of use: CertificateUse) async throws(StoreError)
    /// Lists a certificate that is ``CertificateStanding/awaited``, and closes the door behind it; false where it is not, or not any more, or
    /// where the cluster's floor ended it by its ``CertificateNote/issuedAt``: then the door stays open for another one.
    func readmit(_ certificate: CertificateNote, of cluster: ClusterName) async throws(StoreError) -> Bool
    /// Opens the door until then for one certificate of each of these clusters that is not listed, after the store was restored; with
    /// nil, of every cluster of the fleet. Returns which. `notFound` where one is not in the fleet.
    func openReadmission(of clusters: [ClusterName]?, until end: Timestamp, by actor: String)
        async throws(StoreError) -> [ClusterName]
    /// Shuts that door again for these clusters; with nil, for every cluster of the fleet. Returns those whose door stood open. `notFound`
    /// where one is not in the fleet.
    func closeReadmission(of clusters: [ClusterName]?, by actor: String) async throws(StoreError) -> [ClusterName]
    /// Of these clusters, or with nil of the fleet's, those that have nothing but certificates which were revoked, in order: their agents
    /// come in by no door. Not one that had joined again before the store was restored: the door is for what it joined with.
    func revokedClusters(of clusters: [ClusterName]?) async throws(StoreError) -> [ClusterName]
    /// Ends what a cluster has: every certificate and unspent token; or, of one serial number, that certificate and what was renewed
    /// with it. `notFound` where nothing is known of the cluster, or the certificate is not its.
    func revokeCertificates(of cluster: ClusterName, serial: String?, reason: String?, by actor: String)
        async throws(StoreError) -> Revocation
    /// What was ended after `moment`, by the store's clock, or ended again.
    func endedTrust(after moment: Timestamp) async throws(StoreError) -> EndedTrust
    /// Ends what of this the store does not know to be ended, since it was restored to a moment before: what the table of ``TrustFloor``
    /// says; unspent tokens made before a floor; those certificates, and what was renewed with them. A cluster that was ended or has enrolled
    /// later stays as it is. Returns the clusters of which any counted.
    func endAgain(_ ended: EndedTrust) async throws(StoreError) -> [ClusterName]
    /// Whether a certificate that is listed is none of those that this floor ended, though its moment is of before: the store knows the floor,
    /// or a later one of its cluster, so that its list is not behind; or it is what the floor's enrolment brought, or was renewed with that.
    func isSpared(_ use: CertificateUse, by floor: TrustFloor) async throws(StoreError) -> Bool
    /// The certificates of a cluster that are still remembered, the newest first.
    func certificates(of cluster: ClusterName) async throws(StoreError) -> [CertificateRecord]
    /// Audits that somebody came with a certificate that only a copy can have: once for each that is listed; and of one that counts, since it
    /// is in the wrong place, again once its agent was connected in between, and not more often than once an hour.
    ///
    /// Nothing is noted of a certificate that was in use until another took its place less than half a minute ago: after a renewal a call
    /// of the former may still be under way, and after an enrolment the former agent may still run. Who comes again after that is noted.
    func reportCopy(of use: CertificateUse, reason: String) async throws(StoreError)
    /// Audits that two agents take turns with a certificate that counts: once for each. Whoever of them renews first shuts the other out.
    func reportSharing(of use: CertificateUse, reason: String) async throws(StoreError)
    /// Notes what tells the cluster behind the name from others, once after each enrolment: the uid of its `kube-system`, or
    /// `namespace/uid` of an agent that keeps to namespaces, of which any number may be in one cluster. Until a cluster has said another one,
    /// or has left the fleet, nobody else may have what it said. Of a cluster that is not in the fleet nothing is noted.
    func noteClusterUID(_ uid: String, of cluster: ClusterName) async throws(StoreError) -> ClusterUIDNote
}

/// Whether a cluster is who its name says.
public enum ClusterUIDNote: Sendable, Hashable {
    /// It is noted, now or since the enrolment.
    case isNoted
    /// Another uid was noted since the enrolment.
    case isAnother(String)
    /// A cluster of the fleet with another name has this uid.
    case isOf(ClusterName)
}

extension AgentCertificateStore {
    /// How a certificate stands.
    public func standing(of use: CertificateUse) async throws(StoreError) -> CertificateStanding {
        try await standings(of: [use])[use] ?? .unknown
    }
}
