internal import Crypto
package import SwellIdentity
package import SwellModel

/// Makes fleets out of nothing but an authority: what enrolment would give each agent, without its ceremony.
package enum FleetMaker {
    /// What the coordinator's list has of a certificate; only what is listed counts.
    package struct Listed: Sendable {
        package var cluster: ClusterName
        package var uid: String
        package var serial: String
        package var keyFingerprint: String
        package var expiresAt: Timestamp
    }

    /// `load-00001` and so on, `count` of them.
    package static func names(_ count: Int) throws -> [ClusterName] {
        try (0..<count).map { index in
            let digits = String(index + 1)
            return try ClusterName("load-" + String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits)
        }
    }

    /// Signs a certificate for each cluster, on all cores. In the order of `names`.
    package static func issue(
        _ names: [ClusterName], by authority: CertificateAuthority, now: Timestamp
    ) async throws -> (file: FleetFile, listed: [Listed]) {
        let size = 250
        let batches = try await withThrowingTaskGroup(of: (Int, [(FleetFile.Member, Listed)]).self) { group in
            for start in stride(from: 0, to: names.count, by: size) {
                group.addTask { @concurrent in
                    let batch = names[start..<min(start + size, names.count)]
                    return (start, try batch.map { try issue($0, by: authority, now: now) })
                }
            }
            var batches: [Int: [(FleetFile.Member, Listed)]] = [:]
            for try await (start, batch) in group { batches[start] = batch }
            return batches
        }
        let all = batches.keys.sorted().flatMap { batches[$0] ?? [] }
        return (FleetFile(members: all.map(\.0)), all.map(\.1))
    }

    private static func issue(
        _ cluster: ClusterName, by authority: CertificateAuthority, now: Timestamp
    ) throws -> (FleetFile.Member, Listed) {
        let key = P256.Signing.PrivateKey()
        let issued = try authority.issueAgentCertificate(cluster: cluster, for: SigningRequest(key: key), now: now)
        let credential = try Credential(chain: issued.chain, key: key)
        let uid = "uid-of-\(cluster)"
        let member = FleetFile.Member(
            cluster: cluster, uid: uid, chain: try credential.chainPEM(), key: key.pemRepresentation)
        let listed = Listed(
            cluster: cluster, uid: uid, serial: issued.serial, keyFingerprint: "\(issued.keyFingerprint)",
            expiresAt: issued.notValidAfter)
        return (member, listed)
    }
}
