internal import KubernetesObjects
internal import Logging
internal import NIOHTTP1

/// Requests and their whole answers, bounded and tried again.
struct Exchange: Sendable {
    let transport: any KubernetesTransport
    let options: KubernetesAPI.Options
    let limiter: RequestLimiter
    let reach: ReachMonitor
    let pause: ServerPause
    let logger: Logger
    /// Told of a request that is about to be sent again, and why; and, without an error, that it is over.
    var onRetry: (@Sendable (_ request: String, _ error: KubernetesError?) async -> Void)?

    /// Sends a request until it is answered or cannot be, and returns the answer's JSON.
    ///
    /// - Parameters:
    ///   - isRepeatable: Whether the request may be sent again when no answer came, which may mean that it was carried out.
    ///   - maximumAttempts: How often it is sent at most; nil for as often as the client does.
    func json(
        _ request: KubernetesRequest, isRepeatable: Bool = true, maximumAttempts: Int? = nil
    ) async throws -> JSONValue {
        var isReported = false
        let result: Result<JSONValue, any Error>
        do {
            result = .success(try await answered(request, isRepeatable, maximumAttempts, &isReported))
        } catch {
            result = .failure(error)
        }
        if isReported { await onRetry?(request.summary, nil) }
        return try result.get()
    }

    private func answered(
        _ request: KubernetesRequest, _ isRepeatable: Bool, _ maximumAttempts: Int?, _ isReported: inout Bool
    ) async throws -> JSONValue {
        var attempt = 1
        var renewed = false
        while true {
            do {
                return try await limiter.run {
                    try await pause.over(clock: options.clock, chance: options.chance)
                    return try await once(request)
                }
            } catch let error as KubernetesError {
                if error.status == 401, !renewed {
                    // The token may have been rotated since it was read.
                    renewed = true
                    await transport.renewCredentials()
                    continue
                }
                // The server may be elsewhere by now, or show another certificate.
                if [.noAnswer, .timeout, .invalidAnswer].contains(error.code) { await transport.renewCredentials() }
                let mayRepeat = isRepeatable || (error.status != nil && error.status != 504)
                guard error.isTransient, error.status != 409, error.status != 410, mayRepeat,
                    attempt < maximumAttempts ?? options.retry.maximumAttempts
                else { throw error }
                var delay = options.retry.delay(
                    afterAttempt: attempt, retryAfter: error.retryAfter, chance: options.chance())
                if attempt == 1, error.code == .noAnswer {
                    // A kept-alive connection that the server has closed meanwhile: common, and cured by a new one.
                    delay = min(delay, .milliseconds(250) * options.chance())
                }
                logger.debug(
                    "request failed, trying again",
                    metadata: [
                        "request": "\(request.summary)", "attempt": "\(attempt)", "delay": "\(delay)",
                        "error": "\(error)",
                    ])
                // What the next attempt cures at once is nobody's news.
                if let onRetry, attempt > 1 || delay >= .seconds(1) {
                    isReported = true
                    await onRetry(request.summary, error)
                }
                attempt += 1
                try await options.clock.sleep(for: delay)
            }
        }
    }

    /// Sends a request once.
    func once(_ request: KubernetesRequest) async throws -> JSONValue {
        try await reach.observing(request.summary) { try await answer(request) }
    }

    private func answer(_ request: KubernetesRequest) async throws -> JSONValue {
        guard request.isPermitted else {
            throw KubernetesError(code: .notAllowed, message: "\(request.summary): nobody was asked whether it may be")
        }
        let response = try await transport.send(request)
        let body = try await collect(response, request)
        let json = try? JSONValue(parsing: body, duplicateKeys: .keepLast)
        ServerWarnings.note(response.headers)
        guard (200..<300).contains(response.status) else {
            let error = KubernetesError(
                statusBody: json, excerpt: Exchange.excerpt(of: body), httpStatus: response.status,
                what: request.summary, retryAfter: Exchange.retryAfter(response.headers))
            obey(error)
            throw error
        }
        guard let json, json.objectValue != nil else {
            let type = response.headers.first(name: "content-type") ?? "no content type"
            throw KubernetesError(
                code: .invalidAnswer,
                message: "\(request.summary): status \(response.status) with \(type) where a JSON object should be: "
                    + Exchange.excerpt(of: body).debugDescription,
                status: nil)
        }
        return json
    }

    /// Holds all requests up for as long as a server that has too many of them asks.
    func obey(_ error: KubernetesError) {
        guard error.status == 429, let asked = error.retryAfter else { return }
        pause.begin(min(asked, options.retry.ceiling))
    }

    private func collect(_ response: KubernetesResponse, _ request: KubernetesRequest) async throws -> [UInt8] {
        var body: [UInt8] = []
        do {
            for try await chunk in response.body {
                body.append(contentsOf: chunk)
                guard body.count <= options.maximumAnswerBytes else {
                    throw KubernetesError(
                        code: .invalidAnswer,
                        message: "\(request.summary): the answer is larger than \(options.maximumAnswerBytes) bytes")
                }
            }
        } catch {
            throw HTTPTransport.translated(error, what: request.summary, server: "the API server")
        }
        return body
    }

    /// The beginning of a body as text.
    private static func excerpt(of body: [UInt8]) -> String {
        var text = Substring(String(decoding: body.prefix(120), as: UTF8.self))
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }

    /// `Retry-After` in seconds; its date form is not used by API servers.
    static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        headers.first(name: "retry-after").flatMap { Int64($0) }.map { Duration.seconds(max(0, $0)) }
    }
}
