internal import ArgumentParser
internal import PostgresClient
internal import SwellIdentity
internal import SwellModel
internal import SwellTelemetry

/// What a replica is run with; every value has been checked.
struct ReplicaSettings: Sendable {
    var stateDirectory: String
    var database: PostgresConfiguration
    var databaseConnections: Int
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

/// An address to listen on.
struct ListenAddress: Sendable {
    var host: String
    var port: Int

    /// Reads `host:port`; an IPv6 host stands in brackets. Port 0 takes a free one.
    init(_ flag: String, _ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else {
            throw ValidationError(
                "\(flag): '\(text)' is no address; write host:port, such as 0.0.0.0:7443 or [::]:7443")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.host = host
        self.port = port
    }
}
