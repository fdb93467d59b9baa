internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

private func read(_ texts: String...) throws(DocumentErrors) -> DocumentSet {
    try DocumentReader.read(texts.enumerated().map { SourceFile(name: "f\($0).yaml", content: $1) })
}

private func errors(_ texts: String...) -> [ModelError] {
    do throws(DocumentErrors) {
        _ = try DocumentReader.read(texts.enumerated().map { SourceFile(name: "f\($0).yaml", content: $1) })
        return []
    } catch {
        return error.errors
    }
}

private func policy(_ spec: String) -> String {
    let indented = spec.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    return "apiVersion: swell.dev/v1\nkind: RolloutPolicy\nmetadata: {name: waves}\nspec:\n\(indented)\n"
}

private let production = """
    apiVersion: swell.dev/v1
    kind: Cluster
    metadata: {name: use1-a, labels: {tier: canary}}
    spec: {region: us-east-1, environment: production}
    ---
    apiVersion: swell.dev/v1
    kind: Cluster
    metadata: {name: usw1-a}
    spec: {region: us-west-1, environment: production}
    """

@Suite struct DocumentReaderTests {
    /// Nothing is deleted but where that is asked for.
    @Test func whatIsNotSaidOfAFailedFirstReleaseIsHold() throws {
        func strategy(_ line: String) throws -> ApplicationStrategy? {
            let text = """
                apiVersion: swell.dev/v1
                kind: Application
                metadata: {name: shop}
                spec:
                  namespace: shop
                  manifests: releases/1.0.0
                \(line)
                """
            return try read(text).applications.first?.value.strategy
        }
        #expect(try strategy("")?.whenNeverHealthy == .hold)
        #expect(try strategy("  strategy: {drift: report}")?.whenNeverHealthy == .hold)
        #expect(try strategy("  strategy: {whenNeverHealthy: remove}")?.whenNeverHealthy == .remove)
    }

    /// Words that YAML 1.1 has for true and false are neither keys nor values of labels unless they are quoted.
    @Test func noWordTurnsIntoABooleanSilently() {
        func cluster(_ labels: String) -> String {
            "apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: a, labels: {\(labels)}}\n"
                + "spec: {region: r, environment: e}\n"
        }
        #expect(errors(cluster("\"on\": \"y\"")).isEmpty, "\(errors(cluster("\"on\": \"y\"")))")
        for word in ["n", "y", "on", "off", "yes", "No"] {
            let key = errors(cluster("\(word): a"))
            #expect(key.count == 1 && key[0].message.contains("write it in quotes: \"\(word)\""), "\(key)")
            let value = errors(cluster("a: \(word)"))
            #expect(value.count == 1 && value[0].message.contains("write it in quotes: \"\(word)\""), "\(value)")
        }
    }

    @Test func aCheckBeginsInTheObject() {
        func check(_ text: String) -> [String] {
            errors(
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec:\n  namespace: shop\n  select: {}\n"
                    + "  checks:\n  - {apiVersion: example.com/v1, kind: Thing, healthy: \"\(text)\"}\n"
            ).map(\.description)
        }
        #expect(check("status.phase == 'Ready'").isEmpty)
        let refused = check("object.status.phase == 'Ready'")
        #expect(refused.count == 1 && refused[0].contains("f0.yaml:8: spec.checks[0].healthy: "), "\(refused)")
        #expect(refused.first?.contains("write status.phase") == true, "\(refused)")
    }

