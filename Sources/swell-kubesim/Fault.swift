internal import ArgumentParser
internal import AsyncHTTPClient
internal import Foundation
internal import KubernetesObjects
internal import KubernetesSimulator
internal import NIOCore
internal import NIOHTTP1

/// Orders faults in running clusters.
struct Fault: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Order faults in the clusters of a running swell-kubesim.",
        subcommands: [Outage.self, Latency.self, Errors.self, Image.self, Answer.self, Clear.self, Show.self])

    /// What every subcommand wants to know.
    struct Target: ParsableArguments {
        @Option(help: "The kubeconfig directory of the running swell-kubesim.")
        var kubeconfigDir: String

        @Option(help: "A cluster; may be repeated. Without it, all are meant.")
        var cluster: [String] = []

        func send(_ change: FaultOrder.Change) async throws {
            let order = FaultOrder(clusters: cluster, change: change)
            try await request("POST", "/faults", body: order.json.serialized())
        }

        func request(_ method: String, _ path: String, body: String?) async throws {
            let file = FleetFiles(directory: kubeconfigDir).controlFile
            guard let data = try? Data(contentsOf: file), let control = try? JSONValue(parsing: data),
                let url = control["url"]?.stringValue, let token = control["token"]?.stringValue
            else {
                throw ValidationError("no running swell-kubesim has written \(file.path)")
            }
            var request = HTTPClientRequest(url: url + path)
            request.method = .init(rawValue: method)
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
            if let body { request.body = .bytes(ByteBuffer(string: body)) }
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            let answer = try await response.body.collect(upTo: 1 << 20)
            let value = try JSONValue(parsing: Array(answer.readableBytesView))
            guard response.status == .ok else {
                throw ValidationError(value["error"]?.stringValue ?? "the control endpoint answered \(response.status)")
            }
            print(value.serialized(pretty: true))
        }
    }

    struct Outage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take API servers away: refuse, hang, reset, or none.")
        @Argument(help: "refuse, hang, reset, or none to bring them back.") var kind: String
        @OptionGroup var target: Target

        func run() async throws {
            guard kind != "none" else { return try await target.send(.outage(nil)) }
            guard let outage = FaultPlan.Outage(rawValue: kind) else {
                throw ValidationError("an outage is refuse, hang, reset or none, not \(kind)")
            }
            try await target.send(.outage(outage))
        }
    }

    struct Latency: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Hold back every answer.")
        @Argument(help: "Seconds, 0 to 3600.") var seconds: Double
        @OptionGroup var target: Target

        func run() async throws { try await target.send(.latency(seconds)) }
    }

    struct Errors: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a share of requests fail.")
        @Option(help: "The share, 0 to 1; 0 ends it.") var rate: Double
        @Option(help: "429, 500, 503 or 504.") var status = 503
        @OptionGroup var target: Target

        func run() async throws {
            try await target.send(.errors(rate == 0 ? nil : FaultPlan.Errors(rate: rate, status: status)))
        }
    }

    struct Image: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let pods of matching images behave in a way.")
        @Argument(help: "A text that the image's reference contains.") var contains: String
        @Argument(help: "healthy, crashloop, flapping, pullerror, slow or never-ready.") var behaviour: String
        @OptionGroup var target: Target

        func run() async throws {
            guard let named = FaultPlan.Behaviour(rawValue: behaviour) else {
                let names = FaultPlan.Behaviour.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("a behaviour is one of \(names), not \(behaviour)")
            }
            try await target.send(.image(FaultPlan.ImageFault(contains: contains, behaviour: named)))
        }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End all faults.")
        @OptionGroup var target: Target

        func run() async throws { try await target.send(.clear) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the clusters and the faults in force.")
        @OptionGroup var target: Target

        func run() async throws { try await target.request("GET", "/clusters", body: nil) }
    }
}
