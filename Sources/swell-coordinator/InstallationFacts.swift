internal import ArgumentParser
internal import PostgresClient
internal import SwellCoordinator
internal import SwellIdentity
internal import SwellModel
internal import SwellStore

/// Gathers what a replica knows of its installation, for whoever asks the API.
struct InstallationFacts: Sendable {
    let store: PostgresStore
    let settings: ReplicaSettings
    let folder: StateFolder
    let authority: RotatingAuthority
    let credential: RotatingCredential
    let names: ServerNames
    let agentPort: AgentPort
    let now: @Sendable () -> Timestamp

    @Sendable func gather() async throws -> InstallationView {
        var database = try await store.databaseFacts()
        // Read right after the database's: they are compared.
        let now = now()
        database.isRemote = !settings.database.isLocal
        database.sslMode = settings.database.sslMode
        var agents = try await store.agentFacts()
        add(agentPort.presence.clockOffsets, to: &agents)
        try await addAbsences(to: &agents)
        let sealing = try await store.sealingFacts()
        let keys = store.openingKeys
        let unreadable = sealing.unreadable(with: keys)
        let all = sealing.sealed.values.reduce(0, +)
        let secrets = InstallationView.Secrets(
            keys: keys, sealed: all, unreadable: unreadable,
            formerlySealed: all - unreadable.values.reduce(0, +) - (keys.first.flatMap { sealing.sealed[$0] } ?? 0),
            inClear: sealing.inClear, unexamined: sealing.unexamined)
        var coordinator = InstallationView.Coordinator(
            version: Coordinator.configuration.version, replica: settings.replica, now: now,
            serverNames: names.hosts + names.addresses, certificateExpiresAt: credential.current.notValidAfter,
            authorityExpiresAt: authority.current.issuing.notValidAfter, agentPort: try await agentPort.fleetPort,
            enrolmentPort: try await agentPort.enrolmentPort,
            databaseConnections: settings.databaseConnections, files: folder.inspect())
        coordinator.retiredAuthorities = authority.leftOut.map { "\($0)" }
        return InstallationView(coordinator: coordinator, database: database, agents: agents, secrets: secrets)
    }

    /// Who is connected, away or never joined, as `swell get clusters` counts them: whoever was not heard of for a minute is away, also where
    /// the replica that had it is gone and could not say so. Of the few that are named, what may be why.
    private func addAbsences(to agents: inout InstallationView.Agents) async throws {
        let clusters = try await store.clusterListing().items
        let (joined, never) = (clusters.filter(\.isEnrolled), clusters.filter { !$0.isEnrolled })
        let away = joined.filter { !$0.isConnected }
        agents.connected = joined.count - away.count
        agents.away = InstallationView.Sample(count: away.count, examples: away.map(\.cluster.name))
        agents.neverJoined = InstallationView.Sample(count: never.count, examples: never.map(\.cluster.name))
        let readmitted = clusters.filter { $0.readmittedUntil != nil }
        agents.readmitted = InstallationView.Sample(
            count: readmitted.count, examples: readmitted.map(\.cluster.name))
        let named = Set(agents.away.examples + agents.neverJoined.examples)
        guard !named.isEmpty else {
            agents.absences = []
            return
        }
        let now = now()
        let tokens = try await store.tokens().filter { $0.spentFor == nil && $0.expiresAt > now }
        var absences: [InstallationView.Absence] = []
        for record in away + never where named.contains(record.cluster.name) {
            let cluster = record.cluster.name
            var absence = InstallationView.Absence(
                cluster: cluster, lastSeenAt: record.isEnrolled ? record.lastSeenAt : nil,
                version: record.agentVersion)
            // Newest first.
            let certificates = try await store.certificates(of: cluster)
            if let counting = certificates.first(where: \.counts) {
                absence.certificateEndsAt = counting.expiresAt
            } else {
                absence.revokedAt = certificates.compactMap(\.revokedAt).max() ?? record.revokedAt
            }
            absence.tokenEndsAt = tokens.filter { $0.cluster == cluster }.map(\.expiresAt).max()
            if let refusal = agentPort.refusals.last(of: cluster), record.lastSeenAt.map({ $0 <= refusal.at }) ?? true {
                absence.refusal = refusal.reason
                absence.refusedAt = refusal.at
            }
            if let claim = agentPort.refusals.lastClaim(of: cluster), record.lastSeenAt.map({ $0 <= claim.at }) ?? true
            {
                absence.handshakeRefusal = claim.reason
                absence.handshakeRefusedAt = claim.at
            }
            absences.append(absence)
        }
        agents.absences = absences
    }

    private func add(_ offsets: [ClusterName: Interval], to agents: inout InstallationView.Agents) {
        // An agent may say any number.
        func distance(_ interval: Interval) -> UInt64 { interval.milliseconds.magnitude }
        let notice = InstallationView.Agents.clockNotice.milliseconds.magnitude
        let off = offsets.filter { distance($0.value) > notice }
            .sorted { (distance($1.value), $0.key) < (distance($0.value), $1.key) }
        agents.clocksKnown = offsets.count
        agents.clocksOff = InstallationView.Sample(count: off.count, examples: off.prefix(5).map(\.key))
        agents.furthestClock = offsets.values.max { distance($0) < distance($1) }?.milliseconds
    }
}
