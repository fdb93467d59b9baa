internal import GRPCCore
internal import GRPCNIOTransportHTTP2

/// A gRPC client for as long as it is needed.
enum ClientRun {
    /// How long connections may take to close in good order.
    private static let goAway: Duration = .seconds(2)

    /// Gives `body` a client, and closes it afterwards or when the task is cancelled.
    ///
    /// `withGRPCClient` cancels connections along with the calls over them. A call that begins in that very moment then joins a
    /// queue that nobody empties any more, and never ends (grpc-swift-nio-transport 2.9.2, `GRPCChannel.enqueue` while idle). Here
    /// the client is shut down first, which ends such a call, and its connections are cancelled only once calls are over.
    static func withClient<Result: Sendable>(
        _ transport: HTTP2ClientTransport.Posix,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        let client = GRPCClient(transport: transport)
        // Not a child task: it has to outlive the cancellation of this one.
        let connections = Task { try await client.runConnections() }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(
                try await withTaskCancellationHandler {
                    try await body(client)
                } onCancel: {
                    client.beginGracefulShutdown()
                })
        } catch {
            outcome = .failure(error)
        }
        client.beginGracefulShutdown()
        let impatience = Task {
            try await ContinuousClock().sleep(for: goAway)
            connections.cancel()
        }
        let ending = await connections.result
        impatience.cancel()
        // Why there was no connection says more than that a call had none; an end that was asked for says nothing.
        if case .failure(let error) = ending, case .failure = outcome, !Task.isCancelled, !(error is CancellationError)
        {
            throw error
        }
        return try outcome.get()
    }
}
