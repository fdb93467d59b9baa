public import SwellIdentity

extension StateFolder {
    /// `server-names`: the names in the coordinator's certificate, one a line, where they are not given at each start.
    public var serverNamesFile: String { path + "/server-names" }

    /// What replicas are given copies of, under the names that it has where it is kept, such as the keys of a Kubernetes Secret.
    private var copied: [(name: String, place: String, isSecret: Bool)] {
        [
            ("authority.pem", path + "/authority/authority.pem", false),
            ("authority-key.pem", path + "/authority/authority-key.pem", true),
            ("operator-token", operatorTokenFile, true),
        ]
    }

    /// `secrets-key`: the keys that seal Secrets of releases.
    public var secretsKey: SecretsKeyFile { SecretsKeyFile(path: path + "/secrets-key") }

    /// The keys that seal Secrets: of a file that was named, which then has to be there, or the folder's own where it has one. None is made
    /// where the authority is there already: a replica that made its own would seal what no other can open.
    public func secretsKeyring(at file: String?) throws(IdentityError) -> SecretsKeyring? {
        if let file { return try SecretsKeyFile(path: file).read() }
        return secretsKey.exists ? try secretsKey.read() : nil
    }

    /// Whether there is an authority in it.
    public var isPrepared: Bool { SecretFile.exists(path + "/authority/authority.pem") }

    /// Makes the first key that seals Secrets, of an installation that begins here. With a folder of before, other replicas may run that
    /// would not have it.
    public func makeSecretsKeyOfNew() throws(IdentityError) {
        guard !isPrepared, !secretsKey.exists else { return }
        try SecretFile.makeDirectory(path)
        do {
            try secretsKey.write(.generate(), replacing: false)
        } catch  where secretsKey.exists {
            // A replica that shares the folder was quicker: its key is the key.
        }
    }

    /// What is there beside these while one authority takes another's place, or since: no key.
    private static let ofAChange = ["next.pem", "former.pem", "bridges.pem", "changed-by"]

    /// Puts copies of the authority and the operator's token from a mounted Secret into the folder, over those that may be there: the
    /// Secret is what is true. Nothing is copied unless all of it is there and can be read by nobody else.
    ///
    /// The folder itself is made with mode 0700, and one that others may write to is refused: of a volume that the kubelet has opened
    /// to a group, use a folder below.
    public func copySecrets(from folder: String) throws(IdentityError) {
        try SecretFile.makeDirectory(path)
        try SecretFile.makeDirectory(path + "/authority")
        var texts: [(String, String, UInt32)] = []
        for (name, place, isSecret) in copied {
            let source = folder + "/" + name
            guard SecretFile.exists(source) else {
                throw IdentityError(
                    .file,
                    "\(source) is missing; `swell-coordinator init` without --secrets makes it, and says how to put it into a Secret"
                )
            }
            let text = try SecretFile.read(source, access: isSecret ? .notEverybody : .anybody)
            texts.append((text, place, isSecret ? 0o600 : 0o644))
        }
        // Installations from before there was one have none.
        let key = SecretsKeyFile(path: folder + "/secrets-key")
        let ring = key.exists ? try key.read() : nil
        if let ring { try secretsKey.write(ring, replacing: true) }
        if ring != nil {
            let (source, place) = (Self.note(of: key), Self.note(of: secretsKey))
            if SecretFile.exists(source) {
                try SecretFile.write(SecretFile.read(source, access: .anybody), to: place, mode: 0o644)
            } else {
                try SecretFile.remove(place)
            }
        }
        for (text, place, mode) in texts { try SecretFile.write(text, to: place, mode: mode) }
        for name in Self.ofAChange {
            let (source, place) = (folder + "/" + name, directory.path + "/" + name)
            if SecretFile.exists(source) {
                try SecretFile.write(SecretFile.read(source, access: .anybody), to: place, mode: 0o644)
            } else {
                try SecretFile.remove(place)
            }
        }
    }

    /// The names that were written down, nil where none were.
    public func serverNames() throws(IdentityError) -> ServerNames? {
        guard SecretFile.exists(serverNamesFile) else { return nil }
        let text = try SecretFile.read(serverNamesFile, access: .anybody)
        do {
            return try ServerNames(text.split(whereSeparator: \.isWhitespace).map(String.init))
        } catch {
            throw IdentityError(error.code, "\(serverNamesFile): \(error.message)")
        }
    }

    /// Writes the names down for the starts to come.
    public func write(_ names: ServerNames) throws(IdentityError) {
        try SecretFile.makeDirectory(path)
        let lines = (names.hosts + names.addresses).map { $0 + "\n" }.joined()
        try SecretFile.write(lines, to: serverNamesFile, mode: 0o644)
    }
}
