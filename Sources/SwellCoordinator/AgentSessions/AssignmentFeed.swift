internal import AsyncSupport
internal import Logging
internal import SwellEngine
internal import SwellModel
internal import SwellStore

/// Follows what agents should know (assignments, places) and hands it to the sessions. Each loop is
/// level-triggered: a signal makes it sooner, a failed read is made good by the next one.
struct AssignmentFeed: Sendable {
    let store: any AgentStore
    let hub: SessionHub
    let places: PlacementCache
    /// Sent when assignments may have changed.
    let changed: Signal
    let paces: AgentPort.Paces
    let tick: @Sendable () -> Tick
    let chance: @Sendable () -> Double
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await followAssignments() }
            group.addTask { await followPlaces() }
            group.addTask { await watchSilence() }
        }
    }

    private func followAssignments() async {
        var health = StoreHealth(what: "assignments", logger: logger)
        var cursor = ChangeCursor()
        repeat {
            do throws(StoreError) {
                while let query = cursor.next(now: tick(), sessions: await hub.clusters), !Task.isCancelled {
                    let term = cursor.term
                    let delivery = cursor.received(try await read(query))
                    if cursor.term != term {
                        logger.warning(
                            "the store went back to an earlier state: all sessions are looked at",
                            metadata: ["counter": "\(delivery.moment.counter)"])
                        // What agents said meanwhile is lost, and they do not know: they are asked how it all stands.
                        await hub.endAll(within: paces.regreeting, chance: chance)
                    }
                    await hub.deliver(delivery)
                }
                health.note(nil)
            } catch {
                cursor.failed()
                health.note(error)
            }
        } while await changed.wait(upTo: paces.poll.duration) != .cancelled
    }

    private func read(_ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        switch query {
        case .after(let cursor, let limit): try await store.assignments(changedAfter: cursor, limit: limit)
        case .of(let clusters): try await store.assignments(of: clusters)
        }
    }

    private func followPlaces() async {
        var health = StoreHealth(what: "places", logger: logger)
        while (try? await Task.sleep(for: paces.places.duration)) != nil {
            do throws(StoreError) {
                await hub.settle(in: try await places.refresh())
                health.note(nil)
            } catch {
                health.note(error)
            }
        }
    }

    private func watchSilence() async {
        while (try? await Task.sleep(for: paces.checks.duration)) != nil { await hub.endSilent(now: tick()) }
    }
}
