internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import KubernetesClient

/// What a release may say of its objects when it is made is what the agent's client takes when it is applied, and no more.
@Suite struct AnnotationAgreementTests {
    private func job(_ annotations: [String: String]) -> KubernetesObject {
        var job = KubernetesObject(
            type: GroupVersionKind(group: "batch", version: "v1", kind: "Job"), namespace: "shop", name: "a")
        job.annotations = annotations
        job.spec = ["template": ["spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "Never"]]]
        return job
    }

    @Test func everyAnnotationOfTheClientIsKnown() {
        let names = ObjectAnnotations()
        for (key, value) in [
            (names.wave, "1"), (names.prune, "keep"), (names.prune, "allow"), (names.replace, "allow"),
            (names.ignore, "spec.replicas"), (names.adopt, "force"), (names.namespaceDefaults, "ConfigMap/a"),
            (names.hookDelete, "always"), (names.hookTimeout, "5m"), (names.hookOn, "install"),
            (names.hookOnReturn, "run"), (names.apply, "once"),
        ] {
            #expect(AnnotationWords.findings(in: job([key: value])) == [])
        }
    }

    @Test(arguments: [
        ("", "1"), ("hook", "before"), ("hook", "after"), ("hook", "on-failure"), ("hook", "befor"), ("hook", ""),
        ("hook", "before, after"), ("hook", "before,on-failure"), ("hook", "before,before"), ("hook", "before,sooner"),
        ("hook-timeout", "90s"), ("hook-timeout", "1h30m"), ("hook-timeout", "5"), ("hook-timeout", "0s"),
        ("hook-timeout", "169h"), ("hook-timeout", "168h"), ("hook-timeout", "5 m"), ("hook-timeout", "m"),
        ("hook-delete", "never"), ("hook-delete", "on-success"), ("hook-delete", "Always"), ("hook-on", "install"),
        ("hook-on", "install, upgrade"), ("hook-on", "instal"), ("hook-on", ""), ("hook-on-return", "run"),
        ("hook-on-return", "skip"), ("hook-on-return", "yes"), ("wave", "-1000"), ("wave", "1001"), ("wave", "x"),
        ("ignore-fields", "spec.a, spec.b[0]"), ("ignore-fields", "spec..a"),
    ])
    func modelAndClientAgree(name: String, value: String) {
        var annotations = ["swell.dev/hook": "after", "swell.dev/hook-timeout": "5m"]
        if !name.isEmpty { annotations["swell.dev/\(name)"] = value }
        let isRight = AnnotationWords.findings(in: job(annotations)).isEmpty
        let names = ObjectAnnotations()
        var isTaken = true
        do {
            _ = try Hook.all(of: job(annotations), annotations: names)
            _ = try names.waveNumber(of: job(annotations))
            _ = try names.ignoredFields(of: job(annotations))
        } catch {
            isTaken = false
        }
        #expect(isRight == isTaken, "\(name): \(value)")
    }
}
