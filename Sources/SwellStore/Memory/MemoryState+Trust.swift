internal import SwellEngine
public import SwellModel

/// Join tokens, and which certificates count.
extension MemoryState {
    public mutating func createToken(hash: String, cluster: ClusterName, expiresAt: Timestamp, by actor: String)
        throws(StoreError)
    {
        guard let known = clusters[cluster] else { throw .noCluster(cluster) }
        guard tokens[hash] == nil else {
            throw StoreError(code: .conflict, message: "a join token with this hash exists already")
        }
        tokens[hash] = Token(cluster: cluster, createdBy: actor, createdAt: now, expiresAt: expiresAt)
        record(.cluster("token-created", cluster, region: known.region, by: actor, at: now))
    }

    public mutating func spendToken(
        hash: String, for certificate: CertificateNote, clusterUID uid: String?
    ) -> TokenSpending {
        guard let token = tokens[hash], token.expiresAt > now, let cluster = clusters[token.cluster] else {
            return .isNotGood
        }
        let serial = certificate.serial
        if let spentBy = token.spentBy {
            guard spentBy == serial, standing(of: CertificateUse(token.cluster, serial: serial)).counts else {
                return .isNotGood
            }
            let known = certificates[serial]?.expiresAt ?? now
            certificates[serial]?.expiresAt = max(known, certificate.expiresAt)
            return .spent(token.cluster)
        }
        guard certificates[serial] == nil else { return .isNotGood }
        if let uid, !uid.contains("/"),
            let other = trust.filter({
                $0.key != token.cluster && $0.value.clusterUID == uid && clusters[$0.key] != nil
            })
            .keys.min()
        {
            return .isOf(other)
        }
        tokens[hash]?.spentBy = serial
        let ended = standingSerials(of: token.cluster).count
        var row = trust[token.cluster] ?? TrustRules.Row()
        row.enrol(serial, at: now)
        trust[token.cluster] = row
        list(certificate, of: token.cluster, number: row.counter, former: nil)
        agents[token.cluster, default: Agent()].isEnrolled = true
        record(
            .cluster(
                "joined", token.cluster, region: cluster.region, by: token.cluster.rawValue, at: now, to: serial,
                reason: TrustRules.joined(number: row.counter, ended: ended)))
        return .spent(token.cluster)
    }

    public func tokenRecords() -> [JoinTokenRecord] {
        tokens.sorted { ($1.value.createdAt, $0.key) < ($0.value.createdAt, $1.key) }.map { hash, token in
            JoinTokenRecord(
                id: String(hash.prefix(JoinTokenRecord.idLength)), cluster: token.cluster, createdBy: token.createdBy,
                createdAt: token.createdAt, expiresAt: token.expiresAt, spentFor: token.spentBy)
        }
    }

    public mutating func revokeToken(_ id: String, by actor: String) throws(StoreError) {
        guard let (hash, token) = tokens.first(where: { $0.key.prefix(JoinTokenRecord.idLength) == id }) else {
            throw TrustRules.noToken(id)
        }
        guard token.spentBy == nil else { throw TrustRules.spent(id) }
        tokens[hash] = nil
        record(
            .cluster(
                "token-revoked", token.cluster, region: clusters[token.cluster]?.region, by: actor, at: now, to: id))
    }

    // MARK: Certificates

    public mutating func recordRenewal(
        _ certificate: CertificateNote, of cluster: ClusterName, replacing former: String
    ) throws(StoreError) -> CertificateStanding {
        let use = CertificateUse(cluster, serial: former)
        let standing = standing(of: use)
        guard standing.counts else { return standing }
        guard certificates[certificate.serial] == nil else { throw TrustRules.taken(certificate.serial) }
        for (serial, other) in certificates
        where other.cluster == cluster && other.former == former && other.usedAt == nil && other.revokedAt == nil {
            certificates[serial]?.revokedAt = now
        }
        let number = trust[cluster, default: TrustRules.Row()].next()
        list(certificate, of: cluster, number: number, former: former)
        record(
            .cluster(
                "renewed", cluster, region: clusters[cluster]?.region, by: cluster.rawValue, at: now,
                to: certificate.serial, reason: TrustRules.renewed(number: number, former: former)))
        return standing
    }

    public func standing(of use: CertificateUse) -> CertificateStanding {
        let isInFleet = clusters[use.cluster] != nil
        let row = trust[use.cluster] ?? TrustRules.Row()
        guard let known = certificates[use.serial], known.cluster == use.cluster else {
            return TrustRules.standing(readmitUntil: row.readmitUntil, now: now, isInFleet: isInFleet)
        }
        return TrustRules.standing(
            number: known.number, revokedAt: known.revokedAt, isUsed: known.usedAt != nil, validFrom: row.validFrom,
            isInFleet: isInFleet)
    }

