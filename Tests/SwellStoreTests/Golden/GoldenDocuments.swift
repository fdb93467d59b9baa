internal import KubernetesObjects
internal import SwellEngine
internal import SwellModel

extension Golden {
    static let clusters = [
        "east-1": Cluster(name: "east-1", region: "east", environment: "production", labels: ["tier": "web"])
    ]

    static let pauses = [
        "plain": Pause(by: "ann", at: at(1)), "reasoned": Pause(by: "ann", at: at(1), reason: "storm"),
    ]

    static let applications: [String: Application] = [
        "shop": Application(
            name: "shop", namespace: "shop",
            select: ClusterSelector(
                regions: ["east"], environments: ["production"], clusters: ["east-1"], labels: ["tier": "web"]),
            strategy: strategies["written"] ?? ApplicationStrategy(),
            checks: [
                HealthCheck(
                    apiVersion: "v1", kind: "Service", name: "web", healthy: "status.phase == \"Ready\"",
                    failed: "status.phase == \"Failed\"")
            ],
            ignoreFields: [IgnoredFields(apiVersion: "apps/v1", kind: "Deployment", paths: ["spec.replicas"])],
            parameters: ["size": "3"],
            overrides: [
                Override(
                    match: ClusterSelector(regions: ["east"]), parameters: ["size": "5"],
                    images: [ImageOverride(name: "web", newTag: "2")],
                    patches: [ObjectPatch(kind: "Service", name: "web", merge: ["spec": ["type": "ClusterIP"]])])
            ], manifests: "manifests"),
        "least": Application(
            name: "least", namespace: "default", strategy: strategies["default"] ?? ApplicationStrategy()),
    ]
}
