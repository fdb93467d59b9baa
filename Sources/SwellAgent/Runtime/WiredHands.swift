internal import AsyncSupport
internal import SwellEngine
internal import SwellModel
internal import SwellProtocol

/// What stands in a wired agent where others have cluster, cache and previewer.
struct WiredHands: Sendable {
    let worker: any AgentWorker
    let board: ApplicationOrders
    let inbox: Mailbox<MachineEvent>
    let wanted: Mailbox<ContentDigest>
    let content: WiredAgent.Content
    let documents: any DocumentSource
    let journal: JournalView
    let previews: PreviewQueue
    let outbox: Outbox
    let chance: @Sendable () -> Double

    /// Has orders carried out: one at a time for each application, a newer one ending the older. Runs until cancelled.
    func serve() async {
        await withDiscardingTaskGroup { group in
            while let application = await board.newcomers.receive() {
                group.addTask { await serve(application) }
            }
        }
    }

    private func serve(_ application: ApplicationName) async {
        guard let slot = await board.slot(of: application) else { return }
        let inbox = inbox
        var order = await slot.next()
        while let current = order {
            order = await withDiscardingTaskGroup { group in
                if let action = AgentAction(current) {
                    group.addTask { await worker.carryOut(action) { await inbox.send($0) } }
                }
                let next = await slot.next()
                group.cancelAll()
                return next
            }
        }
    }

    /// Sees that releases are at hand, one after the other. Runs until cancelled.
    func fetch() async {
        /// What was given to the closure; an agent with a disk would have it.
        var known: Set<ContentDigest> = []
        while let digest = await wanted.receive() {
            var backoff = Backoff(base: .milliseconds(500), ceiling: .seconds(15))
            while !Task.isCancelled {
                do {
                    if case .fetched(let take) = content, !known.contains(digest) {
                        try await fetch(digest, &known, take)
                    }
                    await inbox.send(.contentPresent(digest))
                    break
                } catch let error as AgentError where error.code == .contentUnavailable {
                    await inbox.send(.contentUnavailable(digest, message: error.description))
                    break
                } catch {
                    guard await journal.journal.referredDigests.contains(digest) else { break }
                    try? await Task.sleep(for: backoff.next(chance: chance()))
                }
            }
        }
    }

    private func fetch(
        _ release: ContentDigest, _ known: inout Set<ContentDigest>,
        _ take: @escaping @Sendable (ContentDocument) async -> Void
    ) async throws {
        let index = LatestValue<ContentDocument>()
        try await documents.fetch([release]) { document in
            index.send(document)
            await take(document)
        }
        guard let index = index.take() else { return }
        let bundle: Bundle
        do {
            bundle = try Bundle(content: index.content)
        } catch {
            throw AgentError(
                .contentUnavailable, "the index of release \(release.short) cannot be understood", cause: error)
        }
        let lacking = Set(bundle.documents).subtracting(known).sorted()
        if !lacking.isEmpty { try await documents.fetch(lacking) { await take($0) } }
        known.formUnion(lacking)
        known.insert(release)
    }

    /// Says to each question that there is nothing to look at. Runs until cancelled.
    func answerPreviews() async {
        for await question in previews.stream {
            previews.forget(question.id)
            outbox.put(.failed("Unrenderable", "there is no API server behind this agent"), to: question.id)
        }
    }
}

extension AgentAction {
    /// An order to the cluster's side; nil where there is nothing to do.
    fileprivate init?(_ order: ClusterOrder) {
        switch order {
        case .idle: return nil
        case .giveUp(let work): self = .giveUp(work)
        case .apply(let work, _): self = .apply(work)
        case .remove(let work, _): self = .remove(work)
        case .watch(let work, let drift, _): self = .watch(work, drift)
        }
    }
}
