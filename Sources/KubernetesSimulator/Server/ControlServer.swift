internal import HTTPTypes
internal import Hummingbird
public import KubernetesObjects
internal import Logging
internal import NIOCore
public import ServiceLifecycle

/// The control endpoint of a fleet: plain HTTP on the loopback interface, where faults are ordered while it runs.
///
/// - `GET /clusters` lists the clusters with their servers and faults.
/// - `POST /faults` takes a ``FaultOrder`` as JSON and answers with the plans now in force.
///
/// Both want the fleet's token as bearer.
public struct ControlServer: Service {
    private let fleet: SimulatedFleet
    private let port: Int
    private let onListening: @Sendable (Int) async throws -> Void

    /// Prepares the endpoint.
    ///
    /// - Parameters:
    ///   - port: 0 lets the system choose.
    ///   - onListening: told the port once it listens.
    public init(
        fleet: SimulatedFleet, port: Int = 0, onListening: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) {
        self.fleet = fleet
        self.port = port
        self.onListening = onListening
    }

    public func run() async throws {
        let responder = CallbackResponder<BasicRequestContext> { request, _ in await respond(to: request) }
        var logger = Logger(label: "kubernetes-simulator-control", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let application = Application(
            responder: responder,
            configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
            onServerRunning: { channel in try? await onListening(channel.localAddress?.port ?? port) }, logger: logger)
        try await application.run()
    }

    private func respond(to request: Request) async -> Response {
        guard request.headers[.authorization] == "Bearer \(fleet.token)" else {
            return Self.answer(["error": "the token is missing or wrong"], .unauthorized)
        }
        do {
            switch (request.method, request.uri.path) {
            case (.get, "/clusters"):
                return Self.answer(try await clusters())
            case (.post, "/faults"):
                var request = request
                // A body of an answer is escaped, some signs by six bytes.
                let body = try await request.collectBody(upTo: 8 * FaultPlan.Answer.bodyLimit)
                let order = try FaultOrder(json: try JSONValue(parsing: Array(body.readableBytesView)))
                return Self.answer(try await fleet.apply(order))
            default:
                return Self.answer(["error": "there is GET /clusters and POST /faults"], .notFound)
            }
        } catch {
            return Self.answer(["error": .string("\(error)")], .badRequest)
        }
    }

    private func clusters() async throws -> JSONValue {
        var result: [JSONValue] = []
        for cluster in fleet.clusters {
            result.append([
                "name": .string(cluster.name), "region": .string(cluster.region),
                "server": .string(try await fleet.server(of: cluster.name)),
                "faults": try await fleet.faults(in: cluster.name).json,
            ])
        }
        return .array(result)
    }

    private static func answer(_ value: JSONValue, _ status: HTTPResponse.Status = .ok) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = "application/json"
        let body = ByteBuffer(bytes: value.serializedBytes() + [UInt8(ascii: "\n")])
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

extension SimulatedFleet {
    /// Carries out an order and returns the plans now in force, by cluster.
    @discardableResult
    public func apply(_ order: FaultOrder) async throws -> JSONValue {
        let names = order.clusters.isEmpty ? clusters.map(\.name) : order.clusters
        for name in names { _ = try await faults(in: name) }
        var result: [String: JSONValue] = [:]
        for name in names {
            result[name] = try await changeFaults(order, in: name).json
        }
        return .object(result)
    }
}
