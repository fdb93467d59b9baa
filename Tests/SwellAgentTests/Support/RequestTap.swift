internal import KubernetesClient
internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization

/// Stands between an agent and its API server: counts what it asks, answers some itself, or goes dead at a point.
final class RequestTap: KubernetesTransport {
    /// An answer in the server's place.
    struct Answer: Sendable {
        var status: Int
        var headers: [String: String] = [:]
        var body: JSONValue?
        var text: String = ""
    }

    private struct State {
        var transport: (any KubernetesTransport)?
        var seen: [String] = []
        var dead = false
    }

    private let state = Mutex(State())
    private let deadAfter: Int?
    private let losesAnswer: Bool
    private let answer: @Sendable (KubernetesRequest) -> Answer?

    /// - Parameters:
    ///   - deadAfter: After so many of the requests that ``seen`` counts nothing comes through any more, neither way; nil for never.
    ///   - losesAnswer: Whether the next request still reaches the server, and only its answer is lost.
    ///   - answer: What to answer in the server's place; nil asks the server.
    init(
        deadAfter: Int? = nil, losesAnswer: Bool = false,
        answer: @escaping @Sendable (KubernetesRequest) -> Answer? = { _ in nil }
    ) {
        self.deadAfter = deadAfter
        self.losesAnswer = losesAnswer
        self.answer = answer
    }

    func connect(to transport: any KubernetesTransport) { state.withLock { $0.transport = transport } }

    /// The requests seen, as `PATCH /api/v1/…`; lists and watches are left out: they only look on, at moments of their own.
    var seen: [String] { state.withLock { $0.seen } }
    /// Whether the point was reached.
    var isDead: Bool { state.withLock { $0.dead } }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let isLooking = request.query.contains { $0.name == "watch" || $0.name == "limit" }
        let (transport, isDead, isLast) = state.withLock { state in
            let dies = !isLooking && !state.dead && deadAfter.map { state.seen.count >= $0 } ?? false
            if dies { state.dead = true }
            if !isLooking, !state.dead { state.seen.append("\(request.method.rawValue) \(request.path)") }
            return (state.transport, state.dead, dies && losesAnswer)
        }
        if isLast { _ = try await transport?.send(request) }
        if isDead {
            // As if the process were gone: the answer never comes.
            try await Task.sleep(for: .seconds(3_600))
        }
        if let answer = answer(request) {
            let body = answer.body.map { $0.serializedBytes() } ?? Array(answer.text.utf8)
            return KubernetesResponse(
                status: answer.status, headers: HTTPHeaders(answer.headers.map { ($0.key, $0.value) }),
                body: ResponseBody(body))
        }
        guard let transport else { throw KubernetesError(code: .noAnswer, message: "not connected") }
        return try await transport.send(request)
    }

    func renewCredentials() async { await state.withLock { $0.transport }?.renewCredentials() }

    func shutdown() async { await state.withLock { $0.transport }?.shutdown() }
}
