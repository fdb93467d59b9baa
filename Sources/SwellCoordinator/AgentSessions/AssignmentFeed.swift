internal import AsyncSupport
internal import Logging
internal import SwellModel
internal import SwellStore

/// Follows what agents should know (assignments, places, denials) and hands it to the sessions. Each loop is
/// level-triggered: a signal makes it sooner, a failed read is made good by the next one.
struct AssignmentFeed: Sendable {
    let store: any AgentStore & TokenStore
    let hub: SessionHub
    let places: PlacementCache
    /// Sent when assignments may have changed.
    let changed: Signal
    let paces: AgentPort.Paces
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// How many certificates are looked at in one question to the store.
    private static let denialBatch = 1_000

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await followAssignments() }
            group.addTask { await followPlaces() }
            group.addTask { await watchSessions() }
        }
    }

    private func followAssignments() async {
        var health = StoreHealth(what: "assignments", logger: logger)
        // From the beginning: what a session has already from its own full list, it leaves out.
        var cursor: Int64 = 0
        repeat {
            do throws(StoreError) {
                let changes = try await store.assignments(changedAfter: cursor)
                cursor = changes.cursor
                if !changes.assignments.isEmpty { await hub.deliver(changes.assignments) }
                health.note(nil)
            } catch {
                health.note(error)
            }
        } while await changed.wait(upTo: paces.poll.duration) != .cancelled
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

    private func watchSessions() async {
        var health = StoreHealth(what: "denials", logger: logger)
        while (try? await Task.sleep(for: paces.checks.duration)) != nil {
            await hub.end(expiredAt: now())
            await hub.end(silentSince: now() - paces.silenceLimit)
            var rest = await hub.serials[...]
            do throws(StoreError) {
                while !rest.isEmpty {
                    let batch = Array(rest.prefix(Self.denialBatch))
                    rest = rest.dropFirst(batch.count)
                    let denied = try await store.denied(among: batch)
                    if !denied.isEmpty { await hub.end(denied: denied) }
                }
                health.note(nil)
            } catch {
                health.note(error)
            }
        }
    }
}
