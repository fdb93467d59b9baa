internal import KubernetesClient
internal import KubernetesObjects
internal import KubernetesTesting
internal import Testing

/// What the operator sees on the screen when an API server refuses one object of three, through the real binaries.
@Suite(.serialized) struct RefusalScenarios {
    private static let clusters = (0..<10).map { "use1-\($0)" }

    /// Every cluster at once, and none for another's failure: each is judged by itself.
    private static let documents = """
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: web}
        spec: {namespace: shop}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: waves}
        spec:
          stages:
            - {name: all, select: {regions: [us-east-1]}, maxConcurrent: 100%, failureBudget: 100, soak: 0s}
          minHealthyTime: 1s
          progressDeadline: 60s
          onFailure: {action: rollback, scope: cluster}
        """

    /// Applied in this order, each after the one before.
    private static func three(_ image: String) -> String {
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: first}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: broken}
        data: {a: b}
        ---
        \(Documents.manifests(image: image).split(separator: "\n---\n")[0])
        """
    }

    private func prepare(_ fleet: Fleet) async throws {
        try await fleet.apply(Self.documents)
        let first = String(Documents.manifests(image: "web:1.0.0").split(separator: "\n---\n")[0])
        try await fleet.release("web", "1.0.0", manifests: first)
        try await fleet.release("web", "2.0.0", manifests: Self.three("web:2.0.0"))
        try await fleet.start("1.0.0", name: "first")
        try await fleet.rollout("first", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
    }

    private func order(_ row: FailingAnswer, on cluster: String, _ fleet: Fleet) async throws {
        let headers = row.headers.flatMap { ["--header", "\($0.key): \($0.value)"] }
        try await fleet.fault(
            ["answer", "\(row.status)", "--method", "PATCH", "--name", "broken", "--body", row.body] + headers,
            cluster: cluster)
    }

    /// The words of a text, whatever lies between them.
    private func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    private func expect(_ row: FailingAnswer, in text: String, _ place: String) {
        let said = words(text)
        for part in ["v1 ConfigMap shop/broken: "] + row.told + (row.word.map { ["\($0): "] } ?? []) {
            #expect(said.contains(words(part)), "\(place) of \(row) lacks '\(part)': \(text)")
        }
        #expect(said.contains("(1 skipped: Deployment web)"), "\(place) of \(row): \(text)")
    }

    @Test func theOperatorSeesObjectFieldAndMessageAndThePreviousReleaseRuns() async throws {
        try await withFleet(["us-east-1": Self.clusters]) { fleet in
            try await prepare(fleet)
            // Every cluster has one each time, or it would take the release.
            let missing = Self.clusters.count - FailingAnswer.lasting.count % Self.clusters.count
            var rows = (FailingAnswer.lasting + FailingAnswer.lasting.prefix(missing))[...]
            var round = 0
            while !rows.isEmpty {
                round += 1
                let pairs = Array(zip(Self.clusters, rows))
                rows = rows.dropFirst(pairs.count)
                for (cluster, row) in pairs { try await order(row, on: cluster, fleet) }
                try await refuse(pairs, "refused-\(round)", fleet)
                for (cluster, _) in pairs { try await fleet.fault(["answer", "none"], cluster: cluster) }
            }
            try await pass(fleet)
        }
    }

    /// Starts a rollout that each of these clusters refuses for a reason of its own.
    private func refuse(_ pairs: [(String, FailingAnswer)], _ name: String, _ fleet: Fleet) async throws {
        try await fleet.start("2.0.0", name: name)
        let status = try await fleet.rollout(name, "ended") { $0["isEnded"]?.boolValue == true }
        let screen = try await fleet.swell("rollout", "get", name).output
        let described = try await fleet.swell("describe", "rollout", name).output
        let brief = try await fleet.swell("rollout", "status", name)
        #expect(brief.code == 1)
        let watched = try await fleet.swell("rollout", "watch", name)
        #expect(watched.code == 1)
        for (cluster, row) in pairs {
            let target = try #require(targets(status).first { $0["cluster"]?.stringValue == cluster })
            #expect(target["phase"]?.stringValue == "rolledBack", "\(row): \(target)")
            #expect(target["release"]?.stringValue == "1.0.0", "\(row): \(target)")
            expect(row, in: target["reason"]?.stringValue ?? "", "JSON")
            for (text, place) in [
                (screen, "get"), (described, "describe"), (brief.output, "status"), (watched.output, "watch"),
            ] {
                let line = text.split(separator: "\n").first { $0.contains("\(cluster) ") && $0.contains("rolledBack") }
                expect(row, in: line.map(String.init) ?? "", place)
            }
            try await expectThePrevious(on: cluster, fleet)
        }
        #expect(screen.contains("next: mend it in a new release, or"), "\(screen)")
    }

    private func expectThePrevious(on cluster: String, _ fleet: Fleet) async throws {
        try await fleet.withAPI(cluster) { api in
            let web = try await api.get(ObjectReference("apps/v1", "Deployment", "web", in: "shop"))
            #expect(web?.generation == 1, "\(cluster): the Deployment was written")
            let images = web?.spec?["template"]?["spec"]?["containers"]?.arrayValue?.map { $0["image"]?.stringValue }
            #expect(images == ["web:1.0.0"], "\(cluster)")
            #expect(try await api.get(ObjectReference("v1", "ConfigMap", "broken", in: "shop")) == nil, "\(cluster)")
            #expect(
                try await api.get(ObjectReference("v1", "ServiceAccount", "first", in: "shop")) == nil,
                "\(cluster) keeps what the refused release brought")
        }
    }

    /// Starts a rollout that each cluster puts off for a while, and sees it through.
    private func pass(_ fleet: Fleet) async throws {
        let pairs = Array(zip(Self.clusters, FailingAnswer.passing))
        for (cluster, row) in pairs { try await order(row, on: cluster, fleet) }
        try await fleet.start("2.0.0", name: "patient")
        for (cluster, row) in pairs {
            let told = row.told + (row.word.map { ["\($0): "] } ?? [])
            try await eventually("\(row) to be on the screen", within: .seconds(15)) {
                let screen = try await fleet.swell("rollout", "get", "patient").output
                let line = screen.split(separator: "\n").first { $0.contains("\(cluster) ") } ?? ""
                let isWaiting = line.contains("applying") || line.contains("unknown")
                return isWaiting && told.allSatisfy { line.contains($0) } ? true : nil
            } orDescribe: {
                try await fleet.swell("rollout", "get", "patient").output
            }
        }
        for (cluster, _) in pairs { try await fleet.fault(["answer", "none"], cluster: cluster) }
        let ended = try await fleet.rollout("patient", "succeeded") { $0["phase"]?.stringValue == "succeeded" }
        let isFirstTry = targets(ended).allSatisfy { $0["attempts"]?.intValue == 1 }
        #expect(isFirstTry, "a cluster was reissued what it was doing already: \(ended)")
    }
}
