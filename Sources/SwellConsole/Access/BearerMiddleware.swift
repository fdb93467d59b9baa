internal import Hummingbird
internal import SwellModel

/// Lets through who has an operator's token, under that operator's name.
struct BearerMiddleware: RouterMiddleware {
    let operators: OperatorDirectory
    let signIns: SignIns

    func handle(
        _ request: Request, context: ConsoleContext,
        next: @concurrent (Request, ConsoleContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else {
            throw await signIns.failed(.missing, request, over: context.channel)
        }
        guard header.utf8.count < 4_096,
            let space = header.firstIndex(of: " "), header[..<space].lowercased() == "bearer",
            let name = operators.operatorName(forToken: header[header.index(after: space)...])
        else { throw await signIns.failed(.unknown, request, over: context.channel) }
        signIns.succeeded(name, over: context.channel)
        var context = context
        context.actor = name
        return try await next(request, context)
    }
}
