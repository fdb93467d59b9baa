internal import KubernetesClient
internal import KubernetesObjects
internal import NIOHTTP1
internal import Synchronization

/// A connection to a server that refuses, as one of v1.36 does and the simulated one does not, an apply that names a version which is not
/// the present one. By its first request of some kind, something else happens.
final class VersionedTransport: KubernetesTransport {
    private let inner: any KubernetesTransport
    private let isMeant: @Sendable (KubernetesRequest) -> Bool
    private let body: @Sendable () async throws -> Void
    private let hasHappened = Mutex(false)

    init(
        _ inner: any KubernetesTransport, at isMeant: @escaping @Sendable (KubernetesRequest) -> Bool,
        doing body: @escaping @Sendable () async throws -> Void
    ) {
        self.inner = inner
        self.isMeant = isMeant
        self.body = body
    }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        let isNow =
            isMeant(request)
            && hasHappened.withLock { has in
                defer { has = true }
                return !has
            }
        if isNow { try await body() }
        guard request.method == .PATCH, let sent = request.body, let wanted = try? JSONValue(parsing: sent),
            let version = wanted.value(at: ["metadata", "resourceVersion"])?.stringValue
        else { return try await inner.send(request) }
        let live = try await inner.send(KubernetesRequest(.GET, request.path, timeout: request.timeout))
        var bytes: [UInt8] = []
        for try await chunk in live.body { bytes += chunk }
        let present = try JSONValue(parsing: bytes).value(at: ["metadata", "resourceVersion"])?.stringValue
        if present == version { return try await inner.send(request) }
        let name = request.path.split(separator: "/").last ?? ""
        let refusal: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409,
            "message":
                .string(
                    "Operation cannot be fulfilled on configmaps \"\(name)\": the object has been modified; please apply your changes to the latest version and try again"
                ),
        ]
        return KubernetesResponse(status: 409, headers: [:], body: ResponseBody(refusal.serializedBytes()))
    }

    func renewCredentials() async {}
    func shutdown() async {}
}
