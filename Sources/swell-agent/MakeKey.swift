internal import ArgumentParser
internal import SwellIdentity

/// Makes the file for `--secrets-key-file`.
struct MakeKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-key", abstract: "Make a key that seals what an agent keeps of releases.",
        discussion: """
            It helps where disk and key part ways: put the key into a Kubernetes Secret or a systemd credential that is bound to the \
            machine, and not beside the state directory, whose backups would have both. An agent that has another one fetches \
            what it needs again; until then it cannot go back by itself while the coordinator is out of reach.
            """)

    @Argument(help: "The file to make, mode 0600; one that is there stays as it is, and is an error.")
    var file: String

    func run() async throws {
        let ring = SecretsKeyring.generate()
        try SecretsKeyFile(path: file).write(ring, replacing: false)
        print("made \(file) with the key \(ring.sealingKey)")
    }
}