    public mutating func noteUse(of use: CertificateUse) {
        let row = trust[use.cluster] ?? TrustRules.Row()
        guard let known = certificates[use.serial], known.cluster == use.cluster, known.usedAt == nil,
            known.revokedAt == nil, known.number >= row.validFrom
        else { return }
        certificates[use.serial]?.usedAt = now
        trust[use.cluster, default: TrustRules.Row()].validFrom = known.number
    }

    public mutating func readmit(_ certificate: CertificateNote, of cluster: ClusterName) -> Bool {
        let use = CertificateUse(cluster, serial: certificate.serial)
        guard standing(of: use) == .awaited, certificates[certificate.serial] == nil else { return false }
        guard trust[cluster, default: TrustRules.Row()].admits(certificate) else { return false }
        let number = trust[cluster, default: TrustRules.Row()].next()
        trust[cluster]?.readmitUntil = nil
        list(certificate, of: cluster, number: number, former: nil)
        record(
            .cluster(
                "readmitted", cluster, region: clusters[cluster]?.region, by: cluster.rawValue, at: now,
                to: certificate.serial, reason: TrustRules.joined(number: number, ended: 0)))
        return true
    }

    public mutating func openReadmission(
        of names: [ClusterName]?, until end: Timestamp, by actor: String
    ) throws(StoreError) -> [ClusterName] {
        let names = names.map { Set($0).sorted() } ?? clusters.keys.sorted()
        for name in names where clusters[name] == nil { throw .noCluster(name) }
        for name in names {
            trust[name, default: TrustRules.Row()].readmitUntil = end
            record(
                .cluster(
                    "readmission-opened", name, region: clusters[name]?.region, by: actor, at: now, to: "\(end)"))
        }
        return names
    }

    public mutating func closeReadmission(of names: [ClusterName]?, by actor: String) throws(StoreError)
        -> [ClusterName]
    {
        let names = names.map { Set($0).sorted() } ?? clusters.keys.sorted()
        for name in names where clusters[name] == nil { throw .noCluster(name) }
        let open = names.filter { trust[$0]?.readmitUntil.map { $0 > now } == true }
        for name in open {
            trust[name]?.readmitUntil = nil
            record(.cluster("readmission-closed", name, region: clusters[name]?.region, by: actor, at: now))
        }
        return open
    }

    public func revokedClusters(of names: [ClusterName]?) -> [ClusterName] {
        (names.map(Set.init) ?? Set(clusters.keys)).filter { name in
            let own = certificates.filter { $0.value.cluster == name }
            if let joined = trust[name]?.floorSerial, own[joined]?.revokedAt == nil { return false }
            return clusters[name] != nil && own.values.contains { $0.revokedAt != nil }
                && standingSerials(of: name).isEmpty
        }.sorted()
    }

    /// When the last of a cluster's certificates was revoked, where none counts.
    func revokedAt(_ cluster: ClusterName) -> Timestamp? {
        guard standingSerials(of: cluster).isEmpty else { return nil }
        let row = trust[cluster]
        return certificates.values.filter { $0.cluster == cluster }.compactMap(\.revokedAt).max()
            ?? (row?.floorSerial == nil ? row?.floorAt : nil)
    }

    public mutating func revokeCertificates(
        of cluster: ClusterName, serial: String?, reason: String?, by actor: String
    ) throws(StoreError) -> Revocation {
        guard clusters[cluster] != nil || certificates.values.contains(where: { $0.cluster == cluster }) else {
            throw .noCluster(cluster)
        }
        let revocation: Revocation
        if let serial {
            guard certificates[serial]?.cluster == cluster else { throw TrustRules.noCertificate(serial, cluster) }
            let counted = Set(standingSerials(of: cluster))
            let chain = chain(of: serial, cluster)
            for serial in chain where certificates[serial]?.revokedAt == nil { certificates[serial]?.revokedAt = now }
            for serial in chain { certificates[serial]?.isRevoked = true }
            revocation = Revocation(serials: counted.intersection(chain).sorted())
        } else {
            revocation = revokeAll(of: cluster)
        }
        record(
            .cluster(
                "revoked", cluster, region: clusters[cluster]?.region, by: actor, at: now, to: serial,
                reason: TrustRules.revoked(revocation, reason: reason)))
        return revocation
    }

    /// A certificate, and what was renewed with it.
    private func chain(of serial: String, _ cluster: ClusterName) -> Set<String> {
        TrustRules.chain(of: [serial], in: listed(of: cluster))
    }

