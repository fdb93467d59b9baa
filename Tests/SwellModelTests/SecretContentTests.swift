internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

/// Which content is secret.
@Suite struct SecretContentTests {
    @Test(arguments: [
        ("{\"kind\":\"Secret\",\"data\":{\"a\":\"YQ==\"}}", true),
        ("{\"kind\":\"Secret\",\"stringData\":{\"a\":\"b\"}}", true),
        ("{\"kind\":\"Secret\",\"data\":{}}", false), ("{\"kind\":\"Secret\",\"type\":\"Opaque\"}", false),
        (
            "{\"kind\":\"Secret\",\"metadata\":{\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"x\"}}}",
            true
        ),
        ("{\"kind\":\"ConfigMap\",\"data\":{\"a\":\"Secret\"}}", false),
        ("{\"kind\":\"SealedSecret\",\"spec\":{\"encryptedData\":{\"a\":\"b\"}}}", false),
        ("{\"kind\":\"ExternalSecret\",\"data\":{\"a\":\"b\"}}", false),
        ("{\"kind\":\"List\",\"items\":[{\"kind\":\"ConfigMap\"},{\"kind\":\"Secret\",\"data\":{\"a\":\"b\"}}]}", true),
        ("{\"kind\":\"\\u0053ecret\",\"data\":{\"a\":\"b\"}}", true),
        ("{\"kind\":\"Secret\",\"data\":", true), ("{\"SSecret", true), ("", false), ("Secre", false),
    ])
    func isFound(text: String, isSecret: Bool) {
        #expect(SecretContent.isSecret(Array(text.utf8)) == isSecret)
    }

    private func application(_ extra: String = "") throws -> Application {
        let text =
            "apiVersion: swell.dev/v1\nkind: Application\nmetadata: {name: shop}\nspec:\n  namespace: shop\n\(extra)"
        let documents = try DocumentReader.read([SourceFile(name: "shop.yaml", content: text)])
        return documents.applications[0].value
    }

    private static let manifests = SourceFile(
        name: "all.yaml",
        content: """
            apiVersion: v1
            kind: Secret
            metadata: {name: db}
            stringData: {password: hidden}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: filled-elsewhere, namespace: vault}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            """)

    private static let override = """
          overrides:
            - match: {}
              patches: [{kind: Secret, name: db, merge: {stringData: {password: other}}}]

        """

    @Test func thoseOfAReleaseAreNamed() throws {
        let release = try ReleaseAssembler.assemble(application(), from: [Self.manifests])
        #expect(SecretContent.names(in: release) == ["Secret shop/db"])
        let patched = try ReleaseAssembler.assemble(application(Self.override), from: [Self.manifests])
        #expect(SecretContent.names(in: patched) == ["Secret shop/db", "the override's patch of Secret db"])
        // The index holds the patch.
        #expect(SecretContent.isSecret(patched.bundle.content) && !SecretContent.isSecret(release.bundle.content))
        let text = SecretContent.refusal(of: SecretContent.names(in: release), because: "nobody wants them")
        for word in ["Secret shop/db", "External Secrets", "Sealed Secrets", "SOPS"] { #expect(text.contains(word)) }
        #expect(!text.contains("hidden"))
    }

    @Test func thePolicyIsReadBackAndIsNotPartOfAReleasesDigest() throws {
        let (plain, strict) = (try application(), try application("  secrets: refuse\n"))
        #expect(strict.secrets == .refuse && plain.secrets == nil && strict != plain)
        let text = strict.document.serializedBytes()
        let again = try DocumentReader.read([SourceFile(name: "a.json", content: String(decoding: text, as: UTF8.self))]
        )
        #expect(again.applications.map(\.value) == [strict])
        let releases = try [plain, strict].map { try ReleaseAssembler.assemble($0, from: [Self.manifests]) }
        #expect(releases[0].digest == releases[1].digest)
        #expect(throws: DocumentErrors.self) { try application("  secrets: maybe\n") }
    }

    @Test func parametersThatGoIntoSecretsAreNamed() throws {
        let manifests = SourceFile(
            name: "all.yaml",
            content: """
                apiVersion: v1
                kind: Secret
                metadata: {name: db}
                stringData: {url: "postgres://shop:${password}@${region}/shop", note: "$${level}"}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: settings}
                data: {level: "${level}"}
                """)
        let parameters = "  parameters: {password: hunter2, level: info}\n"
        let found = SecretContent.parameters(
            in: try ReleaseAssembler.assemble(application(parameters), from: [manifests]))
        #expect(found.map(\.parameter) == ["password"] && found.map(\.secret) == ["Secret shop/db"])
        let warning = SecretContent.warning(of: found[0].parameter, in: found[0].secret)
        #expect(warning.contains("stored in clear") && !warning.contains("hunter2"))
        let none = try ReleaseAssembler.assemble(application(), from: [Self.manifests])
        #expect(SecretContent.parameters(in: none).isEmpty)
    }
}
