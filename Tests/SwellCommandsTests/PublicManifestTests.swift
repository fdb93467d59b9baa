internal import Foundation
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// Manifests as well-known projects publish them, read at the first try and without options. They are not kept here:
/// `SWELL_PUBLIC_MANIFESTS` names files and folders of them, one a line or with colons between.
@Suite struct PublicManifestTests {
    private static let paths = (SourceFolder.environment["SWELL_PUBLIC_MANIFESTS"] ?? "")
        .split { $0 == ":" || $0 == "\n" }.map(String.init)

    @Test(.enabled(if: !paths.isEmpty, "SWELL_PUBLIC_MANIFESTS is not set"), arguments: paths)
    func isReadAtTheFirstTry(path: String) async throws {
        let application = Application(name: "shop", namespace: "shop")
        let (files, notes) = try await SourceFolder.sources(SourceFolder.environment).read([path]) { "shop" }
        do {
            let release = try ReleaseAssembler.assemble(application, from: files)
            let contents = Dictionary(release.documents.map { ($0.digest, $0.content) }) { first, _ in first }
            let objects = try ReleaseRenderer(release.bundle).render(
                for: Cluster(name: "a", region: "r", environment: "e")
            ) { contents[$0] }
            let written = try WrittenObjects.read(files)
            #expect(objects.count == written.count)
            print(
                "\(path): \(objects.count) objects, \(release.size) bytes; \(notes.count + release.warnings.count) warnings"
            )
            for warning in notes + release.warnings.map(\.description) { print("  \(warning)") }
        } catch let errors as DocumentErrors {
            Issue.record("\(path): \(errors)")
        }
    }
}
