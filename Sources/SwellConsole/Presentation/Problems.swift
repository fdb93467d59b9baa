internal import Hummingbird
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

extension Problem {
    static func notFound(_ detail: String) -> Problem {
        Problem(code: "not-found", title: "Not found", status: 404, detail: detail)
    }
    static func malformed(_ detail: String) -> Problem {
        Problem(code: "malformed", title: "The request cannot be read", status: 400, detail: detail)
    }
    static func invalid(_ detail: String, errors: [ModelError]? = nil) -> Problem {
        Problem(
            code: "invalid", title: "Refused as a whole", status: 422, detail: detail,
            errors: errors.map { $0.map(Item.init) })
    }
    static func refused(_ detail: String) -> Problem {
        Problem(code: "refused", title: "Not possible now", status: 409, detail: detail)
    }
    static func tooLarge(_ maximum: Int) -> Problem {
        Problem(
            code: "too-large", title: "Too large", status: 413, detail: "a request may have \(maximum >> 20) MiB")
    }
    static func busy(_ detail: String) -> Problem {
        Problem(code: "busy", title: "Too much at once", status: 503, detail: detail)
    }
    static let unauthorized = Problem(
        code: "unauthorized", title: "Not signed in", status: 401,
        detail: "the token is missing or not known; send an operator's as 'Authorization: Bearer …'")

    /// What an error of whatever kind tells the sender.
    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as StoreError: self.init(store: error)
        case let errors as DocumentErrors:
            let count = errors.errors.count
            self = .invalid(count == 1 ? "there is 1 mistake" : "there are \(count) mistakes", errors: errors.errors)
        case let error as PlanError where error.code == .nothingToUndo: self = .refused(error.message)
        case let error as PlanError: self = .invalid("the rollout cannot be planned: \(error)")
        case let error as ModelError: self = .invalid(error.description)
        case let error as HTTPError:
            self = Problem(
                code: "http", title: error.status.reasonPhrase, status: error.status.code,
                detail: error.body ?? error.status.reasonPhrase)
        default:
            self = Problem(
                code: "internal", title: "Internal error", status: 500, detail: "something went wrong here; see the log"
            )
        }
    }

    private init(store error: StoreError) {
        switch error.code {
        case .notFound: self = .notFound(error.message)
        case .conflict: self = Problem(code: "conflict", title: "Conflict", status: 409, detail: error.message)
        case .refused: self = .refused(error.message)
        case .invalid: self = .invalid(error.message)
        case .sealed:
            self = Problem(code: "sealed", title: "A Secret cannot be opened", status: 500, detail: error.message)
        case .unavailable where error.isReadOnly:
            self = Problem(code: "unavailable", title: "The database is read-only", status: 503, detail: error.message)
        case .unavailable, .leaseLost:
            self = Problem(
                code: "unavailable", title: "The database is away", status: 503,
                detail: "\(error.message); try again")
        case .outcomeUnknown:
            self = Problem(
                code: "outcome-unknown", title: "The outcome is not known", status: 503,
                detail: "it may or may not have happened; look before trying again: \(error.message)")
        default:
            self = Problem(
                code: "internal", title: "Internal error", status: 500, detail: "something went wrong here; see the log"
            )
        }
    }

    var response: Response {
        var response = Response(json: self, status: HTTPResponse.Status(code: status))
        response.headers[.contentType] = "application/problem+json"
        if status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
        if status == 503 || status == 429 { response.headers[.retryAfter] = "1" }
        return response
    }
}

/// Makes a problem of whatever was thrown, and logs what was decided: one line a request that changes something.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ConsoleContext,
        next: @concurrent (Request, ConsoleContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let problem = Problem(error)
            if problem.status >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["path": "\(request.uri.path)", "status": "\(problem.status)", "error": "\(error)"])
            }
            return problem.response
        }
    }
}