    @Test func readsEveryKind() throws {
        let application = """
            apiVersion: swell.dev/v1
            kind: Application
            metadata: {name: shop}
            spec:
              namespace: shop
              select: {environments: [production]}
              manifests: releases/1.0.0
              adopt: force
              strategy: {selfRollback: false, whenDisconnected: hold, drift: report, whenNeverHealthy: hold}
              parameters: {replicas: "2"}
              checks:
                - {apiVersion: shop.dev/v1, kind: Catalog, healthy: 'status.phase == "Ready"'}
              ignoreFields:
                - {apiVersion: apps/v1, kind: Deployment, paths: [spec.replicas]}
              overrides:
                - match: {regions: [us-west-1]}
                  parameters: {replicas: "3"}
                  images: [{name: shop/web, newTag: "2"}]
                  patches:
                    - {kind: Deployment, name: web, merge: {spec: {paused: true}}}
                    - {kind: Service, json: [{op: remove, path: /spec/type}]}
            """
        let waves = policy(
            """
            stages:
              - name: canary
                select: {regions: [us-east-1]}
                maxConcurrent: 1
                soak: 5m
              - name: rest
                select: {regions: [us-west-1]}
                maxConcurrent: 50%
                failureBudget: 1
                approval: {before: true}
            onFailure: {action: pause, scope: region}
            pausedRegion: skip
            silentControllers: accept
            """)
        let set = try read(production, application, waves)
        #expect(set.clusters.map(\.value.name.rawValue) == ["use1-a", "usw1-a"])
        #expect(set.clusters[0].value.labels == ["tier": "canary"])
        let shop = try #require(set.applications.first?.value)
        #expect(shop.strategy.whenDisconnected == .hold && !shop.strategy.selfRollback)
        #expect(shop.adopt == .force)
        #expect(shop.overrides[0].patches.count == 2 && shop.checks.count == 1)
        let policy = try #require(set.policies.first?.value)
        #expect(policy.stages[0].maxConcurrent == .count(1) && policy.stages[1].maxConcurrent == .percent(50))
        #expect(policy.stages[0].soak == .minutes(5) && policy.stages[1].approval.before)
        #expect(policy.onFailure == FailurePolicy(action: .pause, scope: .region) && policy.pausedRegion == .skip)
        #expect(policy.silentControllers == .accept)
        #expect(policy.document["spec"]?["silentControllers"] == "accept")
        #expect(set.problems(knownClusters: []).isEmpty)
    }

    @Test func writesDocumentsThatReadBackTheSame() throws {
        let text = """
            apiVersion: swell.dev/v1
            kind: Application
            metadata: {name: shop}
            spec:
              namespace: shop
              parameters: {"yes": "no", number: "1.10"}
              overrides:
                - match: {labels: {tier: gold}}
                  images: [{name: a/b, newName: c/d, digest: "sha256:00"}]
                  patches: [{kind: ConfigMap, merge: {data: {a: null, b: "on"}}}]
            """
        let set = try read(production, text, policy("stages: [{name: all, select: {}}]\nonFailure: continue"))
        let documents =
            set.clusters.map(\.value.document) + set.applications.map(\.value.document)
            + set.policies.map(\.value.document)
        let again = try read(documents.map { $0.yaml() }.joined(separator: "---\n"))
        #expect(again.clusters.map(\.value) == set.clusters.map(\.value))
        #expect(again.applications.map(\.value) == set.applications.map(\.value))
        #expect(again.policies.map(\.value) == set.policies.map(\.value))
    }

