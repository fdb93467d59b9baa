internal import Foundation
internal import Testing

/// The annotations that are read, against those that people are told of.
@Suite struct AnnotationTests {
    @Test func eachAnnotationThatIsReadIsDescribedAndNoOther() throws {
        let repository = Repository()
        let object = try repository.text("Sources/KubernetesClient/Planning/ObjectAnnotations.swift")
        var read = Set(object.matches(of: /\\\(prefix\)\/([a-z-]+)/).map { "swell.dev/\($0.output.1)" })
        let model = try repository.text("Sources/SwellModel/Rendering/PlainReferences.swift")
        read.formUnion(model.matches(of: /"(swell\.dev\/[a-z-]+)"/).map { String($0.output.1) })
        #expect(read.count > 10)
        let table = try repository.text("Sources/SwellModel/Documents/AnnotationDescription.swift")
        #expect(Set(table.matches(of: /name: "(swell\.dev\/[a-z-]+)"/).map { String($0.output.1) }) == read)
        let page = try repository.text("Sources/SwellModel/SwellModel.docc/Annotations.md")
        #expect(Set(page.matches(of: /\| `(swell\.dev\/[a-z-]+)` \|/).map { String($0.output.1) }) == read)
    }
}
