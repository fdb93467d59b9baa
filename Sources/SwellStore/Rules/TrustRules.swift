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
        /// The least number that counted when all before was ended last, and when that was.
        var floor: Int64 = 0
        var floorAt: Timestamp?

        /// The next certificate's number.
        mutating func next() -> Int64 {
            counter += 1
            return counter
        }

        /// No certificate that is listed counts any more, and none is taken in.
        mutating func endAll(at now: Timestamp) {
            validFrom = counter + 1
            end(at: now)
        }

        /// An enrolment: its certificate's number is the first that counts.
        mutating func enrol(at now: Timestamp) {
            validFrom = next()
            end(at: now)
        }

        private mutating func end(at now: Timestamp) {
            (floor, floorAt) = (validFrom, now)
            // Which cluster is behind the name is for whoever enrols next to say.
            isUIDOpen = true
            readmitUntil = nil
        }

        /// Takes up what was ended before the store was restored; false where it is known.
        mutating func raise(to other: TrustFloor) -> Bool {
            guard validFrom < other.number else { return false }
            validFrom = other.number
            counter = max(counter, other.number - 1)
            (floor, floorAt) = (other.number, other.at)
            isUIDOpen = true
            return true
        }
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
