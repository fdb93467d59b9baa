internal import PostgresClient
internal import SwellIdentity
internal import SwellModel
internal import SwellTelemetry

/// What a replica is run with; every value has been checked.
struct ReplicaSettings: Sendable {
    var stateDirectory: String
    var database: PostgresConfiguration
    var databaseConnections: Int
    /// Of the pool for leases and presence alone.
    static let vitalConnections = 2
    var agents: ListenAddress
    var enrolment: ListenAddress
    var api: ListenAddress
    var trustDomain: TrustDomain
    /// Nil for those that the state folder has.
    var serverNames: ServerNames?
    /// Nil for the state folder's, where it has one.
    var secretsKeyFile: String?
    var secrets: SecretsPolicy
    /// Whether it is ready although there are documents that no key opens.
    var withoutLostSecrets: Bool
    var replica: String
    var readyFile: String?
    var log: LogSettings
}
