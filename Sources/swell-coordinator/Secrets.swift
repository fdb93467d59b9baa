internal import ArgumentParser
internal import Foundation
internal import PostgresClient
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel
internal import SwellStore

/// The keys under which Secrets of releases are stored.
struct Secrets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the keys that seal Secrets of releases, and replace them while everything runs.",
        discussion: """
            Three steps. After each, give every replica the file and restart it, one after another:

              prepare   makes the next key, which only opens as yet; where there is no file, the first one, which seals at once.
              activate  the next key seals. Within minutes what was sealed with former keys comes under it; `show` says when.
              retire    forgets the former keys, once nothing is sealed with them.

            Each is audited (swell events: secrets.prepared and so on): `retire` and `seal` at once, the others once a replica was started with
            the file and the note of who wrote it (FILE.changed-by). Whoever has the file and the database reads the Secrets; without the file nobody does. Keep a copy of it away from the \
            database's backups: a backup from before `retire` needs the key of its day.
            """,
        subcommands: [Show.self, Prepare.self, Activate.self, Retire.self, Seal.self], defaultSubcommand: Show.self)

    struct Options: ParsableArguments {
        @OptionGroup var key: SecretsKeyOption

        @Option(help: "The coordinator's state directory, where the file is secrets-key.")
        var stateDir: String?

        func validate() throws {
            guard key.secretsKeyFile != nil || stateDir != nil else {
                throw ValidationError("give --secrets-key-file, or --state-dir for the file secrets-key in it")
            }
        }

        var file: SecretsKeyFile {
            SecretsKeyFile(path: key.secretsKeyFile ?? StateFolder(path: stateDir ?? ".").secretsKey.path)
        }

        /// Writes the keys, and beside them who left them so, for the replicas that are started with them to audit.
        func write(_ ring: SecretsKeyring, replacing: Bool) throws {
            try file.write(ring, replacing: replacing)
            try ChangeNote(by: MachineUser.name, keys: ring.openingKeys).write(to: StateFolder.note(of: file))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say which keys there are, and what is stored how.")
        @OptionGroup var options: Options
        @OptionGroup var database: DatabaseOption

        func run() async throws {
            let ring = options.file.exists ? try options.file.read() : nil
            let facts = try await Secrets.withStore(database, ring) { try await $0.sealingFacts() }
            for (index, key) in (ring?.openingKeys ?? []).enumerated() {
                print("\(index == 0 ? "seals:  " : "opens:  ") \(key), \(facts.sealed[key] ?? 0) documents")
            }
            for (key, count) in facts.unreadable(with: ring?.openingKeys ?? []).sorted(by: { $0.key < $1.key }) {
                print("missing: \(key), \(count) documents that nobody can open")
            }
            print("in clear: \(facts.inClear) documents with Secrets, \(facts.unexamined) not looked at yet")
        }
    }

    struct Prepare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the next key, which does not seal yet; the first one seals at once.")
        @OptionGroup var options: Options

        func run() async throws {
            let new = SecretsKeyring.generate()
            guard options.file.exists else {
                try options.write(new, replacing: false)
                return print("made \(options.file.path) with the key \(new.sealingKey): restart the replicas with it")
            }
            try options.write(try options.file.read().adding(new), replacing: true)
            print("prepared \(new.sealingKey), which opens once the replicas are restarted")
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the prepared key seal.")
        @OptionGroup var options: Options

        func run() async throws {
            let ring = try options.file.read()
            guard ring.openingKeys.count > 1 else {
                throw ValidationError("there is one key only; make the next one by `prepare`")
            }
            let next = ring.activatingLast()
            try options.write(next, replacing: true)
            print("seals: \(next.sealingKey), once the replicas are restarted")
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget the former keys, once nothing is sealed with them.")
        @OptionGroup var options: Options
        @OptionGroup var database: DatabaseOption

        func run() async throws {
            let ring = try options.file.read()
            let former = Array(ring.openingKeys.dropFirst())
            let needed = try await Secrets.withStore(database, ring) {
                try await $0.retireSecretKeys(former, by: MachineUser.name)
            }.keys.sorted()
            guard needed.isEmpty else {
                throw ValidationError(
                    "\(needed.joined(separator: ", ")) still seal documents; wait for the replicas, or do it by `seal`")
            }
            try options.write(ring.retiringOthers(), replacing: true)
            print("the only key is \(ring.sealingKey)")
            print(
                "next: restart the replicas with this file; one that was not since `activate` stores no Secrets until then"
            )
        }
    }

    struct Seal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seal what is in clear or under former keys now, which the replicas do within minutes.")
        @OptionGroup var options: Options
        @OptionGroup var database: DatabaseOption

        func run() async throws {
            let pass = try await Secrets.withStore(database, try options.file.read()) { store in
                let pass = try await store.sealDocuments()
                try await store.noteSealing(pass, by: MachineUser.name)
                return pass
            }
            print("\(pass.sealed) sealed, \(pass.rekeyed) brought under the new key, \(pass.examined) looked at")
            guard pass.damaged.isEmpty else {
                print("\(pass.damaged.count) do not open, such as \(pass.damaged[0]); they were left as they are")
                throw ExitCode.failure
            }
        }
    }

    private static func withStore<Result: Sendable>(
        _ database: DatabaseOption, _ ring: SecretsKeyring?,
        _ body: @Sendable (PostgresStore) async throws -> Result
    ) async throws -> Result {
        let pool = try PostgresPool(configuration: database.configuration())
        async let _: Void = pool.run()
        return try await body(PostgresStore(pool: pool, sealing: ring))
    }
}

/// Where the keys for Secrets are.
struct SecretsKeyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file with the keys that seal Secrets of releases: the first seals, all open. By default secrets-key of the state directory, where it is there.",
            valueName: "file"))
    var secretsKeyFile: String?
}