    private func listed(of cluster: ClusterName) -> [TrustRules.Listed] {
        certificates.filter { $0.value.cluster == cluster }.map {
            TrustRules.Listed(serial: $0, former: $1.former, issuedAt: $1.issuedAt)
        }
    }

    /// Ends every certificate and unspent token of a cluster.
    mutating func revokeAll(of cluster: ClusterName, isLeaving: Bool = false) -> Revocation {
        let serials = standingSerials(of: cluster)
        for (serial, certificate) in certificates where certificate.cluster == cluster && certificate.revokedAt == nil {
            certificates[serial]?.revokedAt = now
        }
        let count = tokens.count
        tokens = tokens.filter { $0.value.cluster != cluster || $0.value.spentBy != nil }
        trust[cluster, default: TrustRules.Row()].endAll(at: now, isLeaving: isLeaving)
        return Revocation(serials: serials, tokens: count - tokens.count)
    }

    public func endedTrust(after moment: Timestamp) -> EndedTrust {
        let floors = trust.compactMap { cluster, row in
            row.floorAt.flatMap {
                $0 > moment || row.floorRaisedAt.map { $0 > moment } == true
                    ? TrustFloor(cluster: cluster, number: row.floor, at: $0, serial: row.floorSerial) : nil
            }
        }
        let revoked = certificates.filter {
            $0.value.isRevoked && $0.value.expiresAt > now && $0.value.revokedAt.map { $0 > moment } == true
        }
        .sorted {
            ($1.value.revokedAt ?? now, $1.value.number, $0.key) < ($0.value.revokedAt ?? now, $0.value.number, $1.key)
        }
        return EndedTrust(
            floors: floors.sorted { $0.cluster < $1.cluster },
            certificates: revoked.prefix(EndedTrust.limit).map { CertificateUse($1.cluster, serial: $0) }, now: now)
    }

    public func standing(of use: CertificateUse, key: String) -> CertificateStanding? {
        let listed = certificates[use.serial]
        return listed?.cluster == use.cluster && listed?.keyFingerprint != key ? nil : standing(of: use)
    }

    public func isSpared(_ use: CertificateUse, by floor: TrustFloor) -> Bool {
        if trust[use.cluster]?.isBehind(floor) == false { return true }
        let listed = certificates.filter { $0.value.cluster == use.cluster }.map {
            TrustRules.Listed(serial: $0, former: $1.former, issuedAt: $1.issuedAt)
        }
        return TrustRules.kept(by: floor, of: listed).contains(use.serial)
    }

    public mutating func endAgain(_ ended: EndedTrust) -> [ClusterName] {
        var clusters: Set<ClusterName> = []
        for floor in ended.floors where trust[floor.cluster, default: TrustRules.Row()].isBehind(floor) {
            if raise(floor) { clusters.insert(floor.cluster) }
        }
        for use in ended.certificates where certificates[use.serial]?.cluster == use.cluster {
            for serial in chain(of: use.serial, use.cluster) {
                guard let known = certificates[serial], known.revokedAt == nil || !known.isRevoked else { continue }
                if known.revokedAt == nil { clusters.insert(use.cluster) }
                certificates[serial]?.revokedAt = now
                certificates[serial]?.isRevoked = true
            }
        }
        for cluster in clusters.sorted() {
            record(
                .cluster(
                    "revoked", cluster, region: self.clusters[cluster]?.region, by: Transition.engine, at: now,
                    reason: TrustRules.endedAgain))
        }
        return clusters.sorted()
    }

    /// Brings a floor back that was forgotten; whether it ended anything that counted.
    private mutating func raise(_ floor: TrustFloor) -> Bool {
        if let cluster = clusters[floor.cluster], trust[floor.cluster]?.readmitUntil.map({ $0 > now }) == true {
            // Nobody shall wait before a door that was shut without a word.
            record(
                .cluster(
                    "readmission-closed", cluster.name, region: cluster.region, by: Transition.engine, at: now,
                    reason: TrustRules.endedAgain))
        }
        let before = (standingSerials(of: floor.cluster), tokens.count)
        for serial in TrustRules.ended(by: floor, of: listed(of: floor.cluster)) {
            guard let known = certificates[serial] else { continue }
            let isToBeNamed = TrustRules.isToBeNamed(known.issuedAt, floor) && !known.isRevoked
            guard known.revokedAt == nil || isToBeNamed else { continue }
            certificates[serial]?.revokedAt = now
            certificates[serial]?.isRevoked = known.isRevoked || isToBeNamed
        }
        tokens = tokens.filter {
            $0.value.cluster != floor.cluster || $0.value.spentBy != nil || $0.value.createdAt >= floor.at
        }
        let spared = standingSerials(of: floor.cluster)
        trust[floor.cluster, default: TrustRules.Row()].raise(to: floor, isAnySpared: !spared.isEmpty, at: now)
        return (spared, tokens.count) != before
    }