    @Test func tellsEveryMistakeWithItsPlace() {
        let found = errors(
            """
            apiVersion: swell.dev/v1
            kind: Cluster
            metadata: {name: Bad_Name}
            spec:
              regin: us-east-1
              environment: 3
            ---
            apiVersion: swell.dev/v2
            kind: Clutser
            metadata: {name: x}
            """,
            policy("stages:\n  - name: a\n    select: {}\n    soak: 5 minutes\n    maxConcurrent: 0"))
        let lines = found.map(\.description)
        #expect(found.filter { $0.file == "f0.yaml" }.compactMap(\.line).prefix(4) == [3, 5, 5, 6])
        #expect(
            lines.contains { $0.hasPrefix("f0.yaml:5: spec.regin: there is no field 'regin'; did you mean 'region'?") })
        #expect(lines.contains { $0.hasPrefix("f0.yaml:5: spec.region: the field 'region' is missing") })
        #expect(lines.contains { $0.hasPrefix("f0.yaml:6: spec.environment: expected the name of an environment") })
        #expect(lines.contains { $0.hasPrefix("f0.yaml:3: metadata.name: 'Bad_Name' is not a name") })
        #expect(lines.contains { $0.contains("f0.yaml:8: apiVersion: 'swell.dev/v2'") })
        #expect(lines.contains { $0.contains("did you mean 'Cluster'?") })
        #expect(lines.contains { $0.hasPrefix("f1.yaml:8: spec.stages[0].soak: '5 minutes' is not a length of time") })
        #expect(lines.contains { $0.hasPrefix("f1.yaml:9: spec.stages[0].maxConcurrent: '0' would never let") })
    }

    @Test(arguments: [
        ("stages: []", "at least one stage"), ("minHealthyTime: 1s", "'stages' is missing"),
        ("stages: [{name: a, select: {regions: []}}]", "empty list"), ("stages: [{name: a}]", "'select' is missing"),
        ("stages: [{name: a, select: {}, maxConcurrent: 101%}]", "out of range"),
        ("stages: [{name: a, select: {}}]\nunreachableAfter: 5s", "three heartbeats"),
        ("stages: [{name: a, select: {}, maxConcurrent: 0%}]", "never let a cluster through"),
        ("stages: [{name: a, select: {}, maxConcurrent: -1}]", "out of range"),
        ("stages: [{name: a, select: {}, maxConcurrent: true}]", "a boolean (true)"),
        ("stages: [{name: a, select: {}, soak: 300}]", "a unit is missing, such as 300s"),
        (
            "stages: [{name: a, select: {clusters: [x]}}, {name: a, select: {clusters: [y]}}]",
            "a stage named 'a' is there"
        ),
        ("stages: [{name: a, select: {regions: [x]}}, {name: b, select: {regions: [y, x]}}]", "both select region 'x'"),
        ("stages: [{name: a, select: {regions: [x]}}, {name: b, select: {}}]", "both select every cluster"),
        ("stages: [{name: a, select: {}}]\nonFailure: rolback", "did you mean 'rollback'?"),
        ("stages: [{name: a, select: {}}]\nonFailure: {action: pause, scope: galaxy}", "not one of cluster, region"),
        ("stages: [{name: a, select: {}}]\nprogressDeadline: 0s", "longer than nothing"),
        ("stages: [{name: a, select: {}}]\nminHealthyTime: 20m", "not less than progressDeadline"),
        ("stages: [{name: a, select: {}}]\nstages: []", "twice"),
    ])
    func refusesPolicies(spec: String, telling what: String) {
        let found = errors(policy(spec))
        #expect(found.contains { $0.description.contains(what) && $0.file == "f0.yaml" && $0.line != nil }, "\(found)")
    }

    @Test func stagesMayShareARegionWhereLabelsKeepThemApart() throws {
        let spec = """
            stages:
              - {name: a, select: {regions: [x], labels: {ring: "0"}}}
              - {name: b, select: {regions: [x], labels: {ring: "1"}}}
            """
        #expect(try read(policy(spec)).policies.count == 1)
    }

    @Test func refusesTwoDocumentsOfOneNameAcrossFiles() {
        let found = errors(production, production)
        #expect(found.count == 2)
        #expect(
            found[0].description.hasPrefix("f1.yaml:1: metadata.name: Cluster 'use1-a' is there already, at f0.yaml:1"))
    }

    @Test func refusesBombsOfAliases() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let found = errors(text)
        #expect(found.first?.code == .tooLarge && found.first?.file == "f0.yaml" && found.first?.line != nil)
    }

    @Test func refusesWhatIsNoYAMLAndWhatIsEmpty() {
        #expect(errors("a: [").first?.code == .syntax)
        #expect(errors("# nothing\n").first?.message.contains("there is no document") == true)
        #expect(errors("- a\n- b\n").first?.code == .wrongType)
    }

    @Test func namesUnknownRegionsAndEmptyOrOverlappingStagesInTheFleet() throws {
        let unknown = try read(production, policy("stages: [{name: a, select: {regions: [us-eats-1]}}]"))
        #expect(
            unknown.warnings(knownClusters: []).map(\.description) == [
                "f1.yaml:5: spec.stages[0].select.regions[0]: no cluster is known in region 'us-eats-1'; "
                    + "did you mean 'us-east-1'?"
            ])
        #expect(unknown.problems(knownClusters: []).isEmpty, "a fleet without its last cluster there is applied again")
        let stored = Cluster(name: "euc1-a", region: "eu-central-1", environment: "staging")
        let known = try read(production, policy("stages: [{name: a, select: {regions: [eu-central-1]}}]"))
        #expect(!known.warnings(knownClusters: []).isEmpty)
        #expect(known.warnings(knownClusters: [stored]).isEmpty)
        let overlapping = try read(
            production,
            policy("stages: [{name: a, select: {labels: {tier: canary}}}, {name: b, select: {regions: [us-east-1]}}]"))
        #expect(
            overlapping.problems(knownClusters: []).contains {
                $0.message.contains("overlap: both select cluster 'use1-a'")
            })
        let empty = try read(production, policy("stages: [{name: a, select: {labels: {tier: gold}}}]"))
        #expect(empty.warnings(knownClusters: []).contains { $0.message.contains("is empty: it selects none") })
    }

    @Test func tellsForeignFilesFromMisspeltOnes() {
        let foreign = SourceFile(name: "d.yaml", content: "apiVersion: apps/v1\nkind: Deployment\n")
        let misspelt = SourceFile(name: "c.yaml", content: "apiVersion: swel.dev/v1\nkind: Cluster\n")
        #expect(DocumentReader.isForeign(foreign))
        #expect(!DocumentReader.isForeign(misspelt))
        #expect(!DocumentReader.isForeign(SourceFile(name: "b.yaml", content: "a: [")))
    }
}
