internal import SwellModel

/// Which certificates count: the same for each form of the store.
enum TrustRules {
    /// A cluster's row.
    struct Row: Sendable, Hashable {
        /// The number of the certificate listed last.
        var counter: Int64 = 0
        /// The least number that counts.
        var validFrom: Int64 = 0
        var clusterUID: String?
        /// Whether the next hello of this cluster may say another uid. The one it said before is its own until then.
        var isUIDOpen = false
        var readmitUntil: Timestamp?
        /// The least number that counted when all before was ended last, when that was, and whose number it is, if an enrolment did it.
        var floor: Int64 = 0
        var floorAt: Timestamp?
        var floorSerial: String?
        /// When a replica that remembered it brought it back; nil where it came about here.
        var floorRaisedAt: Timestamp?

        /// The next certificate's number.
        mutating func next() -> Int64 {
            counter += 1
            return counter
        }

        /// No certificate that is listed counts any more, and none is taken in.
        ///
        /// - Parameter isLeaving: Whether the cluster leaves the fleet: then its uid is free for another name.
        mutating func endAll(at now: Timestamp, isLeaving: Bool = false) {
            validFrom = counter + 1
            end(at: now, serial: nil)
            if isLeaving { clusterUID = nil }
        }

        /// An enrolment: its certificate's number is the first that counts.
        mutating func enrol(_ serial: String, at now: Timestamp) {
            validFrom = next()
            end(at: now, serial: serial)
        }

        private mutating func end(at now: Timestamp, serial: String?) {
            // Later than whatever ended it before, also where a restored server's clock is behind.
            (floor, floorAt, floorSerial) = (validFrom, floorAt.map { max(now, $0 + .milliseconds(1)) } ?? now, serial)
            floorRaisedAt = nil
            // Which cluster is behind the name is for whoever enrols next to say.
            isUIDOpen = true
            readmitUntil = nil
        }

        /// Whether a floor is later than whatever is known here.
        func isBehind(_ other: TrustFloor) -> Bool { floorAt.map { $0 < other.at } ?? true }

        /// Takes up a floor of before the store was restored, once what it ended is ended, by the table of ``TrustFloor``.
        ///
        /// - Parameter isAnySpared: Whether any certificate still counts. Otherwise whatever was listed since the backup goes with what was
        ///   ended: its numbers were given a second time.
        mutating func raise(to other: TrustFloor, isAnySpared: Bool, at now: Timestamp) {
            counter = max(counter, other.number - 1)
            if !isAnySpared {
                validFrom = counter + 1
                isUIDOpen = true
            }
            (floor, floorAt, floorSerial, floorRaisedAt) = (validFrom, other.at, other.serial, now)
            readmitUntil = nil
        }

        /// Whether the door is for this one: not where the floor ended it.
        func admits(_ certificate: CertificateNote) -> Bool {
            guard let floorAt, let issuedAt = certificate.issuedAt else { return true }
            return certificate.serial == floorSerial || issuedAt >= floorAt + TrustFloor.tolerance
        }
    }

    /// A certificate that is listed, as a floor sees it.
    struct Listed: Sendable, Hashable {
        var serial: String
        var former: String?
        var issuedAt: Timestamp
    }

    /// Which of a cluster's certificates a floor that is raised ends, by the table of ``TrustFloor``.
    static func ended(by floor: TrustFloor, of listed: [Listed]) -> Set<String> {
        let kept = kept(by: floor, of: listed)
        let first = listed.filter { !kept.contains($0.serial) && floor.ends($0.serial, issuedAt: $0.issuedAt) }
        return chain(of: Set(first.map(\.serial)), in: listed)
    }

    /// What a floor's enrolment brought, and what was renewed with that.
    static func kept(by floor: TrustFloor, of listed: [Listed]) -> Set<String> {
        floor.serial.map { chain(of: [$0], in: listed) } ?? []
    }

    /// Certificates, and what was renewed with them.
    static func chain(of serials: Set<String>, in listed: [Listed]) -> Set<String> {
        let renewals = Dictionary(grouping: listed.filter { $0.former != nil }) { $0.former ?? "" }
        var (chain, rest) = (serials, Array(serials))
        while let next = rest.popLast() {
            for renewal in renewals[next] ?? [] where chain.insert(renewal.serial).inserted {
                rest.append(renewal.serial)
            }
        }
        return chain
    }

    /// Whether one that a raised floor ended has to be remembered by its serial number, since its moment does not tell that it was.
    static func isToBeNamed(_ issuedAt: Timestamp, _ floor: TrustFloor) -> Bool {
        issuedAt > floor.at - TrustFloor.tolerance
    }

    /// How a certificate that is listed stands.
    static func standing(
        number: Int64, revokedAt: Timestamp?, isUsed: Bool, validFrom: Int64, isInFleet: Bool
    ) -> CertificateStanding {
        guard isInFleet else { return .notInFleet }
        if let revokedAt { return .revoked(at: revokedAt) }
        return number < validFrom ? .superseded : .counts(isUsed: isUsed)
    }

    /// How one that is not listed stands.
    static func standing(readmitUntil: Timestamp?, now: Timestamp, isInFleet: Bool) -> CertificateStanding {
        guard isInFleet else { return .notInFleet }
        return readmitUntil.map { $0 > now } == true ? .awaited : .unknown
    }

    /// What the audit log says of an enrolment.
    static func joined(number: Int64, ended: Int) -> String {
        ended == 0
            ? "certificate number \(number)"
            : "certificate number \(number); \(ended) earlier one\(ended == 1 ? "" : "s") ended"
    }

    /// What the audit log says of a renewal.
    static func renewed(number: Int64, former: String) -> String {
        "certificate number \(number), asked for with \(former)"
    }

    /// What the audit log says of a revocation.
    static func revoked(_ revocation: Revocation, reason: String?) -> String {
        let what =
            "\(revocation.serials.count) certificate\(revocation.serials.count == 1 ? "" : "s"), "
            + "\(revocation.tokens) token\(revocation.tokens == 1 ? "" : "s")"
        return reason.map { "\(what): \($0)" } ?? what
    }

    /// What the audit log says of what a restore had brought back.
    static let endedAgain = "a replica remembers that it was ended before the database was restored"

    static func noCertificate(_ serial: String, _ cluster: ClusterName) -> StoreError {
        StoreError(
            code: .notFound,
            message: "cluster '\(cluster)' has no certificate \(serial); see 'swell cluster certificates \(cluster)'")
    }

    static func taken(_ serial: String) -> StoreError {
        StoreError(code: .conflict, message: "there is a certificate with serial number \(serial) already")
    }

    static func noToken(_ id: String) -> StoreError {
        StoreError(code: .notFound, message: "there is no join token '\(id)'; see 'swell token list'")
    }

    static func spent(_ id: String) -> StoreError {
        StoreError(
            code: .refused,
            message: "join token '\(id)' was spent: 'swell cluster revoke' ends the certificate that it was spent for")
    }
}