    public func certificateRecords(of cluster: ClusterName) -> [CertificateRecord] {
        certificates.filter { $0.value.cluster == cluster }
            .sorted { ($1.value.number, $0.key) < ($0.value.number, $1.key) }.prefix(1_000)
            .map { serial, known in
                CertificateRecord(
                    serial: serial, cluster: cluster, number: known.number, former: known.former,
                    keyFingerprint: known.keyFingerprint, issuedAt: known.issuedAt, expiresAt: known.expiresAt,
                    usedAt: known.usedAt, revokedAt: known.revokedAt,
                    counts: standing(of: CertificateUse(cluster, serial: serial)).counts)
            }
    }

    public mutating func reportCopy(of use: CertificateUse, reason: String) {
        guard let known = certificates[use.serial], known.cluster == use.cluster, !wasJustReplaced(use) else { return }
        if let misusedAt = known.misusedAt {
            guard known.revokedAt == nil, known.number >= trust[use.cluster]?.validFrom ?? 0,
                let seenAt = agents[use.cluster]?.lastSeenAt, seenAt > misusedAt, now - misusedAt >= Bounds.copyAudit
            else { return }
        }
        certificates[use.serial]?.misusedAt = now
        record(
            .cluster(
                "clone-suspected", use.cluster, region: clusters[use.cluster]?.region, by: use.cluster.rawValue,
                at: now, to: use.serial, reason: reason))
    }

    public mutating func reportSharing(of use: CertificateUse, reason: String) {
        guard let known = certificates[use.serial], known.cluster == use.cluster, !known.isShared else { return }
        certificates[use.serial]?.isShared = true
        record(
            .cluster(
                "clone-suspected", use.cluster, region: clusters[use.cluster]?.region, by: use.cluster.rawValue,
                at: now, to: use.serial, reason: reason))
    }

    /// Whether it was in use until another took its place a moment ago.
    private func wasJustReplaced(_ use: CertificateUse) -> Bool {
        let validFrom = trust[use.cluster]?.validFrom ?? 0
        guard let known = certificates[use.serial], known.number < validFrom,
            let next = certificates.values.first(where: { $0.cluster == use.cluster && $0.number == validFrom }),
            let moment = next.former == nil ? next.issuedAt : next.usedAt, now - moment < Bounds.succession
        else { return false }
        return !certificates.values.contains {
            $0.cluster == use.cluster && $0.number > known.number && $0.number < validFrom && $0.usedAt != nil
        }
    }

    public mutating func noteClusterUID(_ uid: String, of cluster: ClusterName) -> ClusterUIDNote {
        var row = trust[cluster] ?? TrustRules.Row()
        if row.clusterUID == uid, !row.isUIDOpen { return .isNoted }
        guard clusters[cluster] != nil else { return .isNoted }
        let others = trust.filter { $0.key != cluster && $0.value.clusterUID == uid }
        if !uid.contains("/"), let other = others.keys.min() { return .isOf(other) }
        if let known = row.clusterUID, !row.isUIDOpen { return .isAnother(known) }
        (row.clusterUID, row.isUIDOpen) = (uid, false)
        trust[cluster] = row
        return .isNoted
    }

    private mutating func list(_ certificate: CertificateNote, of cluster: ClusterName, number: Int64, former: String?)
    {
        certificates[certificate.serial] = Certificate(
            cluster: cluster, number: number, former: former, keyFingerprint: certificate.keyFingerprint,
            issuedAt: certificate.issuedAt ?? now, expiresAt: certificate.expiresAt)
    }

    /// The certificates of a cluster that are neither revoked nor superseded, in order.
    private func standingSerials(of cluster: ClusterName) -> [String] {
        let validFrom = trust[cluster]?.validFrom ?? 0
        return certificates.filter {
            $0.value.cluster == cluster && $0.value.revokedAt == nil && $0.value.number >= validFrom
        }.keys.sorted()
    }

    /// Forgets what expired long ago.
    mutating func forgetExpired() -> (certificates: Int, tokens: Int) {
        let oldest = now - Bounds.expiredCredentials
        let before = (certificates.count, tokens.count)
        certificates = certificates.filter { $0.value.expiresAt > oldest }
        tokens = tokens.filter { $0.value.expiresAt > oldest }
        return (before.0 - certificates.count, before.1 - tokens.count)
    }
}
