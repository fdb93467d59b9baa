internal import ArgumentParser
internal import Foundation
internal import Logging
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel
internal import SwellStore

/// Replaces the authority while everything runs.
struct Authority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the certificate authority, and replace it while everything runs.",
        discussion: """
            Three steps, each followed by the replicas that share the state directory within seconds (others need a copy of it):

              prepare   makes the next authority; both sign each other. Give operators the new ca.pem now.
              activate  the next one signs, and new agents join with the new ca-hash. Agents follow by themselves: what they trusted has
                        signed it. Those of versions that know nothing of signatures between authorities follow only if they have renewed
                        since `prepare`: wait a day, or see when each did (swell cluster certificates NAME).
              retire    a day after the last replica has followed `activate`, when what the former one signed has expired: it is
                        trusted no more. The day is counted from `activate` in this directory; a replica with a copy signs with the
                        former one until it has been given the new files and restarted, so count from there.

            Each is audited (swell events: authority.prepared and so on) once a replica has found it, in the name of the machine's user who ran \
            it. Nobody is disconnected. Where the authority's key was stolen, this is not enough, since the thief can sign as well: begin a
            new state directory by `init`, and copy the `secrets-key` and `server-names` of the old one over it, but never its \
            `operator-token`, which was stolen as well; stop every replica, run `authority adopt` with it, start the replicas with it, \
            give agents its --ca-hash, and let them join with new tokens. Then replace the key for Secrets: `secrets prepare`.
            """,
        subcommands: [Show.self, Prepare.self, Activate.self, Retire.self, Adopt.self], defaultSubcommand: Show.self)

    struct Options: ParsableArguments {
        @Option(help: "The coordinator's state directory.")
        var stateDir: String

        @Option(help: "The circle of trust in certificates' names.")
        var trustDomain: String = "swell.local"

        var directory: AuthorityDirectory { StateFolder(path: stateDir).directory }

        func domain() throws -> TrustDomain {
            do { return try TrustDomain(trustDomain) } catch { throw ValidationError("--trust-domain: \(error)") }
        }

        func validate() throws {
            guard FileManager.default.fileExists(atPath: directory.path) else {
                throw ValidationError("--state-dir: there is no authority in \(stateDir)")
            }
        }

        /// Says beside the authority who left it as it is, for the replicas that follow to audit.
        func noteChange() throws {
            let folder = StateFolder(path: stateDir)
            let set = try directory.loadSet(trustDomain: domain(), now: now)
            try ChangeNote(by: MachineUser.name, keys: set.changeKeys).write(to: folder.authorityNote)
        }

        var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which authorities are trusted, and which one signs.")
        @OptionGroup var options: Options

        func run() async throws {
            let set = try options.directory.loadSet(trustDomain: options.domain(), now: options.now)
            print("state:   \(try options.directory.phase.rawValue)")
            for (root, pin) in zip(set.roots, set.fingerprints) {
                print("\(pin == set.issuing.fingerprint ? "signs:  " : "trusted:") \(pin), until \(root.expiresAt)")
            }
        }
    }

    struct Prepare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the next authority, which does not sign yet.")
        @OptionGroup var options: Options

        func run() async throws {
            print("prepared \(try options.directory.prepare(trustDomain: options.domain(), now: options.now))")
            try options.noteChange()
            print(
                """
                next: give operators the new ca.pem and replicas without this directory a copy of it; then, once all have it,
                      swell-coordinator authority activate --state-dir \(options.stateDir)
                """)
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the prepared authority sign.")
        @OptionGroup var options: Options

        func run() async throws {
            if let prepared = try options.directory.preparedAt() {
                let age = options.now - prepared
                if age < CertificateAuthority.defaultLeafLifetime {
                    let warning = """
                        warning: prepared \(prepared), less than a day ago: agents of versions that know nothing of signatures between \
                        authorities, and have not renewed since, will not find back; `swell cluster certificates NAME` says when each did

                        """
                    FileHandle.standardError.write(Data(warning.utf8))
                }
            }
            print("signs: \(try options.directory.activate(trustDomain: options.domain(), now: options.now))")
            try options.noteChange()
            print(
                """
                next: give replicas without this directory a copy of it, and the new ca-hash to agents that join from now on;
                      a day later, swell-coordinator authority retire --state-dir \(options.stateDir)
                """)
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Trust the former authority no more.")
        @OptionGroup var options: Options
        @Flag(help: "Also where certificates that it signed may be valid still.")
        var force = false

        func run() async throws {
            try options.directory.retire(trustDomain: options.domain(), now: options.now, isForced: force)
            try options.noteChange()
            print("the former authority is trusted no more")
            print("next: give replicas without this directory a copy of it, and operators the new ca.pem")
        }
    }

    struct Adopt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let this state directory's authority take the place of the one that the database knows.",
            discussion: """
                For the emergency, as after the authority's key was stolen: replicas whose authority the database does not know do not \
                start. What the former authority issued is trusted by none of them any more. All that the directory has is trusted from then on: \
                look at it with `authority show` before, and take out a former.pem that is left over. Where an authority was retired by \
                mistake, this brings it back: give former.pem and bridges.pem to every replica, stop those that lack them, and run it with that directory.
                """)
        @OptionGroup var options: Options
        @OptionGroup var database: DatabaseOption

        func run() async throws {
            let set = try options.directory.loadSet(trustDomain: options.domain(), now: options.now)
            let configuration = try database.configuration()
            try await PostgresStore.migrate(configuration, logger: Logger(label: "swell.adopt"))
            var keys = AuthorityNotes.keys(of: set)
            keys.changedBy = MachineUser.name
            try await PostgresStore.noteAuthorities(keys, in: configuration, isAdopting: true)
            print("adopted: \(set.issuing.fingerprint)")
            for other in set.fingerprints.dropFirst() {
                print("with it: \(other), which is trusted beside it from now on, also where it was retired before")
            }
            print(
                """
                next: start the replicas with this directory. Where agents do not know this authority yet (it is no step of a change that they
                      followed), give them its --ca-hash, and let them join with new tokens. Secrets of releases
                      are read with the secrets-key of before: it has to be in this directory, as server-names if they shall stay. Never
                      take operator-token over from a directory that was stolen, and replace its secrets-key by `secrets prepare`.
                """
            )
        }
    }
}
