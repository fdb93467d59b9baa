internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol
internal import Synchronization

/// Answers what releases would change, one question at a time and apart from all orders: it holds up no apply and no rollback.
struct Previewer: Sendable {
    let cluster: any ClusterPort
    let content: ReleaseContent
    let source: any DocumentSource
    let placement: PlacementFile
    let questions: PreviewQueue
    /// What was proven here.
    let journal: JournalView
    let outbox: Outbox
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        for await question in questions.stream {
            let answer = await answer(question)
            questions.forget(question.id)
            outbox.put(answer, to: question.id)
            guard let failure = answer.failure else { continue }
            logger.info(
                "a preview has no answer",
                metadata: [
                    "application": "\(question.application)", "version": "\(question.release.version)",
                    "reason": "\(failure.reason): \(failure.message)",
                ])
        }
    }

    /// The answer, or why there is none, within the time that it is waited for.
    private func answer(_ question: PreviewQuestion) async -> PreviewAnswer {
        await withTaskGroup(of: PreviewAnswer?.self) { group in
            group.addTask { await preview(question) }
            group.addTask {
                try? await Task.sleep(for: question.timeLimit.duration)
                return nil
            }
            defer { group.cancelAll() }
            if let answer = await group.next() ?? nil { return answer }
            return .failed("Late", "the API server did not answer everything within \(question.timeLimit)")
        }
    }

    private func preview(_ question: PreviewQuestion) async -> PreviewAnswer {
        do {
            try await fetch(question.release.digest)
            let (bundle, objects) = try await content.render(question.release.digest, for: placement.place())
            guard bundle.application.name == question.application else {
                return .failed("Unrenderable", "the release is one of application '\(bundle.application.name)'")
            }
            let proven = await journal.journal.applications[question.application]?.proven ?? []
            return try await cluster.preview(
                ClusterRelease(
                    application: bundle.application, release: question.release, generation: 0, epoch: 0,
                    objects: objects, wasProven: proven.contains { $0.digest == question.release.digest }))
        } catch {
            let failure = ClusterDriver.failure(of: error)
            return .failed(failure.reason, failure.message)
        }
    }

    /// Brings what is lacking: first the index, then what it names.
    private func fetch(_ release: ContentDigest) async throws {
        while true {
            let lacking = try await content.lacking(release)
            if lacking.isEmpty { return }
            let cache = content.cache
            try await source.fetch(lacking) { try await cache.store($0) }
        }
    }
}

/// Questions that wait for their turn. Bounded: one that finds the queue full is refused, and the asker is told.
final class PreviewQueue: Sendable {
    /// Questions that wait, beside the one that is being answered.
    static let capacity = 4

    /// For one receiver.
    let stream: AsyncStream<PreviewQuestion>
    private let continuation: AsyncStream<PreviewQuestion>.Continuation
    /// Those that wait or are being answered: asked again in a new session, they are not answered twice.
    private let pending = Mutex<Set<Int64>>([])

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.capacity))
    }

    /// Puts a question in; false where there is no room.
    func offer(_ question: PreviewQuestion) -> Bool {
        pending.withLock { pending in
            guard pending.insert(question.id).inserted else { return true }
            if case .enqueued = continuation.yield(question) { return true }
            pending.remove(question.id)
            return false
        }
    }

    func forget(_ id: Int64) { _ = pending.withLock { $0.remove(id) } }
}
