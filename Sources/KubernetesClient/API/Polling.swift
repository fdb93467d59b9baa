extension KubernetesAPI {
    /// Asks again and again, at growing intervals, until something holds.
    ///
    /// - Throws: ``KubernetesError/Code/notReached`` when it does not in time.
    func poll(
        every first: Duration, atMost limit: Duration, what: String, until holds: () async throws -> Bool
    ) async throws {
        let started = ContinuousClock.now
        var interval = first
        while true {
            if try await holds() { return }
            guard started.duration(to: .now) < limit else {
                throw KubernetesError(code: .notReached, message: "waited \(limit.components.seconds) s for \(what)")
            }
            try await options.clock.sleep(for: interval)
            interval = min(interval * 2, .seconds(2))
        }
    }
}
