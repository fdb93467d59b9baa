internal import Hummingbird
internal import KubernetesObjects
internal import ShownText
internal import SwellModel
internal import SwellStore

/// Releases: made from manifests, listed, looked at.
struct ReleaseEndpoints: Sendable {
    let store: any Store
    let reading: RequestReading
    var secrets = SecretsHandling()

    func add(to group: RouterGroup<ConsoleContext>) {
        group.post("applications/:name/releases") { request, context in
            let name: ApplicationName = try context.name("name", "application")
            let body = try await reading.body(
                ReleaseRequest.self, of: request,
                fields: ["version", "commit", "message", "files", "dryRun", "literal"])
            let view = try await create(name, body, by: context.actor)
            return Response(json: view, status: body.dryRun == true ? .ok : .created)
        }
        group.get("applications/:name/releases") { request, context in
            let application = try await store.application(context.name("name", "application"))
            let releases = try await store.releaseListing(of: application.name, limit: request.limit(standard: 100))
            return Response(json: releases.view { ReleaseView($0) })
        }
        group.get("applications/:name/releases/:version") { _, context in
            let name: ApplicationName = try context.name("name", "application")
            let text = context.parameters.get("version") ?? ""
            let version = text.removingPercentEncoding ?? text
            return Response(json: ReleaseView(try await store.existingRelease(of: name, version: version)))
        }
        group.get("applications/:name/releases/:version/contents") { _, context in
            let name: ApplicationName = try context.name("name", "application")
            let text = context.parameters.get("version") ?? ""
            let release = try await store.existingRelease(of: name, version: text.removingPercentEncoding ?? text)
            return Response(json: try await contents(of: release))
        }
    }

    /// Which objects a release has; their values, which may be secret, stay where they are.
    private func contents(of release: Release) async throws -> ReleaseContentsView {
        func document(_ digest: ContentDigest) async throws -> [UInt8] {
            guard let content = try await store.document(digest) else {
                throw Problem.notFound("a document of release '\(release.reference.version)' is no longer stored")
            }
            return content
        }
        let bundle = try Bundle(content: await document(release.reference.digest))
        var documents: [[UInt8]] = []
        for digest in bundle.documents { documents.append(try await document(digest)) }
        return try ReleaseContentsView(bundle, documents: documents)
    }

    private func create(
        _ name: ApplicationName, _ request: ReleaseRequest, by actor: String
    ) async throws -> ReleaseView {
        guard Self.isVersion(request.version) else {
            throw Problem.invalid(
                "'\(request.version.prefix(80))' is not a version: use letters, digits, '.', '-', '_' and '+', at most 63"
            )
        }
        guard (request.message ?? "").utf8.count <= 4_096, (request.commit ?? "").utf8.count <= 256 else {
            throw Problem.invalid("the message may have 4096 bytes and the commit 256")
        }
        for (what, text) in [("message", request.message), ("commit", request.commit)] {
            if let problem = text.flatMap(PlainText.problem) { throw Problem.invalid("the \(what) \(problem)") }
        }
        let application = try await store.application(name)
        let assembled = try ReleaseAssembler.assemble(
            application, from: request.files, isLiteral: request.literal == true)
        let carried = SecretContent.names(in: assembled)
        try checkSecrets(carried, application)
        try await checkRendering(assembled, application)
        let release = Release(
            application: name, reference: ReleaseReference(version: request.version, digest: assembled.digest),
            createdBy: actor, createdAt: try await store.now(), commit: request.commit, message: request.message,
            objectCount: assembled.objectCount, size: assembled.size)
        let stored: Release
        if request.dryRun == true {
            if let taken = try await store.release(of: name, version: request.version),
                taken.reference.digest != assembled.digest
            {
                throw StoreError.versionTaken(release, by: taken.reference.digest)
            }
            stored = release
        } else {
            stored = try await store.createRelease(release, documents: assembled.documents)
        }
        // Told when the document was applied, too; the fleet may have changed since.
        let selections = DocumentSet(applications: [Located(application, file: "", line: 0)]).selectionWarnings(
            knownClusters: try await store.clusterListing().items.map(\.cluster))
        var warnings =
            (assembled.warnings + selections.prefix(DocumentErrors.maximumCount).map(\.withoutPlace)).map(\.description)
        if !carried.isEmpty, !secrets.areSealed {
            warnings.append(
                "the values of \(carried.count == 1 ? carried[0] : "\(carried.count) Secrets") are stored in clear: the coordinator "
                    + "has no key for Secrets (--secrets-key-file)")
        }
        warnings += SecretContent.parameters(in: assembled).prefix(DocumentErrors.maximumCount).map {
            SecretContent.warning(of: $0.parameter, in: $0.secret)
        }
        return ReleaseView(stored, warnings: warnings.isEmpty ? nil : warnings)
    }

    /// Whoever refuses has the last word, the application or the coordinator.
    private func checkSecrets(_ names: [String], _ application: SwellModel.Application) throws(Problem) {
        guard !names.isEmpty else { return }
        if secrets.policy == .refuse {
            throw .invalid(SecretContent.refusal(of: names, because: "the coordinator refuses Secrets in releases"))
        }
        if application.secrets == .refuse {
            throw .invalid(
                SecretContent.refusal(of: names, because: "application '\(application.name)' says secrets: refuse"))
        }
    }

    /// Renders for one cluster of each kind of place, so that what would fail in some region is told now.
    private func checkRendering(_ release: AssembledRelease, _ application: SwellModel.Application) async throws {
        let contents = Dictionary(release.documents.map { ($0.digest, $0.content) }) { first, _ in first }
        let renderer = ReleaseRenderer(release.bundle)
        var seen: Set<[String]> = []
        var errors: [ModelError] = []
        for cluster in try await store.clusters().map(\.cluster) where application.select.matches(cluster) {
            let overrides = application.overrides.indices.filter { application.overrides[$0].match.matches(cluster) }
            let place = overrides.map(String.init) + ["-"] + cluster.labels.keys.sorted()
            guard seen.insert(place).inserted else { continue }
            do throws(ModelError) {
                let objects = try renderer.render(for: cluster) { contents[$0] }
                // Parameters and patches may have put words in that no manifest has.
                for object in objects {
                    errors += AnnotationWords.findings(in: object).map { finding in
                        ModelError(
                            code: .invalidValue,
                            message:
                                "on cluster '\(cluster.name)': \(object.kind) \(object.name): \(finding.message)")
                    }
                }
            } catch {
                var placed = error
                placed.message = "on cluster '\(cluster.name)': \(error.message)"
                errors.append(placed)
            }
        }
        guard errors.isEmpty else { throw DocumentErrors(Array(errors.prefix(DocumentErrors.maximumCount))) }
    }

    private static func isVersion(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 63 else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || ".-_+".utf8.contains($0) }
    }
}

extension Request {
    /// The `limit` of a list, from 1 to 1000.
    func limit(standard: Int) throws(Problem) -> Int {
        guard let text = uri.queryParameters.get("limit") else { return standard }
        guard let limit = Int(text), (1...1_000).contains(limit) else {
            throw Problem.malformed("limit is '\(text.prefix(40))'; write a number from 1 to 1000")
        }
        return limit
    }
}
