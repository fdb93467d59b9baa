public import SwellModel

/// When a certificate is renewed: after two thirds of its life, spread over a tenth so that a fleet enrolled together
/// does not come back together.
public enum RenewalRule {
    /// The moment from which renewal is due.
    ///
    /// - Parameter jitter: 0 up to 1, drawn once a certificate; 0 is exactly two thirds, 1 a tenth of the life later.
    public static func due(notValidBefore: Timestamp, notValidAfter: Timestamp, jitter: Double) -> Timestamp {
        let life = max(0, (notValidAfter - notValidBefore).milliseconds)
        let spread = Int64(Double(life) / 10 * min(1, max(0, jitter)))
        return notValidBefore + Interval(milliseconds: life * 2 / 3 + spread)
    }

    /// How long to wait from `now` until the next attempt: until renewal is due; after a failed attempt, a tenth of
    /// what is left of the certificate's life, between 10 seconds and an hour.
    public static func delay(
        notValidBefore: Timestamp, notValidAfter: Timestamp, jitter: Double, failedBefore: Bool, now: Timestamp
    ) -> Interval {
        let wait = due(notValidBefore: notValidBefore, notValidAfter: notValidAfter, jitter: jitter) - now
        guard wait <= .zero else { return wait }
        guard failedBefore else { return .zero }
        let left = notValidAfter - now
        return min(.hours(1), max(.seconds(10), Interval(milliseconds: left.milliseconds / 10)))
    }
}
