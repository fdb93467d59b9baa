internal import Foundation
package import SwellIdentity
package import SwellModel
package import X509

/// The agents of a load: who each is, with its key. Written by whoever made the fleet, read by the load; for nobody else to read.
package struct FleetFile: Sendable, Codable {
    /// One agent.
    package struct Member: Sendable, Codable {
        package var cluster: ClusterName
        /// What it calls its cluster at each hello; of no other one.
        package var uid: String
        /// Its certificate and what leads to the authority, in PEM.
        package var chain: String
        package var key: String

        package init(cluster: ClusterName, uid: String, chain: String, key: String) {
            self.cluster = cluster
            self.uid = uid
            self.chain = chain
            self.key = key
        }

        /// Who it is, and whom it believes.
        package func credential() throws -> (credential: Credential, authorities: [Certificate]) {
            let credential = try Credential(chainPEM: chain, keyPEM: key, origin: "the fleet file, \(cluster)")
            return (credential, Array(credential.chain.dropFirst()))
        }
    }

    package var members: [Member]

    package init(members: [Member]) { self.members = members }

    package static func load(_ path: String) throws -> FleetFile {
        do {
            return try JSONDecoder().decode(FleetFile.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw LoadError(.file, "\(path) is no fleet file: \(error)")
        }
    }

    package func write(_ path: String) throws {
        let text = String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
        try SecretFile.write(text, to: path, mode: 0o600)
    }
}
