internal import KubernetesClient
internal import KubernetesObjects
internal import Testing

@testable internal import SwellAgent

@Suite struct ApplyReasonTests {
    private func object(
        _ name: String, _ outcome: BundleProgress.Outcome, _ message: String = "", reason: String? = nil
    ) -> BundleProgress {
        let type = GroupVersionKind(version: "v1", kind: "ConfigMap")
        return BundleProgress(
            reference: ObjectReference(type: type, namespace: "shop", name: name), outcome: outcome, message: message,
            reason: reason)
    }

    private func message(_ objects: [BundleProgress]) -> String {
        ApplyReason.message(for: objects[0], in: BundleResult(objects: objects, inventory: Inventory()))
    }

    @Test func culpritAndOthersAreNamed() {
        let culprit = object("a", .failed, "no")
        #expect(message([culprit]) == "v1 ConfigMap shop/a: no")
        #expect(
            message([culprit, object("b", .skipped), object("c", .created)])
                == "v1 ConfigMap shop/a: no (1 skipped: ConfigMap b)")
        let rest = ["c", "d", "e", "f"].map { object($0, .skipped) }
        #expect(
            message([culprit, object("b", .failed)] + rest)
                == "v1 ConfigMap shop/a: no (1 more failed: ConfigMap b; 4 skipped: ConfigMap c, ConfigMap d, ConfigMap e …)"
        )
    }

    @Test func ofEachThatFailedIsToldWhy() {
        let said = "PATCH /api/v1/namespaces/shop/configmaps/b: .data.a: expected string, got 1"
        #expect(
            message([object("a", .failed, "no"), object("b", .failed, said)])
                == "v1 ConfigMap shop/a: no (1 more failed: ConfigMap b: .data.a: expected string, got 1)")
        let typed =
            "PATCH /x: failed to create typed patch object (shop/a; v1, Kind=ConfigMap): .data.a: expected string"
        #expect(ApplyReason.word(for: object("a", .failed, typed)) == "Invalid")
    }

    @Test func aLongMessageLosesItsMiddleAndNeverWhatWasSkipped() {
        let name = String(repeating: "n", count: 253)
        let value = String(repeating: "\"x\":null,", count: 1_000)
        let culprit = object(name, .failed, "PATCH /x: Job is invalid: spec.template: \(value): field is immutable")
        let text = message([culprit] + (0..<9).map { object("\(name)\($0)", .skipped) })
        #expect(text.unicodeScalars.count <= ApplyReason.limit)
        #expect(text.hasPrefix("v1 ConfigMap shop/\(name): PATCH /x: Job is invalid: spec.template: "))
        #expect(text.contains(" … "))
        #expect(text.contains(": field is immutable (9 skipped: ConfigMap nnn"))
        #expect(text.hasSuffix("8 …)") || text.hasSuffix("2 …)"), "\(text)")
    }

    @Test func theServersOwnWordGoesBeforeOneFoundInItsMessage() {
        #expect(ApplyReason.word(for: object("a", .failed, "env MyError: no", reason: "Invalid")) == "Invalid")
        #expect(ApplyReason.word(for: object("a", .failed, "pod p: ErrImagePull")) == "ErrImagePull")
        #expect(ApplyReason.word(for: object("a", .failed, "no")) == "ApplyFailed")
    }
}
