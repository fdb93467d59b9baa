internal import Hummingbird
internal import SwellModel

/// `/healthz`, `/readyz` and `/metrics`: for probes and scrapers, without a token, telling nothing of the fleet.
struct HealthEndpoints: Sendable {
    let readiness: Readiness
    let metrics: (@Sendable () async -> String)?
    var unready: @Sendable () -> String? = { nil }

    func add(to router: Router<ConsoleContext>) {
        router.get("healthz") { _, _ in Self.text("ok\n") }
        router.get("readyz") { _, _ in
            let problem = readiness.problem ?? unready()
            return problem.map { Self.text("\($0)\n", status: .serviceUnavailable) } ?? Self.text("ok\n")
        }
        guard let metrics else { return }
        router.get("metrics") { _, _ in
            Self.text(await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
    }

    private static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
