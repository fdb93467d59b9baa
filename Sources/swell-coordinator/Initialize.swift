internal import ArgumentParser
internal import Foundation
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel

/// Makes a state folder ready before the first start.
struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the authority, the operator's token, the key for Secrets and the list of server names.",
        discussion: """
            Needs no database, and changes nothing that is there already but the server names, where they are given. What it \
            makes is the whole of what replicas must share, and what a backup must have beside the database's: whoever has the \
            authority's key is the fleet.

            With --secrets it puts copies of a mounted Secret into the state folder instead of making anything.
            """)

    @Option(help: "The folder to make ready; made with mode 0700 where missing.")
    var stateDir: String

    @OptionGroup var names: ServerNameOption

    @Option(help: "The circle of trust in certificates' names.")
    var trustDomain: String = "swell.local"

    @Option(
        help: ArgumentHelp(
            "Copy authority.pem, authority-key.pem, operator-token and, if there, secrets-key from here instead of making them.",
            valueName: "folder"))
    var secrets: String?

    func validate() throws {
        _ = try names.checked()
        do {
            _ = try TrustDomain(trustDomain)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let folder = StateFolder(path: stateDir)
        do {
            if let secrets { try folder.copySecrets(from: secrets) }
            if let names = try names.checked() { try folder.write(names) }
            let domain = try TrustDomain(trustDomain)
            let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
            if secrets == nil { try folder.makeSecretsKeyOfNew() }
            let authority = try folder.open(trustDomain: domain, now: now).authority.issuing
            let names = try folder.serverNames()
            print("state folder  \(stateDir)")
            print("authority     good until \(authority.notValidAfter), in \(domain)")
            print("ca-hash       \(authority.fingerprint)")
            let ring = try folder.secretsKeyring(at: nil)
            print(
                "secrets key   \(ring?.sealingKey ?? "none: Secrets of releases are stored in clear; see `swell-coordinator secrets`")"
            )
            print("server names  \(names.map(Self.text) ?? "localhost, unless `serve` is given others")")
            if secrets == nil { print("\n" + advice) }
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private static func text(_ names: ServerNames) -> String { (names.hosts + names.addresses).joined(separator: ", ") }

    /// What to do with what was made; paths only, so that it may be logged.
    private var advice: String {
        """
        operators     SWELL_TOKEN_FILE=\(stateDir)/operator-token SWELL_CA_FILE=\(stateDir)/ca.pem
        agents        --ca-hash as above; each with a token of `swell cluster token NAME`
        Kubernetes    kubectl -n swell-coordinator create secret generic swell-coordinator \\
                        --from-file=authority.pem=\(stateDir)/authority/authority.pem \\
                        --from-file=authority-key.pem=\(stateDir)/authority/authority-key.pem \\
                        --from-file=operator-token=\(stateDir)/operator-token \\
                        --from-file=secrets-key=\(stateDir)/secrets-key
                      later, when keys were changed, also the files that say by whom (Deploying, "Replacing the authority on Kubernetes")
        backup        \(stateDir), away from the database's: authority/ and secrets-key cannot be made a second time, and without
                      the latter nobody reads the Secrets of releases. With these two alone, the certificate names localhost
                      only and operators need a new token: server-names and operator-token are what keeps those
        """
    }
}

/// The names by which the coordinator is dialled.
struct ServerNameOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Host names or addresses in the server's certificate, comma-separated; repeatable. By default, for `serve`, those of SWELL_SERVER_NAMES, or those that `init` wrote down, or localhost.",
            valueName: "names"))
    var serverName: [String] = []

    /// The names, nil where none were given.
    ///
    /// - Parameter variable: what counts where the flag was not given, as of the environment; empty, it does not.
    func checked(or variable: String? = nil) throws -> ServerNames? {
        let given = serverName.isEmpty ? [variable ?? ""].filter { !$0.isEmpty } : serverName
        guard !given.isEmpty else { return nil }
        do {
            return try ServerNames(
                given.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map {
                    $0.trimmingCharacters(in: .whitespaces)
                })
        } catch {
            throw ValidationError("\(serverName.isEmpty ? "SWELL_SERVER_NAMES" : "--server-name"): \(error)")
        }
    }
}
