internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import PortGuard

/// A server's connections behind a ``ConnectionGuard``, which sees them before TLS and HTTP do.
struct GuardedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let connections: ConnectionGuard

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        connections.accept(channel)
            .flatMap { base.setup(channel: channel, logger: logger) }
            .flatMap { value in connections.followHandshake(of: channel).map { value } }
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
