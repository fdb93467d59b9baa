internal import AsyncSupport
internal import SwellAgent
package import SwellEngine
package import SwellModel
internal import Synchronization

/// A cluster that is only played: what an agent orders takes as long, and comes out, as the script says.
package final class ScriptedCluster: AgentWorker {
    private struct State {
        /// What became ready here and was not replaced since: watched again, it is healthy at once.
        var ready: [ApplicationName: ContentDigest] = [:]
        var wakers: [ApplicationName: Signal] = [:]
        var script: LoadScript
    }

    private let cluster: ClusterName
    private let state: Mutex<State>

    package init(_ cluster: ClusterName, script: LoadScript) {
        self.cluster = cluster
        self.state = Mutex(State(script: script))
    }

    /// What is begun from now on goes by this script.
    package func follow(_ script: LoadScript) { state.withLock { $0.script = script } }

    /// Has each application whose release is watched say a word of its own accord: somebody changed an object, which was put back.
    package func speak() {
        for waker in state.withLock({ Array($0.wakers.values) }) { waker.send() }
    }

    package func carryOut(_ order: AgentAction, say: @escaping @Sendable (AgentEvent) async -> Void) async {
        switch order {
        case .apply(let work): await apply(work, say)
        case .remove(let work):
            state.withLock { $0.ready[work.application] = nil }
            await say(.workFinished(work))
        case .watch(let work, _): await watch(work, say)
        default: break
        }
    }

    private func apply(_ work: AgentWork, _ say: @escaping @Sendable (AgentEvent) async -> Void) async {
        let digest = work.release?.digest
        let script = state.withLock { state in
            if state.ready[work.application] != digest { state.ready[work.application] = nil }
            return state.script
        }
        guard await passes(script.applyTime(of: digest, on: cluster)) else { return }
        if !work.isReturn, script.fails(digest, on: cluster) {
            await say(
                .workFailed(
                    work, WorkFailure(isTransient: false, reason: "Scripted", message: "it is to fail on \(cluster)")))
        } else {
            await say(.workFinished(work))
        }
    }

    private func watch(_ work: AgentWork, _ say: @escaping @Sendable (AgentEvent) async -> Void) async {
        let digest = work.release?.digest
        let waker = Signal()
        let (isReady, script) = state.withLock { state in
            state.wakers[work.application] = waker
            return (digest != nil && state.ready[work.application] == digest, state.script)
        }
        if !isReady {
            await say(.healthObserved(work, ObservedHealth(.progressing)))
            guard await passes(script.readyTime(of: digest, on: cluster)) else { return }
            state.withLock { $0.ready[work.application] = digest }
        }
        await say(.healthObserved(work, ObservedHealth(.healthy)))
        while await waker.wait() != .cancelled, !Task.isCancelled {
            let changed = ObjectChange(
                apiVersion: "v1", kind: "ConfigMap", namespace: "load", name: "settings", action: .update)
            await say(.driftObserved(work, DriftFinding(objects: [changed], isCorrected: true)))
        }
    }

    /// Waits; false where it was cancelled meanwhile.
    private func passes(_ interval: Interval) async -> Bool {
        guard interval > .zero else { return !Task.isCancelled }
        return (try? await Task.sleep(for: interval.duration)) != nil
    }
}
