internal import BenchmarkBundle
internal import Foundation
internal import KubernetesClient
internal import KubernetesObjects

/// Measures a bundle's apply against `kubectl apply --server-side` on one API server, in turns.
///
/// Arguments: a kubeconfig, a kubectl, how many runs, and how many objects. kubectl's time is that of its process; ours is
/// that of an agent that runs already, with connections and discovery of its own for each run.
@main
enum ApplyBenchmark {
    private struct Times {
        var first: [Double] = []
        var again: [Double] = []

        static func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            let middle = sorted.count / 2
            return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        }
    }

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let runs = Int(arguments[3]), let count = Int(arguments[4]), runs > 0, count > 9
        else {
            print("usage: ApplyBenchmark KUBECONFIG KUBECTL RUNS OBJECTS")
            exit(2)
        }
        var kubectl = Times()
        var ours = Times()
        let folder = FileManager.default.temporaryDirectory.appending(path: "apply-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let suffix = UUID().uuidString.prefix(6).lowercased()
        for run in 1...runs {
            let theirs = BenchmarkBundle.objects(count, namespace: "kubectl-\(suffix)-\(run)")
            let manifest = folder.appending(path: "\(run).yaml")
            try Data(theirs.map { $0.json.yaml() }.joined(separator: "---\n").utf8).write(to: manifest)
            kubectl.first.append(try await time { try call(arguments[2], arguments[1], manifest) })
            kubectl.again.append(try await time { try call(arguments[2], arguments[1], manifest) })

            let api = try KubernetesAPI(connection: try Kubeconfig(path: arguments[1]).connection())
            do {
                let namespace = "swell-\(suffix)-\(run)"
                let objects = BenchmarkBundle.objects(count, namespace: namespace)
                ours.first.append(try await time { try await apply(objects, api, namespace, expecting: .created) })
                ours.again.append(try await time { try await apply(objects, api, namespace, expecting: .unchanged) })
            } catch {
                await api.shutdown()
                throw error
            }
            await api.shutdown()
        }
        print("\(count) objects, \(runs) runs, medians in seconds")
        report("first apply", kubectl.first, ours.first)
        report("nothing changed", kubectl.again, ours.again)
    }

    private static func report(_ what: String, _ theirs: [Double], _ ours: [Double]) {
        let (left, right) = (Times.median(theirs), Times.median(ours))
        print(
            "\(what): kubectl \(rounded(left)), swell \(rounded(right)), ratio \(rounded(right / left))"
                + "   kubectl \(theirs.map(rounded)), swell \(ours.map(rounded))")
    }

    private static func rounded(_ value: Double) -> String { String(format: "%.3f", value) }

    private static func time(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        let passed = start.duration(to: .now).components
        return Double(passed.seconds) + Double(passed.attoseconds) / 1e18
    }

    private static func call(_ program: String, _ kubeconfig: String, _ manifest: URL) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = [
            "apply", "--server-side", "--field-manager", "swell-benchmark", "--kubeconfig", kubeconfig, "-f",
            manifest.path,
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw KubernetesError(code: .refused, message: "kubectl ended with \(process.terminationStatus)")
        }
    }

    private static func apply(
        _ objects: [KubernetesObject], _ api: KubernetesAPI, _ namespace: String,
        expecting outcome: BundleProgress.Outcome
    ) async throws {
        var options = BundleOptions(
            fieldManager: "swell-benchmark", inventoryNamespace: "default", inventoryName: namespace,
            now: { KubernetesTime(seconds: Date().timeIntervalSince1970) })
        // kubectl does not wait for health either.
        options.waitsForHealth = false
        let result = try await BundleApplier(api: api, options: options).apply(objects)
        let others = result.objects.filter { $0.outcome != outcome }
        guard others.isEmpty else {
            throw KubernetesError(code: .refused, message: others.map(\.description).joined(separator: "\n"))
        }
    }
}
