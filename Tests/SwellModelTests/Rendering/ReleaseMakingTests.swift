internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

private let east = Cluster(name: "use1-a", region: "us-east-1", environment: "production")

private func assemble(
    _ text: String, _ application: Application = Application(name: "shop", namespace: "shop"), isLiteral: Bool = false
) throws(DocumentErrors) -> AssembledRelease {
    try ReleaseAssembler.assemble(
        application, from: [SourceFile(name: "m.yaml", content: text)], isLiteral: isLiteral)
}

private func rendered(_ release: AssembledRelease) throws -> [KubernetesObject] {
    let contents = Dictionary(release.documents.map { ($0.digest, $0.content) }) { first, _ in first }
    return try ReleaseRenderer(release.bundle).render(for: east) { contents[$0] }
}

private func errors(_ text: String, _ application: Application = Application(name: "shop", namespace: "shop"))
    -> [String]
{
    do throws(DocumentErrors) {
        _ = try assemble(text, application)
        return []
    } catch {
        return error.errors.map(\.description)
    }
}

private func map(_ data: String, _ annotations: String = "") -> String {
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n  annotations: {\(annotations)}\ndata:\n  x: '\(data)'\n"
}

private func value(_ release: AssembledRelease) throws -> String? {
    try rendered(release)[0].json["data"]?["x"]?.stringValue
}

@Suite struct SubstitutionChoiceTests {
    private let bare = Application(name: "shop", namespace: "shop")
    private let declaring = Application(name: "shop", namespace: "shop", parameters: ["a": "1"])

    @Test(arguments: [
        "echo ${HOME:-x} $(date) $$ ${", "${datasource}", "$${region}", "$$${a}", "{{ ${a:integer} }}", "${",
    ])
    func withoutParametersEveryTextStays(text: String) throws {
        let release = try assemble(map(text))
        #expect(try value(release) == text)
        #expect(release.bundle.application.substitute == nil, "older renderers must read it alike")
    }

    @Test func aKeyStaysToo() throws {
        let release = try assemble("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {'${k}': a}\n")
        #expect(try rendered(release)[0].json["data"] == ["${k}": "a"])
    }

    @Test func parametersOrAWordOfItsOwnReplace() throws {
        #expect(try value(assemble(map("${a} $${a}"), declaring)) == "1 ${a}")
        var asking = bare
        asking.substitute = true
        #expect(try value(assemble(map("${region}"), asking)) == "us-east-1")
        var overriding = bare
        overriding.overrides = [Override(match: ClusterSelector(), parameters: ["a": "2"])]
        #expect(try value(assemble(map("${a}"), overriding)) == "2")
        var declining = declaring
        declining.substitute = false
        #expect(try value(assemble(map("${a}"), declining)) == "${a}")
    }

