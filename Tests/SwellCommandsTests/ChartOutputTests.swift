internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

@Suite struct ChartOutputTests {
    @Test func takesTemplatesApartThatWereWrittenWithOtherLineEnds() throws {
        let text =
            "---\n# Source: store/templates/a.yaml\nkind: A\r\n\r\n---\r\n# Source: store/templates/b.yaml\r\nkind: B\r\n"
        #expect(ChartOutput.parts(of: text).map(\.template) == ["templates/a.yaml", "templates/b.yaml"])
    }

    /// As `helm install` does; a vendor's chart is not the user's to mend.
    @Test func keepsTheLastOfLabelsWrittenTwice() throws {
        let text = """
            ---
            # Source: twice/templates/sa.yaml
            apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: twice
              labels:
                app.kubernetes.io/name: base
                app.kubernetes.io/name: twice
            --- # the next
            # Source: twice/templates/map.yaml
            {apiVersion: v1, kind: ConfigMap, metadata: {name: m}}
            """
        let output = try ChartOutput(text, chart: "twice")
        #expect(
            output.warnings == [
                "'twice/templates/sa.yaml (helm template)', line 8: metadata.labels[\"app.kubernetes.io/name\"] is there twice; "
                    + "the last one counts, as with helm"
            ])
        let objects = try WrittenObjects.read(output.files)
        #expect(objects.count == 2)
        #expect(objects[0]["metadata"]?["labels"] == ["app.kubernetes.io/name": "twice"])
    }

    @Test func aDocumentMayBeginBesideItsMark() throws {
        let output = try ChartOutput("--- {apiVersion: v1, kind: ConfigMap, metadata: {name: m}}\n", chart: "c")
        #expect(try WrittenObjects.read(output.files).count == 1)
    }
}
