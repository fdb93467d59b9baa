/// What a coordinator knows of its own installation: facts without a judgement, for `swell doctor`. Of a fleet of any size it has
/// figures and a few names, and it holds no secret.
public struct InstallationView: Sendable, Hashable, Codable {
    public var apiVersion = DocumentKind.apiVersion
    public var kind = "Installation"
    public var coordinator: Coordinator
    public var database: Database
    public var agents: Agents
    /// Nil where a coordinator of before is asked.
    public var secrets: Secrets?

    public init(coordinator: Coordinator, database: Database, agents: Agents, secrets: Secrets? = nil) {
        self.secrets = secrets
        self.coordinator = coordinator
        self.database = database
        self.agents = agents
    }

    /// The replica that answers.
    public struct Coordinator: Sendable, Hashable, Codable {
        public var version: String
        public var replica: String
        /// Its own clock, when the database was asked for its.
        public var now: Timestamp
        /// The names in its certificate.
        public var serverNames: [String]
        public var certificateExpiresAt: Timestamp
        public var authorityExpiresAt: Timestamp
        /// The fingerprints of authorities that its state folder has, though they were retired: it trusts none of them. Nil where a
        /// coordinator of before is asked.
        public var retiredAuthorities: [String]?
        /// Where agents have their sessions and come for their first certificate.
        public var agentPort: Int
        public var enrolmentPort: Int
        /// Connections to the database at most.
        public var databaseConnections: Int
        public var files: [File]

        public init(
            version: String, replica: String, now: Timestamp, serverNames: [String], certificateExpiresAt: Timestamp,
            authorityExpiresAt: Timestamp, agentPort: Int, enrolmentPort: Int, databaseConnections: Int, files: [File]
        ) {
            self.version = version
            self.replica = replica
            self.now = now
            self.serverNames = serverNames
            self.certificateExpiresAt = certificateExpiresAt
            self.authorityExpiresAt = authorityExpiresAt
            self.agentPort = agentPort
            self.enrolmentPort = enrolmentPort
            self.databaseConnections = databaseConnections
            self.files = files
        }
    }

    /// A file or folder of the state folder.
    public struct File: Sendable, Hashable, Codable {
        public var path: String
        /// Its permissions in octal, nil where it is not there.
        public var mode: String?
        /// What its permissions should be.
        public var expectedMode: String
        /// What is wrong with it; nil for nothing.
        public var problem: String?

        public init(path: String, mode: String?, expectedMode: String, problem: String? = nil) {
            self.path = path
            self.mode = mode
            self.expectedMode = expectedMode
            self.problem = problem
        }
    }

    /// The database, as the coordinator's own connection sees it.
    public struct Database: Sendable, Hashable, Codable {
        /// `server_version_num`, such as 150004.
        public var version: Int
        public var now: Timestamp
        /// Values of `pg_settings`, those that matter here.
        public var settings: [String: String]
        /// Connections in use, by whomever.
        public var connections: Int
        public var isRemote: Bool
        /// `TLSv1.3` and the like; nil for a connection in clear.
        public var tls: String?
        /// libpq's `sslmode`, where it was given.
        public var sslMode: String?
        public var isSuperuser: Bool
        public var isInRecovery: Bool
        /// Whether its sessions take no writes; nil where a coordinator of before is asked.
        public var isReadOnly: Bool?
        /// Whether the coordinator's role owns what it works on, so that it could change the audit log; nil where a coordinator of before is
        /// asked.
        public var ownsTables: Bool?
        /// The migrations that were applied, and those that this program knows.
        public var migrations: Int
        public var knownMigrations: Int

        public init(
            version: Int, now: Timestamp, settings: [String: String], connections: Int, isRemote: Bool, tls: String?,
            sslMode: String?, isSuperuser: Bool, isInRecovery: Bool, isReadOnly: Bool? = nil,
            ownsTables: Bool? = nil, migrations: Int, knownMigrations: Int
        ) {
            self.version = version
            self.now = now
            self.settings = settings
            self.connections = connections
            self.isRemote = isRemote
            self.tls = tls
            self.sslMode = sslMode
            self.isSuperuser = isSuperuser
            self.isInRecovery = isInRecovery
            self.isReadOnly = isReadOnly
            self.ownsTables = ownsTables
            self.migrations = migrations
            self.knownMigrations = knownMigrations
        }
    }

    /// How Secrets of releases are stored, in documents.
    public struct Secrets: Sendable, Hashable, Codable {
        /// The ids of the keys that the replica has, the one that seals first.
        public var keys: [String]
        public var sealed: Int
        /// Sealed with keys that the replica does not have.
        public var unreadable: [String: Int]
        /// Sealed with another key than the one that seals.
        public var formerlySealed: Int
        public var inClear: Int
        /// Of earlier versions, and not looked at yet.
        public var unexamined: Int

