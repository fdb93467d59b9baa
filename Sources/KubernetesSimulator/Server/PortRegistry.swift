/// Which ports the listeners got, for those who wait for them.
actor PortRegistry {
    private let expected: Set<String>
    private var ports: [String: Int] = [:]
    private var failure: (any Error)?
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(expected: [String]) { self.expected = Set(expected) }

    func post(_ port: Int, for name: String) {
        ports[name] = port
        resume()
    }

    func fail(_ error: any Error) {
        if failure == nil { failure = error }
        resume()
    }

    func port(of name: String) -> Int? { ports[name] }

    func waitForPort(of name: String) async throws -> Int {
        while true {
            if let port = ports[name] { return port }
            if let failure { throw failure }
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    func waitForAll() async throws {
        while !expected.isSubset(of: ports.keys) {
            if let failure { throw failure }
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    private func resume() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
