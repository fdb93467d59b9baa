internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

private func job(_ annotations: String, kind: String = "Job") -> String {
    """
    apiVersion: \(kind == "Job" ? "batch/v1" : "v1")
    kind: \(kind)
    metadata:
      name: m
      annotations:
        \(annotations)
    """
}

private func told(_ text: String) -> (errors: [String], warnings: [String]) {
    do throws(DocumentErrors) {
        let release = try ReleaseAssembler.assemble(
            Application(name: "shop", namespace: "shop"), from: [SourceFile(name: "m.yaml", content: text)])
        return ([], release.warnings.map(\.description))
    } catch {
        return (error.errors.map(\.description), [])
    }
}

/// A word that nobody knows does nothing, or the opposite of what was meant, and only where it is applied: it is told when a
/// release is made.
@Suite struct AnnotationWordTests {
    @Test(arguments: [
        ("swell.dev/prune: kep", "'kep'; did you mean 'keep'?"),
        ("swell.dev/prune: 'Keep'", "'Keep'; did you mean 'keep'?"),
        ("swell.dev/hook: befor", "'befor'; did you mean 'before'?"),
        ("swell.dev/replace: yes please", "known are allow"),
        ("swell.dev/adopt: froce", "'froce'; did you mean 'force'?"),
        ("swell.dev/wave: first", "an integer from -1000 to 1000"),
        ("swell.dev/wave: '1001'", "an integer from -1000 to 1000"),
        ("swell.dev/ignore-fields: 'spec..x'", "spec..x"),
        ("swell.dev/namespace-defaults: house-ca", "Kind/name"),
        ("swell.dev/namespace-defaults: 'ConfigMap/a, PersistentVolumeClaim/data'", "since data go with it"),
        ("swell.dev/apply: onec", "'onec'; did you mean 'once'?"),
        ("swell.dev/hook-on: instal", "'instal'; did you mean 'install'?"),
        ("swell.dev/hook-on-return: always", "known are run, skip"),
        ("swell.dev/hook-delete: on-succes", "'on-succes'; did you mean 'on-success'?"),
        ("swell.dev/hook-timeout: 5 minutes", "such as 90s, 5m or 1h30m"),
        ("swell.dev/purne: keep", "did you mean 'swell.dev/prune'?"),
        ("swell.dev/colour: red", "Swell knows no annotation swell.dev/colour"),
    ])
    func aWordThatNobodyKnowsIsRefusedWithTheNearest(annotation: String, expected: String) {
        let errors = told(job(annotation)).errors
        #expect(errors.first?.hasPrefix("m.yaml:6: ") == true && errors.first?.contains(expected) == true, "\(errors)")
        #expect(throws: DocumentErrors.self) {
            try WrittenObjects.read([SourceFile(name: "m.yaml", content: job(annotation))])
        }
    }

    @Test(arguments: [
        "swell.dev/prune: keep", "swell.dev/prune: allow", "swell.dev/wave: '-3'", "swell.dev/replace: allow",
        "swell.dev/ignore-fields: 'spec.replicas, spec.ports[0].port'", "swell.dev/adopt: force",
        "swell.dev/namespace-defaults: 'ConfigMap/a, Secret/b'", "swell.dev/substitute: disabled",
        "swell.dev/apply: once", "example.com/prune: kep",
    ])
    func knownWordsPass(annotation: String) { #expect(told(job(annotation)).errors == []) }

    @Test func aHookThatCouldNotRunIsRefused() {
        #expect(told(job("swell.dev/hook: after")).errors.first?.contains("swell.dev/hook-timeout") == true)
        let pod = told(job("swell.dev/hook: after\n    swell.dev/hook-timeout: 5m", kind: "ConfigMap")).errors
        #expect(pod.first?.contains("must be a Job") == true, "\(pod)")
        #expect(told(job("swell.dev/hook: before", kind: "ConfigMap")).errors == [])
        #expect(told(job("swell.dev/hook: before\n    swell.dev/hook-timeout: 5m")).errors == [])
    }

    @Test func aLabelIsNoAnnotation() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n  labels: {swell.dev/prune: keep}\n"
        #expect(told(text).errors.first?.contains("as an annotation") == true)
    }

    @Test(arguments: [
        ("argocd.argoproj.io/hook: PreSnyc", "did you mean 'PreSync'?"),
        ("argocd.argoproj.io/hook-delete-policy: HookSuceeded", "did you mean 'HookSucceeded'?"),
        ("argocd.argoproj.io/sync-wave: '3'", "swell.dev/wave"),
        ("helm.sh/hook: pre-install", "-f CHART"),
        ("helm.sh/resource-policy: kep", "did you mean 'keep'?"),
        ("argocd.argoproj.io/sync-options: 'Force=true,Replace=true'", "swell.dev/replace: allow"),
        ("kustomize.toolkit.fluxcd.io/ssa: IfNotPresent", "not followed"),
        ("helm.sh/hok: pre-install", "did you mean 'helm.sh/hook'?"),
    ])
    func othersWordsAreWarnedOf(annotation: String, expected: String) {
        let (errors, warnings) = told(job(annotation))
        #expect(errors == [])
        #expect(warnings.contains { $0.hasPrefix("m.yaml:") && $0.contains(expected) }, "\(warnings)")
    }

    @Test(arguments: ["argocd.argoproj.io/hook: PreSync", "helm.sh/resource-policy: keep", "helm.sh/chart: a-1.0.0"])
    func othersWordsThatAreRightPass(annotation: String) {
        let (errors, warnings) = told(job(annotation))
        #expect(errors == [] && !warnings.contains { $0.contains("did you mean") }, "\(errors) \(warnings)")
    }
}