        public init(
            keys: [String], sealed: Int, unreadable: [String: Int], formerlySealed: Int, inClear: Int, unexamined: Int
        ) {
            self.keys = keys
            self.sealed = sealed
            self.unreadable = unreadable
            self.formerlySealed = formerlySealed
            self.inClear = inClear
            self.unexamined = unexamined
        }
    }

    /// The agents of the fleet.
    public struct Agents: Sendable, Hashable, Codable {
        /// Clusters of the fleet.
        public var clusters: Int
        public var connected: Int
        /// Clusters whose agent never joined.
        public var neverJoined: Sample
        /// Clusters whose agent joined, and is not connected.
        public var away: Sample
        /// How many connected agents are of which version; the ``maximumVersions`` that most are of.
        public var versions: [String: Int]
        /// Connected agents whose last certificate ends within ``certificateNotice``, or has.
        public var expiring: Sample
        /// Agents that asked for renewals more than ``unusedRenewalsBorne`` times with one certificate, and have used none of the answers; nil
        /// where the coordinator does not say.
        public var renewingInVain: Sample?
        /// Clusters whose agent lacks a right that a release needs.
        public var forbidden: Sample
        /// Clusters whose agent is refused since it speaks for another cluster than the one that enrolled, or for one that has another name
        /// in the fleet; nil where a coordinator of before is asked.
        public var foreign: Sample?
        /// Clusters where two agents take turns with a certificate that counts; nil where a coordinator of before is asked.
        public var sharing: Sample?
        /// Clusters whose door stands open, after a restore, for one certificate that is not listed; nil where a coordinator of before is asked.
        public var readmitted: Sample?
        /// Agents with a session at this replica whose clocks are known by a report.
        public var clocksKnown: Int
        /// Those whose clocks are off by more than ``clockNotice``.
        public var clocksOff: Sample
        /// How many milliseconds the clock that is furthest off is ahead, negative where it is behind; nil where none is known. A number,
        /// as lengths of time have no sign.
        public var furthestClock: Int64?
        /// What is known of those that ``away`` and ``neverJoined`` name; nil where a coordinator of before is asked.
        public var absences: [Absence]?

        /// How many versions are told of.
        public static let maximumVersions = 8
        /// Agents renew when a third of a day is left.
        public static let certificateNotice = Interval.hours(6)
        public static let clockNotice = Interval.seconds(60)
        /// An answer may be lost, and the next one too.
        public static let unusedRenewalsBorne = 2

        public init(
            clusters: Int, connected: Int, neverJoined: Sample, away: Sample, versions: [String: Int],
            expiring: Sample, forbidden: Sample, renewingInVain: Sample? = nil, foreign: Sample? = nil,
            sharing: Sample? = nil, clocksKnown: Int = 0,
            clocksOff: Sample = Sample(),
            furthestClock: Int64? = nil, absences: [Absence]? = nil
        ) {
            self.absences = absences
            self.clusters = clusters
            self.connected = connected
            self.neverJoined = neverJoined
            self.away = away
            self.versions = versions
            self.expiring = expiring
            self.forbidden = forbidden
            self.renewingInVain = renewingInVain
            self.foreign = foreign
            self.sharing = sharing
            self.clocksKnown = clocksKnown
            self.clocksOff = clocksOff
            self.furthestClock = furthestClock
        }
    }

    /// One agent that is not connected, and what may be why.
    public struct Absence: Sendable, Hashable, Codable {
        public var cluster: ClusterName
        /// Nil for one that never joined.
        public var lastSeenAt: Timestamp?
        public var version: String?
        /// When the certificate that counts ends, or has; nil where none counts.
        public var certificateEndsAt: Timestamp?
        /// When its last certificate was revoked, where none counts.
        public var revokedAt: Timestamp?
        /// Until when the token is good that nobody has spent yet; nil where there is none.
        public var tokenEndsAt: Timestamp?
        /// Why the replica that answers did not let it in since it was last seen, as its agent was told.
        public var refusal: String?
        public var refusedAt: Timestamp?
        /// Why the replica that answers refused somebody at the handshake, since it was last seen, who calls himself its agent. Nobody has
        /// proven to be that.
        public var handshakeRefusal: String?
        public var handshakeRefusedAt: Timestamp?

        public init(cluster: ClusterName, lastSeenAt: Timestamp? = nil, version: String? = nil) {
            self.cluster = cluster
            self.lastSeenAt = lastSeenAt
            self.version = version
        }
    }

    /// How many there are, and the first few by name.
    public struct Sample: Sendable, Hashable, Codable {
        public var count: Int
        /// At most ``maximumExamples``.
        public var examples: [ClusterName]

        /// How many are named.
        public static let maximumExamples = 5

        public init(count: Int = 0, examples: [ClusterName] = []) {
            self.count = count
            self.examples = Array(examples.prefix(Self.maximumExamples))
        }
    }
}