    @Test func oneObjectOrAllManifestsMayOptOut() throws {
        let text = "${a} $${a} ${b}"
        #expect(try value(assemble(map(text, "swell.dev/substitute: disabled"), declaring)) == text)
        #expect(try value(assemble(map(text), declaring, isLiteral: true)) == text)
        #expect(
            errors(map("x", "swell.dev/substitute: 'no'"), declaring)[0].contains("write disabled, or leave it out"))
    }

    @Test func anUnknownNameSaysBothWaysOut() {
        for text in ["${HOME}", "${HOME:-x}", "${a:date}", "${"] {
            let error = errors(map(text), declaring).first ?? ""
            #expect(error.hasPrefix("m.yaml:7: data.x: ConfigMap m: "), "\(error)")
            #expect(error.contains("$${") && error.contains("swell.dev/substitute: disabled"), "\(error)")
        }
    }

    @Test func whatLooksMeantIsWarnedOfOnce() throws {
        let text = map("${region}") + "---\n" + map("${cluster}").replacing("name: m", with: "name: other")
        let warnings = try assemble(text).warnings.map(\.description)
        #expect(warnings.count == 1)
        #expect(
            warnings.first?.hasPrefix("m.yaml:7: data.x: '${region}' stays as it is: application 'shop' declares no")
                == true)
        #expect(try assemble(map("${HOME} ${datasource}")).warnings.isEmpty)
        var declining = bare
        declining.substitute = false
        #expect(try assemble(text, declining).warnings.isEmpty)
        #expect(try assemble(text, isLiteral: true).warnings.isEmpty)
    }

    @Test func saysWhatIsLeftToOthersFromTheStart() throws {
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: monitoring}
            aggregationRule: {clusterRoleSelectors: [{matchLabels: {into: monitoring}}]}
            rules: []
            ---

            """
        let scaled = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: "a:1"}]}}
            ---

            """
        func scaler(_ namespace: String) -> String {
            """
            apiVersion: autoscaling/v2
            kind: HorizontalPodAutoscaler
            metadata: {name: web, namespace: \(namespace)}
            spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
            """
        }
        let webhook = """
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: {name: v, annotations: {cert-manager.io/inject-ca-from: shop/ca}}
            webhooks: [{name: v.example.com, clientConfig: {caBundle: eA==, url: "https://v.example.com"}}]
            ---

            """
        #expect(
            try assemble(role + scaled + webhook + scaler("shop")).warnings.map(\.description) == [
                "m.yaml:5: ClusterRole monitoring: rules is left to the control plane, which gathers them by "
                    + "aggregationRule",
                "m.yaml:11: Deployment web: spec.replicas is left to HorizontalPodAutoscaler web, but for "
                    + "its creation",
                "m.yaml:18: ValidatingWebhookConfiguration v: "
                    + "webhooks[0].clientConfig.caBundle is left to who injects its certificate authority",
            ])
        #expect(try assemble(role.replacing("rules: []\n", with: "")).warnings.isEmpty, "it says nothing of them")
        #expect(try assemble(scaled + scaler("elsewhere")).warnings.isEmpty, "another one of the same name")
    }

    @Test func patchesAndImagesFollowTheApplication() throws {
        var application = bare
        application.overrides = [
            Override(
                match: ClusterSelector(), patches: [ObjectPatch(kind: "ConfigMap", merge: ["data": ["y": "${HOME}"]])])
        ]
        #expect(try rendered(assemble(map("x"), application))[0].json["data"]?["y"] == "${HOME}")
    }

    /// A release of an earlier version has no word of it, and was replaced.
    @Test func storedReleasesKeepTheirMeaning() throws {
        let document = ContentDocument(
            content: Array(
                #"{"apiVersion":"v1","data":{"x":"${region} $${y}"},"kind":"ConfigMap","metadata":{"name":"m"}}"#.utf8))
        let bundle = Bundle(application: bare, documents: [document.digest])
        let objects = try ReleaseRenderer(bundle).render(for: east) { _ in document.content }
        #expect(objects[0].json["data"]?["x"] == "us-east-1 ${y}")
    }
}

@Suite struct ReleaseMakingTests {
    @Test func aNamespaceThatIsNoTextIsNeverAnotherOne() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: numeric\n  namespace: 20417\n"
        #expect(
            errors(text) == [
                "m.yaml:5: ConfigMap numeric: metadata.namespace must be a string, not an integer; write it in quotes: \"20417\""
            ])
        #expect(errors(text.replacing("20417", with: "no")).count == 1)
        #expect(errors(text.replacing("20417", with: "'20417'")).isEmpty)
    }

    @Test func aNullLabelIsAnEmptyOne() throws {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nulls, labels: {tier: , app: web}}\n"
        let release = try assemble(text)
        #expect(try rendered(release)[0].labels == ["tier": "", "app": "web"])
        #expect(try assemble(text.replacing("tier: ,", with: "tier: '',")).digest == release.digest)
    }

    @Test func aMarkChangesNothing() throws {
        let text = map("x")
        #expect(try assemble("\u{FEFF}" + text).digest == assemble(text).digest)
        #expect(try assemble(text.replacing("\n", with: "\r\n")).digest == assemble(text).digest)
    }

    @Test func twoSpellingsAreTwoReleases() throws {
        let applications = ["caf\u{E9}", "cafe\u{301}"].map {
            Application(name: "shop", namespace: "shop", parameters: ["a": $0])
        }
        #expect(applications[0] != applications[1] && applications[0] == applications[0])
        #expect(try assemble(map("caf\u{E9}")).digest != assemble(map("cafe\u{301}")).digest)
        #expect(try assemble(map("caf\u{E9}")).bundle != assemble(map("cafe\u{301}")).bundle)
    }

    private func hook(_ metadata: String, kind: String = "Job", image: String = "m:1") -> String {
        "apiVersion: batch/v1\nkind: \(kind)\nmetadata: {\(metadata)}\n"
            + "spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: \"\(image)\"}]}}}\n"
    }

    @Test func aHookMayHaveAGeneratedName() throws {
        let text = hook("generateName: migrate-, annotations: {swell.dev/hook: before, swell.dev/hook-timeout: 1m}")
        let name = try rendered(assemble(text))[0].name
        #expect(name.hasPrefix("migrate-") && name.utf8.count == "migrate-".utf8.count + 10)
        #expect(try assemble(text).digest == assemble(text).digest, "the same hook has the same name")
        #expect(try rendered(assemble(text.replacing("m:1", with: "m:2")))[0].name != name)
        #expect(try rendered(assemble(text))[0].metadata["generateName"] == nil)
        #expect(errors(hook("generateName: job-"))[0].contains("only a hook (swell.dev/hook) may be; give it a name"))
    }

    @Test func hooksOfArgoBecomeHooks() throws {
        func made(_ annotations: String, kind: String = "Job") throws -> (KubernetesObject?, [String]) {
            let release = try assemble(
                map("x") + "---\n" + hook("generateName: db-, annotations: {\(annotations)}", kind: kind))
            return (try rendered(release).dropFirst().first, release.warnings.map(\.description))
        }
        let (before, notes) = try made(
            "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded")
        #expect(
            before?.annotations["swell.dev/hook"] == "before" && before?.annotations["swell.dev/hook-timeout"] == "5m")
        #expect(before?.annotations["swell.dev/hook-delete"] == "on-success")
        #expect(notes == ["m.yaml:9: Job db-… is run as a hook (before): it is one of Argo CD's for PreSync"])
        #expect(try made("argocd.argoproj.io/hook: PostSync").0?.annotations["swell.dev/hook"] == "after")
        #expect(try made("argocd.argoproj.io/hook: SyncFail").0?.annotations["swell.dev/hook"] == "on-failure")
        #expect(try made("argocd.argoproj.io/hook: Sync").0?.annotations["swell.dev/hook"] == nil)
        #expect(try made("argocd.argoproj.io/hook: Skip").0 == nil)
        let (both, words) = try made("argocd.argoproj.io/hook: 'PostSync,PreSync'")
        #expect(both?.annotations["swell.dev/hook"] == "before, after")
        #expect(
            words == [
                "m.yaml:9: Job db-… is run as a hook (before, after): it is one of Argo CD's for PostSync, PreSync"
            ])
    }

    /// What a server would refuse is told with line and path, all of it, and nothing that is known on each cluster only.
    @Test func valuesOfAnotherTypeAreRefused() throws {
        let text = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: c}
            data:
              port: 8080
              on: yes
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            stringData: {pin: 1234}
            """
        #expect(
            errors(text) == [
                "m.yaml:5: ConfigMap c: data.port must be a string, not an integer; write it in quotes: \"8080\"",
                "m.yaml:6: ConfigMap c: data.on must be a string, not a boolean; write it in quotes: \"yes\"; the key on is "
                    + "read as true, as kubectl does: where the word is meant, write \"on\"",
                "m.yaml:11: Secret s: stringData.pin must be a string, not an integer; write it in quotes",
            ])
        let scaled =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: \"${n}\"}\n"
        let application = Application(name: "shop", namespace: "shop", parameters: ["n": "3"])
        #expect(errors(scaled.replacing("${n}", with: "${n:integer}"), application).isEmpty)
        // A reference is to text where it does not say otherwise.
        #expect(errors(scaled, application).count == 1)
        #expect(errors(scaled)[0].contains("spec.replicas must be an integer, not a string"))
    }

    @Test func keysThatKubectlReadsAsBooleansAreTold() throws {
        let release = try assemble("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  on: a\n")
        #expect(try rendered(release)[0].json["data"] == ["true": "a"])
        #expect(
            release.warnings.map(\.description) == [
                "m.yaml:5: ConfigMap c: the key on is read as true, as kubectl does; where the word is meant, write \"on\""
            ])
    }

    @Test func fieldsThatCannotBeAreToldOfSettings() throws {
        let application = Application(
            name: "shop", namespace: "shop",
            checks: [
                HealthCheck(
                    apiVersion: "apps/v1", kind: "Deployment", name: nil, healthy: "status.readyReplica > 0",
                    failed: nil),
                HealthCheck(
                    apiVersion: "example.com/v1", kind: "Thing", name: nil, healthy: "staus.phase == 'a'", failed: nil),
            ],
            ignoreFields: [
                IgnoredFields(
                    apiVersion: "apps/v1", kind: "Deployment", name: nil, paths: ["spec.replica", "spec.replicas"])
            ])
        let text =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\n"
            + "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\n"
        #expect(
            try assemble(text, application).warnings.map(\.description) == [
                "spec.checks[0].healthy: status.readyReplica: status of a Deployment has no field 'readyReplica'; did you mean 'readyReplicas'?",
                "spec.checks[1].healthy: staus.phase: few objects have a field 'staus'; did you mean 'status'?",
                "spec.ignoreFields[0].paths[0]: spec.replica: spec of a Deployment has no field 'replica'; did you mean 'replicas'?",
            ])
    }

    /// Pods run like Jobs; what is of another kind is applied in its time.
    @Test func hooksOfArgoMayBeOfAnyKind() throws {
        func made(_ type: String, _ hook: String, _ rest: String = "") throws -> (KubernetesObject?, String?) {
            let release = try assemble(
                map("x") + "---\n\(type)\nmetadata: {name: a, annotations: {argocd.argoproj.io/hook: \(hook)}}\n\(rest)"
            )
            return (try rendered(release).last, release.warnings.first?.message)
        }
        let pod = "spec: {restartPolicy: Never, containers: [{name: a, image: a}]}\n"
        let (check, _) = try made("apiVersion: v1\nkind: Pod", "PostSync", pod)
        #expect(check?.annotations["swell.dev/hook"] == "after" && check?.annotations["swell.dev/hook-timeout"] == "5m")
        for type in [
            "apiVersion: v1\nkind: ConfigMap", "apiVersion: v1\nkind: ServiceAccount",
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow",
        ] {
            let (before, note) = try made(type, "PreSync")
            #expect(before?.annotations["swell.dev/hook"] == "before", "\(type)")
            #expect(note?.contains("is applied ahead of the hooks, and kept") == true)
            let (after, _) = try made(type, "PostSync")
            #expect(after?.annotations["swell.dev/hook"] == nil && after?.annotations["swell.dev/wave"] == "1000")
        }
        let (account, _) = try made("apiVersion: v1\nkind: ServiceAccount", "SyncFail")
        #expect(account?.annotations["swell.dev/hook"] == nil)
        let refused = errors(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a, annotations: {argocd.argoproj.io/hook: SyncFail}}\n"
        )
        #expect(
            refused.count == 1 && refused[0].contains("make a Job of it with swell.dev/hook: on-failure"), "\(refused)")
        let endless = errors(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {argocd.argoproj.io/hook: PreSync}}\n"
                + pod.replacing("restartPolicy: Never, ", with: ""))
        #expect(endless.first?.contains("write restartPolicy: Never") == true, "\(endless)")
    }

    /// What is large, but no larger than a release may be.
    @Test(.timeLimit(.minutes(3))) func takesLargeReleases() throws {
        let many = (0..<5_000).map {
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m\($0), namespace: n\($0 % 200)}\ndata: {a: b}\n"
        }.joined(separator: "---\n")
        #expect(try assemble(many).objectCount == 5_000)
        #expect(errors(many + "---\n" + map("x"))[0].contains("there are 5001 objects; a release may have 5000"))
        let definition =
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\nspec:\n"
            + (0..<40_000).map { "  f\($0): {type: string}\n" }.joined()
        #expect(definition.utf8.count > 900_000)
        #expect(try assemble(definition).objectCount == 1)
        let large = (0..<16).map {
            map(String(repeating: "x", count: 1_000_000)).replacing("name: m", with: "name: m\($0)")
        }
        #expect(try assemble(large.joined(separator: "---\n")).objectCount == 16)
    }

    @Test func readsTabsAndOtherScriptsWhereYAMLHasThem() throws {
        let text =
            "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: m}\r\ndata:\r\n  \"日本\":\t\"a\\tb\"\t# note\r\n"
        #expect(try rendered(assemble(text))[0].json["data"] == ["日本": "a\tb"])
        let error = errors("apiVersion: v1\nkind: ConfigMap\n\tmetadata: {name: m}\n")[0]
        #expect(error.hasPrefix("m.yaml:3: "), "\(error)")
        #expect(
            errors("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: été}\n")[0].contains("\"été\" must be lower-case")
        )
    }
}

@Suite struct ApplicationPathTests {
    private func errors(_ spec: String) -> [String] {
        let text =
            "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: a}\nspec:\n  namespace: a\n  \(spec)\n"
        do throws(DocumentErrors) {
            _ = try DocumentReader.read([SourceFile(name: "a.yaml", content: text)])
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    @Test(arguments: ["/etc/passwd", "../other", "a/../../b", "~/.ssh"])
    func manifestsStayBelowTheDocument(path: String) {
        #expect(
            errors("manifests: \(path)") == [
                "a.yaml:6: spec.manifests: '\(path)' leaves the folder of this file; write a path below it, without '..'"
            ])
    }

    @Test func checksThatCannotBeReadAreRefused() {
        let check = "checks: [{apiVersion: v1, kind: Pod, healthy: 'status.phase = \"x\"'}]"
        #expect(errors(check)[0].contains("spec.checks[0].healthy: cannot be read: expression"))
        #expect(errors(check)[0].contains("= is no operator; == compares"))
        #expect(errors(check.replacing("= ", with: "== ")).isEmpty)
        #expect(errors("manifests: releases/1.0.0").isEmpty)
    }

    @Test func substituteReadsBack() throws {
        let application = Application(name: "a", namespace: "a", substitute: true)
        let text = application.document.yaml()
        #expect(
            try DocumentReader.read([SourceFile(name: "a", content: text)]).applications.first?.value == application)
    }
}
