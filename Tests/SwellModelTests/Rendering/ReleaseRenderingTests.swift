internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

private let east = Cluster(
    name: "use1-a", region: "us-east-1", environment: "production", labels: ["ring": "0"])
private let west = Cluster(name: "usw1-a", region: "us-west-1", environment: "production")

private let manifests = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: ${replicas:integer}
      template:
        spec:
          containers:
            - {name: web, image: "registry:5000/shop/web:1.0", env: [{name: WHERE, value: "${region}/${cluster}"}]}
    ---
    apiVersion: batch/v1
    kind: Job
    metadata: {name: "migrate-${release}"}
    spec: {template: {spec: {containers: [{name: m, image: shop/migrate, command: ["sh", "-c", "echo $${HOME} $1"]}]}}}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: shop-reader}
    """

private let shop = Application(
    name: "shop", namespace: "shop", parameters: ["replicas": "2"],
    overrides: [
        Override(
            match: ClusterSelector(regions: ["us-west-1"]), parameters: ["replicas": "3"],
            images: [ImageOverride(name: "registry:5000/shop/web", newTag: "1.1")],
            patches: [
                ObjectPatch(kind: "Deployment", name: "web", merge: ["spec": ["paused": true]]),
                ObjectPatch(
                    kind: "Deployment", json: [["op": "add", "path": "/metadata/labels", "value": ["a": "${region}"]]]),
            ])
    ])

private func assemble(_ texts: String..., application: Application = shop) throws(DocumentErrors) -> AssembledRelease {
    try ReleaseAssembler.assemble(
        application, from: texts.enumerated().map { SourceFile(name: "m\($0).yaml", content: $1) })
}

private func errors(_ texts: String..., application: Application = shop) -> [String] {
    do throws(DocumentErrors) {
        _ = try ReleaseAssembler.assemble(
            application, from: texts.enumerated().map { SourceFile(name: "m\($0).yaml", content: $1) })
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

private func render(_ release: AssembledRelease, on cluster: Cluster) throws(ModelError) -> [KubernetesObject] {
    let contents = Dictionary(uniqueKeysWithValues: release.documents.map { ($0.digest, $0.content) })
    return try ReleaseRenderer(release.bundle).render(for: cluster) { contents[$0] }
}

@Suite struct ReleaseRenderingTests {
    @Test func takesListsOfOneKindApart() throws {
        let release = try assemble(
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleList
            items:
            - {metadata: {name: reader, namespace: monitoring}, rules: []}
            - {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: writer}, rules: []}
            ---
            {apiVersion: v1, kind: ConfigMapList, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: board}}]}
            """)
        #expect(
            try render(release, on: east).map(\.reference.description) == [
                "rbac.authorization.k8s.io/v1 Role monitoring/reader", "rbac.authorization.k8s.io/v1 Role shop/writer",
                "v1 ConfigMap shop/board",
            ])
    }

    @Test func rendersParametersImagesAndPatchesByPlace() throws {
        let release = try assemble(manifests)
        #expect(release.objectCount == 3 && release.warnings.isEmpty)
        let inEast = try render(release, on: east)
        #expect(inEast[0].json["spec"]?["replicas"] == 2)
        #expect(inEast[0].namespace == "shop" && inEast[2].namespace == nil)
        let environment = try FieldPath(parsing: "spec.template.spec.containers[0].env[0].value")
        #expect(inEast[0].value(at: environment) == "us-east-1/use1-a")
        #expect(inEast[1].name == "migrate-\(release.digest.short)")
        let command = try FieldPath(parsing: "spec.template.spec.containers[0].command[2]")
        #expect(inEast[1].value(at: command) == "echo ${HOME} $1")
        let inWest = try render(release, on: west)
        #expect(inWest[0].json["spec"]?["replicas"] == 3)
        #expect(inWest[0].json["spec"]?["paused"] == true)
        #expect(inWest[0].labels == ["a": "us-west-1"])
        let image = try FieldPath(parsing: "spec.template.spec.containers[0].image")
        #expect(inWest[0].value(at: image) == "registry:5000/shop/web:1.1")
        #expect(inEast[0].value(at: image) == "registry:5000/shop/web:1.0")
    }

    @Test func theDigestStandsForContentAndNothingElse() throws {
        let first = try assemble(manifests)
        let reordered = manifests.replacing(
            "apiVersion: apps/v1\nkind: Deployment", with: "kind: Deployment\napiVersion: apps/v1")
        #expect(try assemble(reordered).digest == first.digest)
        #expect(try assemble(manifests.replacing("1.0", with: "1.1")).digest != first.digest)
        #expect(try Bundle(content: first.bundle.content) == first.bundle)
        #expect(first.documents.last == first.bundle.document)
    }

    @Test func namesUnknownParametersWithObjectAndPath() {
        let text = manifests.replacing("${replicas:integer}", with: "${replica:integer}")
        #expect(
            errors(text) == [
                "m0.yaml:5: spec.replicas: Deployment web: there is no parameter 'replica'; did you mean 'replicas'? "
                    + "(to keep it as it is, write $${replica}, or annotate the object with swell.dev/substitute: disabled)"
            ])
        #expect(errors(manifests.replacing("$${HOME}", with: "${HOME:-x}"))[0].contains("$${"))
    }

    @Test func namesParametersThatSomeClusterLacks() throws {
        var application = shop
        application.parameters = [:]
        let release = try assemble(manifests, application: application)
        #expect(try render(release, on: west).count == 3)
        let error = #expect(throws: ModelError.self) { try render(release, on: east) }
        #expect(
            error?.description == "spec.replicas: Deployment web: there is no parameter 'replicas'"
                + Spelling.advice(for: "replicas", among: release.knownParameters(on: east))
                + " (to keep it as it is, write $${replicas}, or annotate the object with swell.dev/substitute: disabled)"
        )
    }

    @Test func refusesWhatCouldNotRun() {
        #expect(errors("# nothing")[0].contains("there are no Kubernetes objects in m0.yaml"))
        #expect(errors("kind: Service\nmetadata: {name: a}")[0].contains("m0.yaml:1: "))
        #expect(errors("apiVersion: v1\nkind: Service\nmetadata: {}")[0].contains("metadata.name is missing"))
        #expect(errors("- 1")[0].contains("expected a Kubernetes object"))
        #expect(errors("apiVersion: swell.dev/v1\nkind: Cluster")[0].contains("`swell apply`"))
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
        let twice = errors("# first\n\(service)", service + "  \n")
        #expect(
            twice == ["m1.yaml:1: metadata.name: Service shop/web is there already, at m0.yaml:2; keep one of them"])
        let large = String(repeating: "#", count: ReleaseAssembler.maximumSize + 1)
        #expect(errors(large)[0].contains("a release may have 16777216"))
    }

    @Test func warnsOfOverridesThatTouchNothing() throws {
        var application = shop
        application.overrides[0].images[0].name = "registry:5000/shop/wep"
        application.overrides[0].patches[0].name = "wed"
        let warnings = try assemble(manifests, application: application).warnings.map(\.description)
        #expect(warnings.count == 2)
        #expect(warnings[0].contains("did you mean 'registry:5000/shop/web'?"))
        #expect(warnings[1].contains("there is no Deployment wed to patch"))
    }

    @Test func aPatchMayNotChangeWhichObjectThisIs() throws {
        var application = shop
        application.overrides = [
            Override(
                match: ClusterSelector(),
                patches: [ObjectPatch(kind: "Deployment", merge: ["metadata": ["name": "other"]])])
        ]
        let release = try assemble(manifests, application: application)
        let error = #expect(throws: ModelError.self) { try render(release, on: east) }
        #expect(error?.description.contains("Deployment web: a patch may not change which object this is") == true)
    }

    @Test(arguments: [
        ("web", "web", ""), ("web:1", "web", ":1"), ("r:5000/web", "r:5000/web", ""),
        ("r:5000/web:1@sha256:00", "r:5000/web", "@sha256:00"), ("a/b:${tag}", "a/b", ":${tag}"),
    ])
    func takesImagesApart(text: String, name: String, suffix: String) {
        let image = ImageName(text)
        #expect(image.name == name && image.suffix == suffix)
    }
}

extension AssembledRelease {
    fileprivate func knownParameters(on cluster: Cluster) -> [String] {
        bundle.application.parameterValues(on: cluster, overrides: [], release: digest).keys.sorted()
    }
}
