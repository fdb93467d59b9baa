internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Testing

/// A suite in which agents join under serial numbers and are asked after.
protocol AgentStory {}

extension AgentStory {
    func note(_ serial: String, _ store: any Store) async throws -> CertificateNote {
        CertificateNote(
            serial: serial, keyFingerprint: "sha256:\(serial)", expiresAt: try await store.now() + .hours(24))
    }

    func standing(_ serial: String, _ cluster: ClusterName, _ store: any Store) async throws
        -> CertificateStanding
    {
        try await store.standing(of: CertificateUse(cluster, serial: serial))
    }

    /// Lets an agent join under a serial number.
    func join(_ cluster: ClusterName, _ serial: String, _ store: any Store) async throws {
        let later = try await store.now() + .hours(1)
        try await store.createToken(hash: "hash-of-\(serial)", cluster: cluster, expiresAt: later, by: "ann")
        let spent = try await store.spendToken(hash: "hash-of-\(serial)", for: note(serial, store))
        #expect(spent == cluster)
    }

    func use(_ serial: String, _ cluster: ClusterName, _ store: any Store) async throws {
        try await store.noteUse(of: CertificateUse(cluster, serial: serial))
    }

    func events(_ what: String, _ store: any Store) async throws -> [AuditEvent] {
        try await store.latestEvents(filter: EventFilter(), limit: 100).filter { $0.what == "cluster.\(what)" }
    }
}
