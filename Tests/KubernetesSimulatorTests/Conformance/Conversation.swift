internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// A conversation with one API server, written as requests and the facts of their answers.
///
/// A request is a method and a target, with a body in YAML. A fact is one of
///
///     201                              the answer's status
///     spec.replicas = 2                a member's value, in JSON
///     message ~ not found              a part of a member's text
///     metadata.uid ?                   a member that is there
///     spec.nodeName !                  a member that is not
///
/// where a path goes through `[2]` (a place), `[name=web]` (the item that has it), `["a.b/c"]` (a key with dots) and
/// `#` (how many there are).
struct Conversation {
    var cluster: TestCluster
    /// The last answer's body.
    private(set) var answer: JSONValue = .null

    init(timing: ClusterState.Timing = ClusterState.Timing()) { cluster = TestCluster(timing: timing) }

    /// Sends a request and checks its answer. A body that is a PATCH without another type is applied by `swell`.
    mutating func ask(
        _ request: String, _ body: String? = nil, type: String? = nil, facts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let words = request.split(separator: " ", maxSplits: 1).map(String.init)
        var target = words[1]
        var type = type ?? "application/json"
        if words[0] == "PATCH", type == "application/json" {
            type = "application/apply-patch+yaml"
            if !target.contains("fieldManager") { target += (target.contains("?") ? "&" : "?") + "fieldManager=swell" }
        }
        let value: JSONValue?
        do {
            value = try body.map { try YAMLReader.document(in: $0).root.json }
        } catch {
            Issue.record("the body of \(request) is no YAML: \(error)", sourceLocation: sourceLocation)
            return
        }
        let (status, answer) = cluster.send(words[0], target, value, type: type)
        self.answer = answer
        for fact in facts {
            let problem = Fact.problem(fact, status: status, body: answer)
            #expect(problem == nil, "\(request): \(fact): \(problem ?? "")", sourceLocation: sourceLocation)
        }
    }

    /// Asks and checks nothing but that the server agreed.
    mutating func tell(
        _ request: String, _ body: String? = nil, type: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        ask(request, body, type: type, facts: ["2xx"], sourceLocation: sourceLocation)
    }

    mutating func namespace(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
        tell("POST /api/v1/namespaces", "{metadata: {name: \(name)}}", sourceLocation: sourceLocation)
    }

    mutating func pass(_ seconds: Double) { cluster.run(seconds: seconds) }
}

/// One line about an answer.
enum Fact {
    /// What is wrong with an answer; nil when the fact holds.
    static func problem(_ fact: String, status: Int, body: JSONValue) -> String? {
        if fact == "2xx" {
            return (200..<300).contains(status) ? nil : "\(status) \(body["message"]?.serialized() ?? "")"
        }
        if let wanted = Int(fact) {
            return status == wanted ? nil : "the status is \(status) \(body["message"]?.serialized() ?? "")"
        }
        let words = fact.split(separator: " ", maxSplits: 2).map(String.init)
        let found = value(at: words[0], in: body)
        let shown = found?.serialized() ?? "(absent)"
        switch words.count > 1 ? words[1] : "" {
        case "?": return found == nil ? "absent" : nil
        case "!": return found == nil ? nil : shown
        case "~":
            let text = found?.stringValue ?? shown
            return text.contains(words.count > 2 ? words[2] : "") ? nil : shown
        case "=":
            guard let wanted = try? JSONValue(parsing: words.count > 2 ? words[2] : "") else { return "no JSON" }
            return found == wanted ? nil : shown
        default: return "no fact"
        }
    }

    static func value(at path: String, in body: JSONValue) -> JSONValue? {
        var current: JSONValue? = body
        for step in steps(path) {
            switch step {
            case "#":
                current = (current?.arrayValue?.count ?? current?.objectValue?.count).map { .integer(Int64($0)) }
            case let place where place.hasPrefix("[") && place.contains("="):
                let sides = place.dropFirst().dropLast().split(separator: "=", maxSplits: 1).map(String.init)
                current = current?.arrayValue?.first { item in
                    (item[sides[0]]?.stringValue ?? item[sides[0]]?.serialized() ?? "") == sides[1]
                }
            case let place where place.hasPrefix("[\""): current = current?[String(place.dropFirst(2).dropLast(2))]
            case let place where place.hasPrefix("["):
                current = Int(place.dropFirst().dropLast()).flatMap { current?[$0] }
            default: current = current?[step]
            }
        }
        return current
    }

    private static func steps(_ path: String) -> [String] {
        var result: [String] = []
        var word = ""
        var isInside = false
        for character in path {
            switch character {
            case "." where !isInside:
                if !word.isEmpty { result.append(word) }
                word = ""
            case "[" where !isInside:
                if !word.isEmpty { result.append(word) }
                word = "["
                isInside = true
            case "]" where isInside:
                result.append(word + "]")
                word = ""
                isInside = false
            default: word.append(character)
            }
        }
        if !word.isEmpty { result.append(word) }
        return result
    }
}

/// Manifests that many conversations begin with.
enum Sample {
    /// A Deployment called `web` whose container is `main`.
    static func deployment(
        image: String = "nginx:1.25", replicas: Int? = 2, annotations: String? = nil, strategy: String? = nil
    ) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {app: web}\(annotations.map { ", annotations: \($0)" } ?? "")}
        spec:
          \(replicas.map { "replicas: \($0)" } ?? "")
          \(strategy.map { "strategy: \($0)" } ?? "")
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - {name: main, image: \(image), ports: [{containerPort: 8080}]}
        """
    }

    static func configMap(_ data: String, name: String = "shared", labels: String? = nil) -> String {
        let labels = labels.map { ", labels: \($0)" } ?? ""
        return "{apiVersion: v1, kind: ConfigMap, metadata: {name: \(name)\(labels)}, data: \(data)}"
    }
}
