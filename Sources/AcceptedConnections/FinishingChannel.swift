public import HummingbirdCore
public import Logging
public import NIOCore

/// A server's connections, each of which is closed also where the server ends before it has come to it.
///
/// NIO ends the process where a connection is dropped whose writer was not finished. A server that ends drops those that were accepted
/// and not taken up yet, and under load there are some: clients whose streams end come back at once.
public struct FinishingChannel<Base: ServerChildChannel>: ServerChildChannel {
    /// A connection until it is taken up.
    public final class Value: ServerChildChannelValue {
        fileprivate let base: Base.Value
        private let handler: Base
        private let logger: Logger
        private let isTaken = Flag()

        public var channel: any Channel { base.channel }

        fileprivate init(_ base: Base.Value, _ handler: Base, _ logger: Logger) {
            self.base = base
            self.handler = handler
            self.logger = logger
        }

        fileprivate func take() { isTaken.set() }

        deinit {
            guard !isTaken.isSet else { return }
            // There is nobody left who could wait for it; it ends as soon as it finds its connection closed.
            Task { [base, handler, logger] in
                try? await base.channel.close()
                await handler.handle(value: base, logger: logger)
            }
        }
    }

    private let base: Base

    /// Wraps a server's way with connections.
    public init(_ base: Base) { self.base = base }

    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).map { Value($0, base, logger) }
    }

    public func handle(value: Value, logger: Logger) async {
        value.take()
        await base.handle(value: value.base, logger: logger)
    }
}
