internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Testing

@Suite struct PreviewTests {
    private static let change = ObjectChange(
        apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: "settings", action: .update,
        fields: [ChangedField(path: "data.a", before: "1", after: "2", managers: ["kubectl-edit"])])
    private static let answer = PreviewAnswer(objects: [change], unchanged: 3, omitted: 1)

    @Test(arguments: StoreForm.allCases)
    func aQuestionIsOpenUntilItsClusterHasAnsweredOnce(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let asked = try await store.askPreviews(
                of: Fixtures.reference("1.0"), application: Fixtures.shop, on: ["east-1", "west-1"],
                lifetime: .seconds(30))
            #expect(asked.map(\.cluster) == ["east-1", "west-1"])
            let open = try await store.openPreviews()
            #expect(open.map(\.id) == asked.map(\.id))
            #expect(open.allSatisfy { $0.release == Fixtures.reference("1.0") && $0.application == Fixtures.shop })
            #expect(open.allSatisfy { $0.timeLimit > .seconds(20) && $0.timeLimit <= .seconds(30) })

            let first = asked[0].id
            #expect(try await store.answerPreview(first, from: "west-1", Self.answer) == false, "another's question")
            #expect(try await store.answeredPreviews(asked.map(\.id)).isEmpty)
            #expect(try await store.answerPreview(first, from: "east-1", Self.answer))
            #expect(try await store.answerPreview(first, from: "east-1", PreviewAnswer()) == false, "answered already")
            #expect(try await store.openPreviews().map(\.cluster) == ["west-1"])
            #expect(try await store.answeredPreviews(asked.map(\.id)) == [first])
            #expect(try await store.previewAnswers(to: asked.map(\.id)) == [first: Self.answer])

            try await store.closePreviews(asked.map(\.id))
            #expect(try await store.openPreviews().isEmpty)
            #expect(try await store.previewAnswers(to: asked.map(\.id)).isEmpty)
            #expect(try await store.answerPreview(asked[1].id, from: "west-1", Self.answer) == false)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func aQuestionExpires(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let asked = try await store.askPreviews(
                of: Fixtures.reference("1.0"), application: Fixtures.shop, on: ["east-1"], lifetime: .milliseconds(1))
            try await eventually("it expires") { try await store.openPreviews().isEmpty }
            #expect(try await store.answerPreview(asked[0].id, from: "east-1", Self.answer) == false)
        }
    }

    @Test(arguments: StoreForm.allCases)
    func theDocumentsMayBeReadWhileTheQuestionIsOpen(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let digests = Fixtures.documents("1.0").map(\.digest)
            func mayRead(_ cluster: ClusterName) async throws -> [Bool] {
                var answers: [Bool] = []
                for digest in digests { answers.append(try await store.mayRead(digest, cluster: cluster)) }
                return answers
            }
            #expect(try await mayRead("east-1") == [false, false, false])
            let asked = try await store.askPreviews(
                of: Fixtures.reference("1.0"), application: Fixtures.shop, on: ["east-1"], lifetime: .seconds(30))
            #expect(try await mayRead("east-1") == [true, true, true])
            #expect(try await mayRead("east-2") == [false, false, false], "only the cluster that was asked")
            _ = try await store.answerPreview(asked[0].id, from: "east-1", Self.answer)
            #expect(try await mayRead("east-1") == [false, false, false])
        }
    }

    @Test(arguments: StoreForm.allCases)
    func tooManyOpenQuestionsAreRefused(form: StoreForm) async throws {
        try await form.run { store in
            try await Fixtures.fill(store)
            let many = [ClusterName](repeating: "east-1", count: 1_500)
            func ask() async throws(StoreError) {
                _ = try await store.askPreviews(
                    of: Fixtures.reference("1.0"), application: Fixtures.shop, on: many, lifetime: .seconds(60))
            }
            try await ask()
            let error = await expect(.refused) { () async throws(StoreError) in try await ask() }
            #expect(error?.message.contains("1500 previews are under way") == true)
            try await store.closePreviews(try await store.openPreviews().map(\.id))
            try await ask()
        }
    }
}
