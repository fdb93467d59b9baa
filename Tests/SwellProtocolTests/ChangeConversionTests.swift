internal import KubernetesObjects
internal import SwellModel
internal import SwiftProtobuf
internal import Testing

@testable internal import SwellProtocol

@Suite struct ChangeConversionTests {
    static let change = ObjectChange(
        apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web", action: .update,
        message: "adopted",
        fields: [
            ChangedField(path: "spec.replicas", before: 2, after: nil, managers: ["kubectl-edit"]),
            ChangedField(path: "data[\"a.conf\"]", before: nil, after: .string("one\ntwo")),
            ChangedField(path: "spec.template", before: ["a": [1, true]], after: ["a": "b"]),
        ], omittedFields: 3)
    static let release = ReleaseReference(version: "1.4.2", digest: ContentDigest(of: [1]))

    private func overTheWire(_ event: AgentEvent) throws -> AgentEvent {
        let bytes: [UInt8] = try Swell_V1_AgentMessage(event).serializedBytes()
        return try AgentEvent(Swell_V1_AgentMessage(serializedBytes: bytes))
    }

    @Test(arguments: ObjectChange.Action.allCases) func changesReadBackWhateverTheAction(action: ObjectChange.Action)
        throws
    {
        var change = Self.change
        change.action = action
        let part = PreviewPart(
            id: 4, objects: [change, ObjectChange(apiVersion: "v1", kind: "Node", name: "n", action: .keep)])
        #expect(try overTheWire(.previewPart(part)) == .previewPart(part))
    }

    @Test func driftReadsBackWithItsReport() throws {
        var report = AgentEventTests.report
        report.drift = DriftReport(
            foundAt: Timestamp(milliseconds: 1_800_000_000_123), isCorrected: true, objects: [Self.change], omitted: 2,
            contention: "changed again by 'x' 5 times in 60 s")
        #expect(try overTheWire(.report(id: 1, [report])) == .report(id: 1, [report]))
        report.drift = DriftReport(foundAt: Timestamp(milliseconds: 5), isCorrected: false, objects: [])
        #expect(try overTheWire(.report(id: 1, [report])) == .report(id: 1, [report]))
    }

    @Test func aQuestionReadsBack() throws {
        let question = PreviewQuestion(id: 7, application: "shop", release: Self.release, timeLimit: .seconds(30))
        let bytes: [UInt8] = try Swell_V1_CoordinatorMessage(.previewRequested(question)).serializedBytes()
        let read = try CoordinatorEvent(Swell_V1_CoordinatorMessage(serializedBytes: bytes), cluster: "east-1")
        #expect(read == .previewRequested(question))
    }

    @Test func anAnswerGoesInPiecesAndIsPutTogetherAgain() throws {
        let long = String(repeating: "x", count: 9_000)
        let objects = (0..<25).map { index in
            ObjectChange(
                apiVersion: "v1", kind: "ConfigMap", name: "c\(index)", action: .create,
                fields: [ChangedField(path: "data.a", before: nil, after: .string(long))])
        }
        let answers = [
            PreviewAnswer(objects: objects, unchanged: 3, omitted: 1), PreviewAnswer(unchanged: 2),
            .failed("Busy", "the agent has other previews to answer"),
        ]
        for answer in answers {
            let parts = PreviewPart.parts(of: answer, to: 9)
            #expect(parts.count == (answer.objects.isEmpty ? 1 : 4))
            var assembler = PreviewAssembler()
            var complete: [PreviewAnswer] = []
            for part in parts {
                guard case .previewPart(let read) = try overTheWire(.previewPart(part)) else { continue }
                let size = try Swell_V1_AgentMessage(.previewPart(part)).serializedBytes() as [UInt8]
                #expect(size.count < 2 * WireLimits.previewPart)
                if let answer = try assembler.add(read) { complete.append(answer) }
            }
            #expect(complete == [answer])
        }
    }

    @Test func anAnswerThatIsTooLargeIsRefused() throws {
        let object = ObjectChange(
            apiVersion: "v1", kind: "ConfigMap", name: "c", action: .create,
            fields: [ChangedField(path: "data.a", before: nil, after: .string(String(repeating: "x", count: 60_000)))])
        var assembler = PreviewAssembler()
        let error = #expect(throws: WireError.self) {
            for _ in 0..<10 { _ = try assembler.add(PreviewPart(id: 1, objects: [object])) }
        }
        #expect(error?.code == .tooLarge)
        var many = PreviewAssembler()
        let tooMany = #expect(throws: WireError.self) {
            for id in 1...20 { _ = try many.add(PreviewPart(id: Int64(id), objects: [])) }
        }
        #expect(tooMany?.path == "preview_part.preview_id")
    }

    @Test func namesAsLongAsKubernetesAllowsReadBackWhole() throws {
        let long = String(repeating: "a", count: 253)
        let change = ObjectChange(
            apiVersion: "\(long)/v1alpha1", kind: "Widget", namespace: String(repeating: "n", count: 63), name: long,
            action: .create)
        let part = PreviewPart(id: 1, objects: [change])
        #expect(try overTheWire(.previewPart(part)) == .previewPart(part))
    }

    @Test func driftBeyondTheLimitsIsRefused() throws {
        func refusal(_ objects: [ObjectChange]) throws -> WireError? {
            var report = AgentEventTests.report
            report.drift = DriftReport(foundAt: Timestamp(milliseconds: 5), isCorrected: false, objects: objects)
            let message = Swell_V1_AgentMessage(.report(id: 1, [report]))
            return #expect(throws: WireError.self) { try AgentEvent(message) }
        }
        let at = "status_report.statuses[0].drift.objects"
        #expect(try refusal(Array(repeating: Self.change, count: 17))?.path == at)
        var wide = Self.change
        wide.fields = Array(repeating: Self.change.fields[0], count: 9)
        #expect(try refusal([wide])?.path == "\(at)[0].fields")
        var large = Self.change
        large.fields = [ChangedField(path: "a", before: nil, after: .string(String(repeating: "x", count: 70_000)))]
        #expect(try refusal([large])?.code == .tooLarge)
    }

    private func refusal(_ change: (inout Swell_V1_ObjectChange) -> Void) -> WireError? {
        var message = Swell_V1_AgentMessage(.previewPart(PreviewPart(id: 4, objects: [Self.change])))
        change(&message.previewPart.objects[0])
        return #expect(throws: WireError.self) { try AgentEvent(message) }
    }

    @Test func aWrongFieldIsNamedByItsPath() {
        let at = "preview_part.objects[0]"
        #expect(refusal { $0.kind = "" }?.path == "\(at).kind")
        #expect(refusal { $0.name = "" }?.path == "\(at).name")
        #expect(refusal { $0.action = .unspecified }?.code == .missingField)
        #expect(refusal { $0.message = "two\nlines" }?.path == "\(at).message")
        #expect(refusal { $0.omittedFields = -1 }?.path == "\(at).omitted_fields")
        #expect(refusal { $0.fields[1].after = "{" }?.path == "\(at).fields[1]")
        #expect(refusal { $0.fields[0].path = "" }?.path == "\(at).fields[0].path")
        #expect(refusal { $0.fields[0].managers = Array(repeating: "x", count: 9) }?.code == .tooLarge)
        let deep = String(repeating: "[", count: 5_000) + String(repeating: "]", count: 5_000)
        #expect(refusal { $0.fields[0].before = deep }?.code == .invalidValue)
    }
}
