internal import Hummingbird
internal import Logging
internal import SwellModel
internal import SwellStore

/// Join tokens, the certificates of agents, and their end.
struct TrustEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    let hooks: ConsoleHooks
    let joinTokenLifetime: Interval

    /// The longest that the door stands open after a restore.
    private static let longestReadmission: Interval = .hours(24)

    func add(to group: RouterGroup<ConsoleContext>) {
        group.post("clusters/:name/token") { _, context in
            let name: ClusterName = try context.name("name", "cluster")
            return Response(json: try await joinToken(name, by: context.actor), status: .created)
        }
        group.get("clusters/:name/certificates") { _, context in
            let name: ClusterName = try context.name("name", "cluster")
            return Response(json: try await certificates(of: name))
        }
        group.post("clusters/:name/revoke") { request, context in
            let name: ClusterName = try context.name("name", "cluster")
            let body = try await reading.body(RevokeRequest.self, of: request, fields: ["serial", "reason"])
            guard (body.serial ?? "").utf8.count <= 64 else {
                throw Problem.invalid("a serial number has 64 digits at most")
            }
            let reason = try OrderEndpoints.bounded(body.reason)
            let ended: Revocation
            do throws(StoreError) {
                ended = try await store.revokeCertificates(
                    of: name, serial: body.serial?.lowercased(), reason: reason, by: context.actor)
            } catch {
                // A name that is misspelt is answered with the nearest; in the fleet or not, the store knows it where it has certificates.
                if error.code == .notFound { _ = try await store.clusterRecord(name) }
                throw error
            }
            // After a restore the log is what tells whom to revoke again.
            context.logger.info(
                "revoked",
                metadata: [
                    "cluster": "\(name)", "certificates": "\(ended.serials.prefix(20).joined(separator: ", "))",
                    "tokens": "\(ended.tokens)", "by": "\(context.actor)",
                ])
            await hooks.trustChanged()
            return Response(json: RevocationView(certificates: ended.serials, tokens: ended.tokens))
        }
        group.post("readmission") { request, context in
            let body = try await reading.body(
                ReadmitRequest.self, of: request, fields: ["clusters", "all", "within", "close"])
            return Response(json: try await readmit(body, by: context.actor))
        }
        group.get("tokens") { _, _ in
            let now = try await store.now()
            return Response(
                json: ListView(items: try await store.tokens().map { ListedTokenView($0, now: now) }))
        }
        group.delete("tokens/:id") { _, context in
            try await store.revokeToken(String((context.parameters.get("id") ?? "").prefix(80)), by: context.actor)
            return Response(status: .noContent)
        }
    }

    private func joinToken(_ name: ClusterName, by actor: String) async throws -> JoinTokenView {
        _ = try await store.clusterRecord(name)
        let token = hooks.makeJoinToken(name)
        let expiresAt = try await store.now() + joinTokenLifetime
        try await store.createToken(hash: token.hash, cluster: name, expiresAt: expiresAt, by: actor)
        return JoinTokenView(cluster: name, token: token.text, expiresAt: expiresAt)
    }

    private func certificates(of name: ClusterName) async throws -> ListView<CertificateView> {
        let records = try await store.certificates(of: name)
        // Those of a cluster that left the fleet are still looked at.
        if records.isEmpty { _ = try await store.clusterRecord(name) }
        let now = try await store.now()
        return ListView(items: records.map { CertificateView($0, now: now) })
    }

    private func readmit(_ request: ReadmitRequest, by actor: String) async throws -> ReadmissionView {
        let isForAll = request.all ?? false
        guard isForAll != (request.clusters?.isEmpty == false) else {
            throw Problem.invalid("say either which clusters, or all: true")
        }
        if request.close ?? false {
            guard request.within == nil else { throw Problem.invalid("a door that is closed has no within") }
            for name in request.clusters ?? [] { _ = try await store.clusterRecord(name) }
            let closed = try await store.closeReadmission(of: isForAll ? nil : request.clusters, by: actor)
            return ReadmissionView(clusters: closed, until: nil)
        }
        let length = request.within ?? .hours(1)
        guard length > .zero, length <= Self.longestReadmission else {
            throw Problem.invalid("within is \(length); it is more than 0s and at most \(Self.longestReadmission)")
        }
        for name in request.clusters ?? [] { _ = try await store.clusterRecord(name) }
        let end = try await store.now() + length
        let clusters = try await store.openReadmission(of: isForAll ? nil : request.clusters, until: end, by: actor)
        let revoked = try await store.revokedClusters(of: isForAll ? nil : request.clusters)
        return ReadmissionView(clusters: clusters, until: end, revoked: revoked.isEmpty ? nil : revoked)
    }
}

extension CertificateView {
    init(_ record: CertificateRecord, now: Timestamp) {
        let state =
            if record.revokedAt != nil { "revoked" } else if !record.counts {
                "replaced"
            } else if record.expiresAt
                .map({ $0 <= now }) == true
            { "expired" } else { record.usedAt == nil ? "unused" : "valid" }
        self.init(
            serial: record.serial, number: record.number, state: state, former: record.former,
            keyFingerprint: record.keyFingerprint, issuedAt: record.issuedAt, expiresAt: record.expiresAt,
            usedAt: record.usedAt, revokedAt: record.revokedAt)
    }
}

extension ListedTokenView {
    init(_ record: JoinTokenRecord, now: Timestamp) {
        let state = record.spentFor != nil ? "spent" : record.expiresAt <= now ? "expired" : "open"
        self.init(
            id: record.id, cluster: record.cluster, state: state, createdBy: record.createdBy,
            createdAt: record.createdAt, expiresAt: record.expiresAt, spentFor: record.spentFor)
    }
}
