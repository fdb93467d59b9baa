internal import Foundation
internal import KubernetesObjects
internal import Testing

@testable internal import SwellModel

/// What `swell explain` says of fields, held against the parser.
@Suite struct FieldDescriptionTests {
    /// A field with its way from the top of a document.
    struct Place: Sendable, CustomTestStringConvertible {
        let kind: DocumentKind
        let way: [FieldDescription]
        var testDescription: String { kind.rawValue + way.map { ".\($0.name)" }.joined() }
    }

    static let places: [Place] = DocumentKind.allCases.flatMap { kind -> [Place] in
        func below(_ shape: DocumentShape, _ way: [FieldDescription]) -> [Place] {
            shape.fields.flatMap { field -> [Place] in
                let way = way + [field]
                return [Place(kind: kind, way: way)] + (field.shape.map { below($0, way) } ?? [])
            }
        }
        return below(kind.shape, []).filter { $0.way.count > 1 }
    }

    /// A value that no field of this type takes.
    private func wrong(_ field: FieldDescription) -> JSONValue {
        if field.type.hasPrefix("[]") || field.type == "list" { return "no list" }
        if field.shape != nil || field.type.hasPrefix("map") || field.type == "mapping" { return [1] }
        return ["no": "value"]
    }

    @Test(arguments: places) func eachFieldThatIsDescribedIsRead(place: Place) throws {
        var value = wrong(try #require(place.way.last))
        var path = ""
        for field in place.way.reversed() {
            let isList = field.type.hasPrefix("[]") && field.name != place.way.last?.name
            value = .object([field.name: isList ? .array([value]) : value])
            path = ".\(field.name)\(isList ? "[0]" : "")\(path)"
        }
        var document = value
        document["apiVersion"] = .string(DocumentKind.apiVersion)
        document["kind"] = .string(place.kind.rawValue)
        if place.way[0].name == "metadata", place.way.last?.name != "name" { document["metadata"]?["name"] = "x" }
        if document["metadata"] == nil { document["metadata"] = ["name": "x"] }
        if document["spec"] == nil {
            document["spec"] = place.kind == .cluster ? ["region": "r", "environment": "e"] : .object([:])
        }
        let wanted = String(path.dropFirst())
        let error = #expect(throws: DocumentErrors.self) {
            try DocumentReader.read([SourceFile(name: "x.yaml", content: document.serialized())])
        }
        let found = error?.errors.filter { $0.path == wanted || $0.path?.hasPrefix("\(wanted).") == true } ?? []
        let isRefused = found.contains { $0.code != .missingField && $0.code != .unknownField }
        // Labels are for clusters only, and the others say so.
        let isOther = place.way.last?.name == "labels" && place.way.count == 2 && place.kind != .cluster
        #expect(isRefused || isOther && !found.isEmpty, "\(wanted): \(error?.description ?? "")")
    }

    @Test func eachAnnotationIsToldWithTheWordsThatItMaySay() throws {
        let told = Dictionary(uniqueKeysWithValues: AnnotationDescription.all.map { ($0.name, $0.values) })
        #expect(Set(told.keys) == Set(AnnotationWords.forms.keys.map { AnnotationWords.prefix + $0 }))
        for (name, form) in AnnotationWords.forms {
            guard case .word(let words) = form else { continue }
            let values = try #require(told[AnnotationWords.prefix + name]).split(separator: ", ").map(String.init)
            #expect(Set(values) == Set(words), "\(name)")
        }
    }

    @Test func thePageOfAnnotationsSaysWhatExplainSays() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/SwellModel/SwellModel.docc/Annotations.md")
        let page = try String(contentsOf: file, encoding: .utf8)
        for annotation in AnnotationDescription.all {
            let row = "| `\(annotation.name)` | \(annotation.values) | \(annotation.standard) | \(annotation.text) |"
            #expect(page.contains(row), "\(row)")
        }
        #expect(AnnotationDescription.all.map(\.name) == AnnotationDescription.all.map(\.name).sorted())
    }

    @Test(arguments: [
        ("rolout", ["rollout", "rollback"], "rollout"), ("lsit", ["last", "list"], "list"),
        ("cluster-21", ["cluster-12", "cluster-33"], "cluster-12"), ("--polcy", ["--policy", "--name"], "--policy"),
    ])
    func whatWasMeantIsFound(word: String, candidates: [String], meant: String) {
        #expect(Spelling.nearest(to: word, among: candidates) == meant)
    }
}
