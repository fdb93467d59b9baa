internal import BenchmarkBundle
internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects
internal import SwellLoad
internal import Synchronization

/// An apply of 200 objects, against the same requests sent by a client that does nothing else with the same connections.
enum B7: Figure {
    static let name = "B7"
    static let what = "an apply, against its bare requests"

    static func run(_ size: Size) async throws -> [FigureResult] {
        let count = size.of(check: 20, small: 200, full: 200)
        let runs = size.of(check: 1, small: 5, full: 15)
        return try await Stage.run { stage in
            try await stage.startSimulator(["apply"])
            let connection = try Kubeconfig(path: stage.kubeconfig("apply")).connection()
            let recorder = RecordingTransport(try KubernetesAPI(connection: connection).transport)
            let api = KubernetesAPI(transport: recorder)
            let other = try KubernetesAPI(connection: connection)
            let bare = BareRequests(transport: other.transport)
            var ours: [Double] = []
            var theirs: [Double] = []
            var isRight = true
            for run in 0...runs {
                recorder.forget()
                let namespace = "ours-\(run)"
                let start = ContinuousClock.now
                isRight =
                    try await apply(BenchmarkBundle.objects(count, namespace: namespace), api, namespace) && isRight
                let passed = (ContinuousClock.now - start) / .seconds(1)
                let requests = recorder.recorded
                let begin = ContinuousClock.now
                // Into another namespace, which is as new.
                isRight = try await bare.send(requests, replacing: namespace, by: "bare-\(run)") && isRight
                let bareTime = (ContinuousClock.now - begin) / .seconds(1)
                // The first of each reads discovery and opens connections.
                guard run > 0 || runs == 1 else { continue }
                ours.append(passed)
                theirs.append(bareTime)
            }
            let requests = recorder.recorded.count
            await api.shutdown()
            await other.shutdown()
            return [
                .ratio(
                    name, "\(count) objects", unit: "s", ours: .init(Samples(ours)), baseline: .init(Samples(theirs)),
                    goal: .atMost(1.3), isRight: isRight, notes: ["\(requests) requests an apply"])
            ]
        }
    }

    /// Whether all came to be.
    private static func apply(_ objects: [KubernetesObject], _ api: KubernetesAPI, _ name: String) async throws -> Bool
    {
        var options = BundleOptions(
            fieldManager: "swell-benchmark", inventoryNamespace: "default", inventoryName: name,
            now: { KubernetesTime(seconds: Date().timeIntervalSince1970) })
        options.waitsForHealth = false
        let result = try await BundleApplier(api: api, options: options).apply(objects)
        return result.objects.allSatisfy { $0.outcome == .created }
    }
}

/// Sends what another transport sends, and remembers it.
private final class RecordingTransport: KubernetesTransport {
    private let inner: any KubernetesTransport
    private let requests = Mutex<[KubernetesRequest]>([])

    init(_ inner: any KubernetesTransport) { self.inner = inner }

    var recorded: [KubernetesRequest] { requests.withLock { $0 } }
    func forget() { requests.withLock { $0 = [] } }

    func send(_ request: KubernetesRequest) async throws -> KubernetesResponse {
        requests.withLock { $0.append(request) }
        return try await inner.send(request)
    }

    func renewCredentials() async { await inner.renewCredentials() }
    func shutdown() async { await inner.shutdown() }
}

/// Sends requests over the transport alone, so many at a time, and reads the answers to their ends.
private struct BareRequests {
    let transport: any KubernetesTransport

    /// Whether each was answered as one that was understood.
    func send(_ requests: [KubernetesRequest], replacing name: String, by other: String) async throws -> Bool {
        let prepared = requests.map { request in
            var sent = request
            sent.path = request.path.replacing(name, with: other)
            sent.body = request.body.map {
                Array(String(decoding: $0, as: UTF8.self).replacing(name, with: other).utf8)
            }
            return sent
        }
        // The namespace comes before what is in it.
        let first = prepared.prefix { !$0.path.contains("/namespaces/\(other)/") }
        var isRight = true
        for request in first { isRight = try await send(request, other) && isRight }
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            for (index, request) in prepared.dropFirst(first.count).enumerated() {
                // As many as an apply has under way.
                if index >= BundleOptions.defaultConcurrency { isRight = try await group.next() == true && isRight }
                group.addTask { try await send(request, other) }
            }
            for try await isGood in group { isRight = isGood && isRight }
            return isRight
        }
    }

    private func send(_ request: KubernetesRequest, _ inventory: String) async throws -> Bool {
        let answer = try await transport.send(request)
        for try await _ in answer.body {}
        // What is not there yet is asked for as well. The inventory is written over a version, which is the other namespace's.
        let isInventory = request.path.hasSuffix("/configmaps/\(inventory)")
        return answer.status < 400 || request.body == nil && answer.status == 404
            || isInventory && answer.status == 409
    }
}
