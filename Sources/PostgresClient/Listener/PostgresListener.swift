public import Logging
public import ServiceLifecycle

/// Listens to channels on a connection of its own, and opens it again when it breaks.
///
/// A notification is a hint, never the truth: every gap is reported, so that subscribers look at the tables instead.
public final class PostgresListener: Service {
    private let configuration: PostgresConfiguration
    private let logger: Logger
    private let registry: ListenerRegistry
    private let checkInterval: Duration

    /// - Parameter checkInterval: how long it may be silent before the connection is asked whether it lives.
    public init(
        configuration: PostgresConfiguration, checkInterval: Duration = .seconds(15),
        logger: Logger = Logger(label: "PostgresClient")
    ) {
        self.configuration = configuration
        self.checkInterval = checkInterval
        self.logger = logger
        registry = ListenerRegistry()
    }

    /// Gives a closure the notifications of one channel, from now until it returns.
    ///
    /// - Parameter limit: how many unread notifications are kept; beyond it they give way to one
    ///   `mayHaveMissed(.overflowed)`.
    public func withSubscription<Result>(
        to channel: String, limit: Int = 256, _ body: (PostgresSubscription) async throws -> Result
    ) async rethrows -> Result {
        let mailbox = NotificationMailbox(channel: channel, limit: limit)
        await registry.add(mailbox)
        do {
            let result = try await body(PostgresSubscription(mailbox: mailbox))
            await registry.remove(mailbox)
            return result
        } catch {
            await registry.remove(mailbox)
            throw error
        }
    }

    /// Listens until shutdown.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                do {
                    try await self.listen { failures = 0 }
                } catch {
                    self.logger.debug("PostgreSQL listener lost its connection", metadata: ["error": "\(error)"])
                }
                let ceiling = min(5000, 50 << min(failures, 7))
                failures += 1
                try await Task.sleep(for: .milliseconds(Int.random(in: (ceiling / 2)...ceiling)))
            }
        }
        await registry.finish()
    }

    /// Listens on one connection until it breaks or the task is cancelled.
    private func listen(connected: () -> Void) async throws {
        let connection = try await PostgresConnection.connect(to: configuration, logger: logger)
        defer { connection.interruptWaiting() }
        do {
            await connection.keepNotifications()
            await registry.use(connection)
            var listening: Set<String> = []
            connected()
            while true {
                try Task.checkCancellation()
                try await adjust(connection, &listening)
                let notifications = try await connection.waitForNotifications(upTo: checkInterval)
                await registry.deliver(notifications)
                if notifications.isEmpty { try await connection.query("SELECT 1", timeout: checkInterval) }
            }
        } catch {
            await registry.use(nil)
            await connection.close()
            throw error
        }
    }

    /// Brings LISTEN in line with who is subscribed, and then tells the newcomers.
    private func adjust(_ connection: PostgresConnection, _ listening: inout Set<String>) async throws {
        let wanted = await registry.channels
        let starting = wanted.subtracting(listening).sorted()
        let ending = listening.subtracting(wanted).sorted()
        let statements =
            starting.map { PostgresStatement("LISTEN \(quotedIdentifier($0))", prepared: false) }
            + ending.map { PostgresStatement("UNLISTEN \(quotedIdentifier($0))", prepared: false) }
        if !statements.isEmpty { try await connection.pipeline(statements) }
        listening = wanted
        await registry.announce(listening)
    }
}

/// Who is subscribed to what.
private actor ListenerRegistry {
    private struct Subscriber {
        let mailbox: NotificationMailbox
        /// Whether it was told since the present connection listens.
        var isAnnounced = false
        /// Whether it was ever told.
        var wasAnnounced = false
    }

    private var subscribers: [Subscriber] = []
    private var connection: PostgresConnection?
    private var isFinished = false

    var channels: Set<String> { Set(subscribers.map(\.mailbox.channel)) }

    func add(_ mailbox: NotificationMailbox) {
        guard !isFinished else { return mailbox.finish() }
        subscribers.append(Subscriber(mailbox: mailbox))
        connection?.interruptWaiting()
    }

    func remove(_ mailbox: NotificationMailbox) {
        subscribers.removeAll { $0.mailbox === mailbox }
        mailbox.finish()
        connection?.interruptWaiting()
    }

    /// Another connection: everybody has a gap until it listens.
    func use(_ connection: PostgresConnection?) {
        self.connection = connection
        for index in subscribers.indices { subscribers[index].isAnnounced = false }
    }

    func announce(_ listening: Set<String>) {
        for index in subscribers.indices where !subscribers[index].isAnnounced {
            guard listening.contains(subscribers[index].mailbox.channel) else { continue }
            subscribers[index].mailbox.deliver(subscribers[index].wasAnnounced ? .reconnected : .started)
            subscribers[index].isAnnounced = true
            subscribers[index].wasAnnounced = true
        }
    }

    func deliver(_ notifications: [PostgresNotification]) {
        for notification in notifications {
            for subscriber in subscribers
            where subscriber.mailbox.channel == notification.channel && subscriber.isAnnounced {
                subscriber.mailbox.deliver(notification)
            }
        }
    }

    func finish() {
        isFinished = true
        for subscriber in subscribers { subscriber.mailbox.finish() }
        subscribers.removeAll()
    }
}
