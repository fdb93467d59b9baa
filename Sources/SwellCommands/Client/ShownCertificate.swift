internal import HandshakeProbe
internal import SwellModel

/// From when to when the certificate counts that a server shows. Asked for after it was not trusted, by a probe over a connection of its
/// own: nothing is sent to whoever that is, and nothing of it is trusted but to say what is wrong.
struct ShownCertificate: Sendable {
    let start: Timestamp
    let end: Timestamp

    init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// Nil where none was shown in time.
    init?(of server: ServerAddress, within limit: Duration = .seconds(3)) async {
        let seen = await SeenHandshake.look(host: server.host, port: server.port ?? 443, within: limit)
        guard let seconds = seen?.validity else { return nil }
        self.init(
            start: Timestamp(milliseconds: seconds.lowerBound * 1_000),
            end: Timestamp(milliseconds: seconds.upperBound * 1_000))
    }

    /// What is wrong with it at a moment; nil for nothing that a clock would tell.
    func problem(at now: Timestamp) -> String? {
        if now < start {
            return
                "its certificate counts from \(start) on, and by this machine's clock it is \(now): one of the two clocks is off"
        }
        if now > end {
            return
                "its certificate ended at \(end), and by this machine's clock it is \(now): one of the two clocks is off, or "
                + "the coordinator could not renew it"
        }
        return nil
    }
}
