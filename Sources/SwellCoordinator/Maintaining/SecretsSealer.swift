internal import Logging
internal import ServiceLifecycle
internal import SwellModel
package import SwellStore
internal import Synchronization

/// Sees that Secrets of releases are stored as the keys given say: seals what is in clear, brings what is under former keys under the one
/// that seals, and says what no key opens.
///
/// Every replica runs one; they take different rows, and the second finds nothing to do.
package final class SecretsSealer: Service {
    private let store: any SealingStore
    private let pace: Duration
    private let logger = Logger(label: "swell.secrets")
    private let lacking = Mutex<[String: Int]>([:])

    /// - Parameter pace: How long between two looks.
    package init(store: any SealingStore, pace: Duration = .seconds(600)) {
        self.store = store
        self.pace = pace
    }

    /// Why this replica cannot give every agent what it should run; nil where it can.
    package var problem: String? {
        let lacking = lacking.withLock { $0 }
        guard !lacking.isEmpty else { return nil }
        let keys = lacking.sorted { $0.key < $1.key }.prefix(5).map { "\($0.value) under \($0.key)" }
        return
            "documents of releases are sealed with keys that this replica was not given (\(keys.joined(separator: ", ")))"
    }

    /// The same for whoever asks without a token.
    package var unready: String? {
        problem == nil ? nil : "Secrets are sealed with a key that this replica was not given; see its log"
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            if self.store.openingKeys.isEmpty {
                self.logger.notice(
                    "no key for Secrets: those of releases are stored in clear",
                    metadata: ["advice": "make one by `swell-coordinator secrets prepare` and restart"])
            }
            while !Task.isCancelled {
                let isDone = await self.look()
                try? await Task.sleep(for: isDone ? self.pace : min(self.pace, .seconds(5)))
            }
        }
    }

    /// Looks once.
    package func look() async -> Bool {
        do throws(StoreError) {
            // First what it cannot do, which is what is waited for; then the work, which may take a while.
            note(try await store.sealingFacts())
            let pass = try await store.sealDocuments()
            if pass != SealingPass() {
                logger.info(
                    "looked at how Secrets are stored",
                    metadata: [
                        "examined": "\(pass.examined)", "sealed": "\(pass.sealed)", "rekeyed": "\(pass.rekeyed)",
                    ])
            }
            if let first = pass.damaged.first {
                logger.error(
                    "sealed documents do not open, though their key is known: they were changed, or moved from another row",
                    metadata: ["documents": "\(pass.damaged.count)", "first": "\(first)"])
            }
            return true
        } catch {
            if !Task.isCancelled { logger.notice("Secrets were not looked after", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    private func note(_ facts: SealingFacts) {
        let unreadable = facts.unreadable(with: store.openingKeys)
        let isNews = lacking.withLock { lacking in
            defer { lacking = unreadable }
            return lacking.keys.sorted() != unreadable.keys.sorted()
        }
        guard isNews else { return }
        guard let problem else { return logger.notice("every sealed document has its key") }
        logger.error(
            "\(problem)",
            metadata: [
                "given": "\(store.openingKeys.joined(separator: ", "))",
                "advice": "add them to the file of --secrets-key-file; agents wait for these releases until then",
            ])
    }
}
