internal import SwellEngine
internal import SwellModel
internal import SwellStore
internal import Synchronization

/// Carries out operations on one store and remembers what only that store can name.
struct StoreClient: Sendable {
    private(set) var leases: [LeaseHandle: Lease] = [:]
    private(set) var commands: [Int64] = []
    private var changeCursors: [Int64] = [0]
    private var eventCursors: [Int64] = [0]
    private(set) var highestEpoch: Int64 = 0

    /// Carries one out; what it throws becomes part of the outcome.
    mutating func perform(_ operation: StoreOperation, on store: any Store) async -> StoreOutcome {
        do throws(StoreError) {
            return StoreOutcome(text: try await answer(operation, store))
        } catch {
            // Ids of commands are each form's own.
            let isOfIDs = error.message.contains("it answers the commands")
            return StoreOutcome(text: isOfIDs ? "answers" : error.message, code: error.code.rawValue)
        }
    }

    private mutating func answer(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .timePasses, .apply, .removeCluster, .pauseRegion, .pauseCluster, .limitFleet, .readFleet,
            .createRelease, .readReleases, .readDocument:
            try await fleet(operation, store)
        case .readSurroundings, .createRollout, .readRollout, .readRollouts, .readDue, .submit, .readVerdict, .decide:
            try await rollouts(operation, store)
        case .ingest, .touch, .noteConnection, .dropConnections, .readStrays, .reissueOrphans, .readAssignments,
            .readChanges, .readStatuses, .readRight:
            try await agents(operation, store)
        case .readEvents, .readLatestEvents, .readTransitions: try await audit(operation, store)
        case .acquireLease, .renewLeases, .releaseLease, .releaseLeases:
            try await leases(operation, store)
        case .createToken, .spendToken, .revokeToken, .maintain: try await tokens(operation, store)
        case .renewCertificate, .useCertificate, .readmitCertificate, .openReadmission, .revokeCertificates,
            .noteClusterUID, .readTrust:
            try await certificates(operation, store)
        }
    }

    private func fleet(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .apply(let documents): return OutcomeText.json(try await store.apply(documents, by: "ann"))
        case .removeCluster(let name): try await store.removeCluster(name, by: "ann")
        case .pauseRegion(let region, let pause): try await store.setRegionPause(region, pause, by: "ann")
        case .pauseCluster(let name, let pause): try await store.setClusterPause(name, pause, by: "ann")
        case .limitFleet(let limit): try await store.setFleetLimit(limit, by: "ann")
        case .readFleet:
            var lines = [
                OutcomeText.json(try await store.clusters()), OutcomeText.json(try await store.applications()),
            ]
            lines.append(OutcomeText.json(try await store.policies()))
            lines += try await store.regionPauses().map { "\($0) \(OutcomeText.json($1))" }.sorted()
            lines.append("\(try await store.fleetLimit().map(String.init) ?? "no limit") at \(try await store.now())")
            return lines.joined(separator: "\n")
        case .createRelease(let release, let documents):
            return OutcomeText.json(try await store.createRelease(release, documents: documents))
        case .readReleases(let application, let limit):
            let all = try await store.releases(of: application, limit: limit)
            let one = try await store.release(of: application, version: "1.0")
            return OutcomeText.json(all) + " \(one.map { OutcomeText.json($0) } ?? "none")"
        case .readDocument(let digest):
            return try await store.document(digest).map { String(decoding: $0, as: UTF8.self) } ?? "none"
        default: break
        }
        return "done"
    }

    private mutating func rollouts(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .readSurroundings(let name): return OutcomeText.snapshot(try await store.snapshot(for: name))
        case .createRollout(let rollout, let superseding):
            try await store.createRollout(rollout, superseding: superseding, by: "ann")
        case .readRollout(let name): return try await store.rollout(name).map { OutcomeText.json($0) } ?? "none"
        case .readRollouts(let application, let limit):
            return OutcomeText.json(try await store.rollouts(of: application, limit: limit))
        case .readDue(let limit):
            let due = try await store.dueRollouts(limit: limit)
            return "\(due) next \(OutcomeText.moment(try await store.nextWakeUp()))"
        case .submit(let command, let name):
            let record = try await store.submit(command, to: name, by: "ann") {
                DecisionMaker.refusal(of: command, on: $0)
            }
            commands.append(record.id)
            return "\(record.rollout) \(OutcomeText.json(record.command)) by \(record.by) at \(record.at)"
        case .readVerdict(let place):
            // A place beyond those got so far is a command that there is not.
            guard commands.indices.contains(place) else {
                return "\(String(describing: try await store.verdict(of: 1 << 40)))"
            }
            return try await store.verdict(of: commands[place]).map { $0.refusal ?? "obeyed" } ?? "not yet"
        case .decide(let name, let handle, let kind):
            let seen = Mutex("")
            let decision = try await store.decide(name, under: lease(handle)) { input in
                seen.withLock { $0 = OutcomeText.input(input) }
                return kind.decide(input)
            }
            return seen.withLock(\.self) + "\n=> " + OutcomeText.decision(decision)
        default: break
        }
        return "done"
    }

    private mutating func agents(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .ingest(let reports): return "\(try await store.ingest(reports).rollouts.sorted())"
        case .touch(let names): try await store.touch(names)
        case .noteConnection(let name, let replica, let isConnected):
            try await store.noteConnection(name, replica: replica, agentVersion: "1", isConnected: isConnected)
        case .dropConnections(let replica): try await store.dropConnections(of: replica)
        case .readStrays(let limit):
            return try await store.orphanedAssignments(limit: limit, perCluster: limit, after: nil)
                .map { OutcomeText.json($0.assignment) + OutcomeText.json($0.report) }.joined(separator: "\n")
        case .reissueOrphans(let handle):
            let lease = lease(handle)
            let assignments = try await store.orphanedAssignments(limit: 10, perCluster: 10, after: nil).compactMap {
                $0.reissued(under: lease.epoch)
            }
            return OutcomeText.json(
                try await store.reissue(assignments, under: lease).sorted {
                    ($0.cluster, $0.application) < ($1.cluster, $1.application)
                })
        case .readAssignments(let name): return OutcomeText.json(try await store.assignments(of: name))
        case .readChanges(let place):
            let changes = try await store.assignments(changedAfter: changeCursors[place % changeCursors.count])
            changeCursors.append(changes.cursor)
            return OutcomeText.json(changes.assignments)
        case .readStatuses(let name): return OutcomeText.json(try await store.statuses(of: name))
        case .readRight(let digest, let name): return "\(try await store.mayRead(digest, cluster: name))"
        default: break
        }
        return "done"
    }

    private mutating func audit(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .readEvents(let place, let filter, let limit):
            let events = try await store.events(
                after: eventCursors[place % eventCursors.count], filter: filter, limit: limit)
            eventCursors.append(events.last?.id ?? eventCursors[place % eventCursors.count])
            return OutcomeText.events(events)
        case .readLatestEvents(let filter, let limit):
            return OutcomeText.events(try await store.latestEvents(filter: filter, limit: limit))
        case .readTransitions(let name):
            guard let plan = try await store.plan(of: name) else { return "none" }
            let transitions = try await store.transitions(of: name)
            let isRight = try await store.rollout(name) == Transition.replay(onto: plan, transitions)
            return (isRight ? "" : "the rows do not give the state! ") + OutcomeText.json(plan)
                + OutcomeText.json(transitions)
        default: return "done"
        }
    }

    private mutating func leases(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .acquireLease(let handle, let lifetime):
            let lease = try await store.acquireLease(handle.name, holder: handle.holder, lifetime: lifetime)
            if let lease { note(lease) }
            return OutcomeText.lease(lease)
        case .renewLeases(let holder, let lifetime):
            let renewed = try await store.renewLeases(holder: holder, lifetime: lifetime).renewed
            for lease in renewed { note(lease) }
            return renewed.map { OutcomeText.lease($0) }.joined(separator: "\n")
        case .releaseLease(let handle): try await store.releaseLease(lease(handle))
        case .releaseLeases(let holder): try await store.releaseLeases(holder: holder)
        default: break
        }
        return "done"
    }

    private func tokens(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .createToken(let hash, let cluster, let end):
            try await store.createToken(hash: hash, cluster: cluster, expiresAt: end, by: "ann")
        case .spendToken(let hash, let serial, let end):
            return try await store.spendToken(hash: hash, for: Self.note(serial, end))?.rawValue ?? "none"
        case .revokeToken(let id): try await store.revokeToken(id, by: "ann")
        case .maintain(let retention):
            let outcome = try await store.maintain(retention)
            return "\(outcome)"
        default: break
        }
        return "done"
    }

    private func certificates(_ operation: StoreOperation, _ store: any Store) async throws(StoreError) -> String {
        switch operation {
        case .renewCertificate(let serial, let cluster, let former, let end):
            let standing = try await store.recordRenewal(Self.note(serial, end), of: cluster, replacing: former)
            return "\(standing)"
        case .useCertificate(let serial, let cluster):
            try await store.noteUse(of: CertificateUse(cluster, serial: serial))
        case .readmitCertificate(let serial, let cluster, let end):
            return "\(try await store.readmit(Self.note(serial, end), of: cluster))"
        case .openReadmission(let clusters, let end):
            return "\(try await store.openReadmission(of: clusters, until: end, by: "ann"))"
        case .revokeCertificates(let cluster, let serial):
            return "\(try await store.revokeCertificates(of: cluster, serial: serial, reason: "lost", by: "ann"))"
        case .noteClusterUID(let uid, let cluster):
            return "\(try await store.noteClusterUID(uid, of: cluster))"
        case .readTrust(let serials, let clusters):
            let uses = clusters.flatMap { cluster in serials.map { CertificateUse(cluster, serial: $0) } }
            var lines = try await store.standings(of: uses).map { "\($0.key) \($0.value)" }.sorted()
            for cluster in clusters { lines.append(OutcomeText.json(try await store.certificates(of: cluster))) }
            return (lines + [OutcomeText.json(try await store.tokens())]).joined(separator: "\n")
        default: break
        }
        return "done"
    }

    private static func note(_ serial: String, _ end: Timestamp) -> CertificateNote {
        CertificateNote(serial: serial, keyFingerprint: "sha256:\(serial)", expiresAt: end)
    }

    private mutating func note(_ lease: Lease) {
        leases[LeaseHandle(name: lease.name, holder: lease.holder)] = lease
        highestEpoch = max(highestEpoch, lease.epoch)
    }

    /// One that was never granted is held by nobody under epoch 0.
    private func lease(_ handle: LeaseHandle) -> Lease {
        leases[handle]
            ?? Lease(name: handle.name, holder: handle.holder, epoch: 0, expiresAt: Timestamp(milliseconds: 0))
    }
}