/// What is written in an application for objects that its release does not have.
@Suite struct UnmatchedSettingTests {
    private let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n"

    private func warnings(_ change: (inout Application) -> Void) throws -> [String] {
        var application = Application(name: "shop", namespace: "shop")
        change(&application)
        return try ReleaseAssembler.assemble(application, from: [SourceFile(name: "m.yaml", content: text)])
            .warnings.map(\.description)
    }

    @Test func ignoredFieldsOfNoObjectAreTold() throws {
        for (fields, expected) in [
            (
                IgnoredFields(apiVersion: "apps/v1", kind: "Deploymnt", paths: ["spec.replicas"]),
                "did you mean 'Deployment'"
            ),
            (
                IgnoredFields(apiVersion: "apps/v1", kind: "Deployment", name: "wbe", paths: ["spec.replicas"]),
                "did you mean 'web'"
            ),
            (IgnoredFields(apiVersion: "extensions/v1beta1", kind: "Deployment", paths: ["spec.replicas"]), "apps/v1"),
        ] {
            let told = try warnings { $0.ignoreFields = [fields] }
            #expect(told.contains { $0.hasPrefix("spec.ignoreFields[0]: ") && $0.contains(expected) }, "\(told)")
        }
        let right = try warnings {
            $0.ignoreFields = [
                IgnoredFields(apiVersion: "apps/v1", kind: "Deployment", paths: ["spec.replicas"]),
                IgnoredFields(apiVersion: "apps/v1beta1", kind: "Deployment", name: "web", paths: ["spec.x"]),
            ]
        }
        #expect(right == [])
    }

    @Test func whereNoClusterIsMeantIsTold() throws {
        func told(_ match: String, _ select: String = "{}") throws -> [String] {
            let text =
                "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec:\n  namespace: shop\n  select: \(select)\n  overrides:\n  - match: \(match)\n    parameters: {a: b}\n"
            let known = Cluster(
                name: "use1-a", region: "us-east-1", environment: "production", labels: ["tier": "gold"])
            return try DocumentReader.read([SourceFile(name: "a.yaml", content: text)])
                .warnings(knownClusters: [known]).map(\.description)
        }
        for (match, expected) in [
            ("{labels: {tier: gld}}", "for its label 'tier'; did you mean 'gold'?"),
            ("{labels: {teir: gold}}", "no cluster has a label 'teir'; did you mean 'tier'?"),
            ("{clusters: [use1-b], labels: {tier: gold}}", "did you mean 'use1-a'?"),
            ("{environments: [prodction]}", "did you mean 'production'?"),
        ] {
            let warnings = try told(match)
            #expect(
                warnings.count == 1 && warnings[0].hasPrefix("a.yaml:8: spec.overrides[0].match")
                    && warnings[0].contains(expected), "\(warnings)")
        }
        #expect(try told("{labels: {tier: gold}, environments: [production]}") == [])
        #expect(try told("{environments: [staging]}") == [], "it may not be there yet")
        let selected = try told("{}", "{labels: {tier: silver}}")
        #expect(selected.count == 1 && selected[0].contains("spec.select"), "\(selected)")
    }

    @Test func checksOfNoObjectAreTold() throws {
        let told = try warnings {
            $0.checks = [HealthCheck(apiVersion: "apps/v1", kind: "Deploymemt", healthy: "status.ok == true")]
        }
        #expect(
            told.contains { $0.hasPrefix("spec.checks[0]: ") && $0.contains("did you mean 'Deployment'") }, "\(told)")
    }
}
