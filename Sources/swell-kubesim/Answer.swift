internal import ArgumentParser
internal import Foundation
internal import KubernetesSimulator

extension Fault {
    /// Orders an answer in the API servers' place.
    struct Answer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an answer of your own to some requests: a status, or none to end all such answers.",
            discussion: """
                The requests are those to which all of --method, --path, --name and --dry-runs apply. An order for the same \
                requests replaces the earlier one. With --message the body is the Status that an API server would send.

                swell-kubesim fault answer 422 --method PATCH --name web --reason Invalid --message "no" --kubeconfig-dir DIR
                """)

        @Argument(help: "The HTTP status, 200 to 599, or none.") var status: String
        @Option(help: "The requests' method, such as PATCH.") var method: String?
        @Option(help: "The requests' path, without query; one that ends in * is the beginning of others.")
        var path: String?
        @Option(help: "The name of the object that the requests' path leads to.") var name: String?
        @Option(help: "Whether dry runs are meant: included, only or excluded.") var dryRuns = "included"
        @Option(help: "How many requests get it; without it, all until none is ordered.") var times: Int?
        @Option(help: "A header, as NAME: VALUE; may be repeated.") var header: [String] = []
        @Option(help: "The message of a Status body.") var message: String?
        @Option(help: "The reason of a Status body, such as Forbidden; goes with --message.") var reason: String?
        @Option(help: "The body as it is sent, at most 64 KiB.") var body: String?
        @Option(help: "A file with the body.") var bodyFile: String?
        @OptionGroup var target: Target

        func validate() throws {
            if status != "none", Int(status).map({ (200...599).contains($0) }) != true {
                throw ValidationError("the status is \(status); it is a number from 200 to 599, or none")
            }
            let isChosen = method != nil || path != nil || name != nil
            if status != "none", !isChosen {
                throw ValidationError("say with --method, --path or --name which requests get the answer")
            }
            if [message, body, bodyFile].count(where: { $0 != nil }) > 1 {
                throw ValidationError("give one of --message, --body and --body-file")
            }
            if reason != nil, message == nil { throw ValidationError("--reason goes with --message") }
            guard FaultPlan.Answer.DryRuns(rawValue: dryRuns) != nil else {
                throw ValidationError("--dry-runs is \(dryRuns); it can be included, only or excluded")
            }
        }

        func run() async throws {
            guard let code = Int(status) else { return try await target.send(.answer(nil)) }
            let requests = FaultPlan.Answer.Requests(
                method: method?.uppercased(), path: path, name: name,
                dryRuns: FaultPlan.Answer.DryRuns(rawValue: dryRuns) ?? .included)
            let headers = try headers()
            if let message {
                return try await target.send(
                    .answer(
                        .init(
                            to: requests, status: code, reason: reason, message: message, headers: headers,
                            times: times)))
            }
            let text = try body ?? bodyFile.map(Self.read) ?? ""
            try await target.send(
                .answer(.init(to: requests, status: code, headers: headers, body: text, times: times)))
        }

        private func headers() throws -> [String: String] {
            var result: [String: String] = [:]
            for text in header {
                guard let colon = text.firstIndex(of: ":") else {
                    throw ValidationError("--header is '\(text)'; write NAME: VALUE")
                }
                let value = text[text.index(after: colon)...].drop { $0 == " " }
                result[String(text[..<colon])] = String(value)
            }
            return result
        }

        private static func read(_ path: String) throws -> String {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ValidationError("the body's file \(path) cannot be read")
            }
            guard data.count <= FaultPlan.Answer.bodyLimit, let text = String(data: data, encoding: .utf8) else {
                throw ValidationError(
                    "the body's file \(path) has to be UTF-8 of at most \(FaultPlan.Answer.bodyLimit) bytes")
            }
            return text
        }
    }
}
