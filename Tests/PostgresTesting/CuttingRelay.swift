internal import Foundation
internal import Glibc
public import PostgresClient
internal import Synchronization

/// Stands between a client and a server on Unix sockets, and cuts connections: all of them at once, or just when the server's answer
/// to COMMIT comes, so that what was committed is not known to be.
public final class CuttingRelay: Sendable {
    private struct State {
        var pairs: [Int: (client: Int32, server: Int32)] = [:]
        var next = 0
        var lossShare: UInt64 = 0
        var commits: UInt64 = 0
        var lost = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let directory: String
    private let target: String

    /// Relays to the server that the configuration names by the directory of its socket.
    public init(to configuration: PostgresConfiguration) throws {
        let port = configuration[keyword: "port"] ?? "5432"
        target = (configuration[keyword: "host"] ?? "") + "/.s.PGSQL.\(port)"
        directory = FileManager.default.temporaryDirectory.path + "/relay-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        let isListening = Self.withAddress(of: directory + "/.s.PGSQL.\(port)") { address, size in
            bind(listener, address, size) == 0 && listen(listener, 64) == 0
        }
        guard listener >= 0, isListening else {
            throw PostgresServerError(message: "the relay cannot listen: \(String(cString: strerror(errno)))")
        }
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                self.relay(client)
            }
        }
    }

    deinit {
        close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// How to connect through the relay.
    public func configuration(_ configuration: PostgresConfiguration) -> PostgresConfiguration {
        configuration.setting(["host": directory])
    }

    /// Cuts every connection; says how many.
    @discardableResult
    public func cut() -> Int {
        state.withLock { state in
            for pair in state.pairs.values {
                shutdown(pair.client, Int32(SHUT_RDWR))
                shutdown(pair.server, Int32(SHUT_RDWR))
            }
            return state.pairs.count
        }
    }

    /// From now on one in `share` answers to COMMIT is lost together with its connection; 0 stops that.
    public func loseCommitAnswers(oneIn share: UInt64) { state.withLock { $0.lossShare = share } }

    /// How many answers to COMMIT were lost so far.
    public var lostAnswers: Int { state.withLock(\.lost) }

    /// Takes no more connections and cuts those there are.
    public func close() {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        cut()
    }

    // MARK: Connections

    private func relay(_ client: Int32) {
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let isConnected = Self.withAddress(of: target) { connect(server, $0, $1) == 0 }
        guard isConnected else {
            Glibc.close(server)
            Glibc.close(client)
            return
        }
        let number = state.withLock { state in
            state.next += 1
            state.pairs[state.next] = (client, server)
            return state.next
        }
        // Each direction has a thread, and the one that ends last closes both ends.
        let left = Countdown()
        for (from, to, answers) in [(client, server, false), (server, client, true)] {
            Thread.detachNewThread { [weak self] in
                Self.pump(from, to) { answers ? self?.isLost($0) ?? false : false }
                shutdown(from, Int32(SHUT_RDWR))
                shutdown(to, Int32(SHUT_RDWR))
                guard left.isLast() else { return }
                self?.state.withLock { _ = $0.pairs.removeValue(forKey: number) }
                Glibc.close(from)
                Glibc.close(to)
            }
        }
    }

    private static func pump(_ from: Int32, _ to: Int32, isLost: (ArraySlice<UInt8>) -> Bool) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(from, &buffer, buffer.count)
            guard count > 0, !isLost(buffer[..<count]) else { return }
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
        }
    }

    /// The server's message that a COMMIT was carried out, as the protocol has it: CommandComplete, its length, its tag.
    private static let committed: [UInt8] = [UInt8(ascii: "C"), 0, 0, 0, 11] + Array("COMMIT\0".utf8)

    private func isLost(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.firstRange(of: Self.committed) != nil else { return false }
        return state.withLock { state in
            guard state.lossShare > 0 else { return false }
            state.commits += 1
            guard state.commits.isMultiple(of: state.lossShare) else { return false }
            state.lost += 1
            return true
        }
    }

    private static func withAddress(of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Tells the second of two from the first.
private final class Countdown: Sendable {
    private let count = Mutex(2)
    func isLast() -> Bool {
        count.withLock {
            $0 -= 1
            return $0 == 0
        }
    }
}
