internal import Foundation
internal import SwellIdentity
public import SwellModel

extension StateFolder {
    /// What is there, and with which permissions: what should be of the owner's alone, and what others may read and nobody else write.
    public func inspect() -> [InstallationView.File] {
        [
            file(path, isFolder: true, expected: 0o700, forbidden: 0o022, names: ""),
            file(path + "/authority", isFolder: true, expected: 0o700, forbidden: 0o022, names: "authority"),
            file(
                path + "/authority/authority-key.pem", expected: 0o600, forbidden: 0o077,
                names: "authority/authority-key.pem"),
            file(
                path + "/authority/authority.pem", expected: 0o644, forbidden: 0o022, names: "authority/authority.pem"),
            file(operatorTokenFile, expected: 0o600, forbidden: 0o027, names: "operator-token"),
        ]
            + (secretsKey.exists
                ? [file(secretsKey.path, expected: 0o600, forbidden: 0o027, names: "secrets-key")] : [])
            + [
                file(authorityFile, expected: 0o644, forbidden: 0o022, names: "ca.pem"),
                file(authorityHashFile, expected: 0o644, forbidden: 0o022, names: "ca-hash"),
            ]
    }

    private func file(
        _ place: String, isFolder: Bool = false, expected: Int, forbidden: Int, names name: String
    ) -> InstallationView.File {
        func octal(_ mode: Int) -> String { "0" + String(mode, radix: 8) }
        var file = InstallationView.File(
            path: name.isEmpty ? path : "\(path)/\(name)", mode: nil, expectedMode: octal(expected))
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: place) else {
            file.problem = "it is not there, or cannot be looked at"
            return file
        }
        let mode = ((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777) & 0o777
        file.mode = octal(mode)
        if (attributes[.type] as? FileAttributeType == .typeDirectory) != isFolder {
            file.problem = isFolder ? "it is no folder" : "it is no regular file"
        } else if mode & forbidden != 0 {
            file.problem = mode & forbidden & 0o022 != 0 ? "others may write to it" : "others may read it"
        }
        return file
    }
}
