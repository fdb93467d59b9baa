internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

/// Gateways and routes: what is programmed, by those that are referred to now, at the present generation.
@Suite struct GatewayHealthTests {
    private static func condition(_ type: String, _ status: String, _ reason: String, generation: Int = 2) -> String {
        "{type: \(type), status: \"\(status)\", reason: \(reason), message: so it is, observedGeneration: \(generation)}"
    }

    private static func gateway(_ conditions: [String], listeners: String = "[]") -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: edge, generation: 2}
        spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
        status: {conditions: [\(conditions.joined(separator: ", "))], listeners: \(listeners)}
        """
    }

    private static func route(_ refs: String, _ parents: String, kind: String = "HTTPRoute") -> String {
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: \(kind)
        metadata: {name: r, namespace: shop, generation: 2}
        spec: {parentRefs: \(refs)}
        status: {parents: \(parents)}
        """
    }

    private static let accepted = condition("Accepted", "True", "Accepted")
    private static let programmed = condition("Programmed", "True", "Programmed")
    private static let refused = condition("Accepted", "False", "NoMatchingParent")

    static let examples: [HealthExample] = [
        .init("a gateway that is programmed", .healthy, "", gateway([accepted, programmed])),
        .init(
            "a gateway without an address", .degraded, "AddressNotAssigned: so it is",
            gateway([accepted, condition("Programmed", "False", "AddressNotAssigned")])),
        .init(
            "a gateway that is about to be programmed", .progressing, "not Programmed: Pending",
            gateway([accepted, condition("Programmed", "Unknown", "Pending")])),
        .init("a gateway that is accepted and no more", .progressing, "not programmed yet", gateway([accepted])),
        .init(
            "a gateway that was programmed before it changed", .progressing, "has seen generation 1 of 2",
            gateway([accepted, condition("Programmed", "True", "Programmed", generation: 1)])),
        .init(
            "a gateway that is refused", .degraded, "not Accepted: Invalid",
            gateway([condition("Accepted", "False", "Invalid"), programmed])),
        .init(
            "a gateway with a listener that is not served", .degraded, "listener http: not Programmed: Invalid",
            gateway(
                [accepted, programmed],
                listeners: "[{name: http, conditions: [\(condition("Programmed", "False", "Invalid"))]}]")),
        .init(
            "a listener that is gone", .healthy, "",
            gateway(
                [accepted, programmed],
                listeners: "[{name: old, conditions: [\(condition("Programmed", "False", "Invalid"))]}]")),
        .init(
            "a gateway of which nobody has spoken", .unknown, "no status",
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: x}"),
        .init(
            "a route that a former parent refuses", .healthy, "",
            route(
                "[{name: new}]",
                "[{parentRef: {name: new}, conditions: [\(accepted)]}, {parentRef: {name: old}, conditions: [\(refused)]}]"
            )),
        .init(
            "a route that one of its parents has not seen", .progressing, "gateway other has not taken it up yet",
            route("[{name: new}, {name: other}]", "[{parentRef: {name: new}, conditions: [\(accepted)]}]")),
        .init(
            "parents are told apart by listener", .progressing, "gateway new listener b has not taken it up yet",
            route(
                "[{name: new, sectionName: b}]",
                "[{parentRef: {name: new, sectionName: a}, conditions: [\(accepted)]}]")),
        .init(
            "what is left out of a parent is filled in", .healthy, "",
            route(
                "[{name: new}]",
                "[{parentRef: {group: gateway.networking.k8s.io, kind: Gateway, namespace: shop, name: new}, conditions: [\(accepted)]}]"
            )),
        .init(
            "two controllers of one parent", .degraded, "gateway new: not Accepted: NoMatchingParent",
            route(
                "[{name: new}]",
                "[{parentRef: {name: new}, conditions: [\(accepted)]}, {parentRef: {name: new}, conditions: [\(refused)]}]"
            )),
        .init(
            "other routes are read alike", .degraded, "NoMatchingParent",
            route("[{name: new}]", "[{parentRef: {name: new}, conditions: [\(refused)]}]", kind: "GRPCRoute")),
        .init(
            "a class that is refused", .degraded, "InvalidParameters",
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: GatewayClass
            metadata: {name: c, generation: 2}
            status: {conditions: [\(condition("Accepted", "False", "InvalidParameters"))]}
            """),
    ]

    @Test(arguments: examples) func judges(example: HealthExample) throws { try example.check() }
}
