public import KubernetesObjects

/// A change to the faults of some clusters: what it names changes, the rest stays.
public struct FaultOrder: Sendable, Hashable {
    /// What to do with the plan.
    public enum Change: Sendable, Hashable {
        /// Nothing is wrong any more.
        case clear
        /// The API server is away, or (nil) back.
        case outage(FaultPlan.Outage?)
        /// Every answer is held back by so many seconds, 0 to 3600.
        case latency(Double)
        /// A share of requests fails; nil for none.
        case errors(FaultPlan.Errors?)
        /// Pods of matching images behave so; `healthy` overrules what an image's tag says.
        case image(FaultPlan.ImageFault)
        /// Some requests get this answer, in place of an earlier one for the same requests; nil ends all such answers.
        case answer(FaultPlan.Answer?)
    }

    /// The clusters meant; empty for all.
    public var clusters: [String]
    /// What changes.
    public var change: Change

    /// Creates an order.
    public init(clusters: [String] = [], change: Change) {
        self.clusters = clusters
        self.change = change
    }

    /// A plan as this order leaves it.
    public func changing(_ plan: FaultPlan) -> FaultPlan {
        var result = plan
        switch change {
        case .clear: result = .none
        case .outage(let outage): result.outage = outage
        case .latency(let seconds): result.latency = seconds
        case .errors(let errors): result.errors = errors
        case .image(let fault):
            result.images.removeAll { $0.contains == fault.contains }
            result.images.insert(fault, at: 0)
        case .answer(nil): result.answers = []
        case .answer(let answer?):
            result.answers.removeAll { $0.requests == answer.requests }
            result.answers.insert(answer, at: 0)
        }
        return result
    }

    /// Reads an order: `{"clusters": […], "change": "outage", "outage": "refuse"}`.
    ///
    /// - Throws: ``SimulatorError`` when it is malformed; the message says what would be right.
    public init(json: JSONValue) throws(SimulatorError) {
        func bad(_ text: String) -> SimulatorError { SimulatorError(code: .invalidInput, message: text) }
        clusters = json["clusters"]?.arrayValue?.compactMap(\.stringValue) ?? []
        switch json["change"]?.stringValue {
        case "clear": change = .clear
        case "outage":
            guard let text = json["outage"]?.stringValue, text != "none" else {
                change = .outage(nil)
                return
            }
            guard let outage = FaultPlan.Outage(rawValue: text) else {
                throw bad("outage is \"\(text)\"; it can be refuse, hang, reset or none")
            }
            change = .outage(outage)
        case "latency":
            guard let seconds = json["seconds"]?.doubleValue, (0...3600).contains(seconds) else {
                throw bad("latency wants seconds from 0 to 3600")
            }
            change = .latency(seconds)
        case "errors":
            guard let rate = json["rate"]?.doubleValue, (0...1).contains(rate) else {
                throw bad("errors want a rate from 0 to 1")
            }
            let status = json.int("status") ?? 503
            guard [429, 500, 503, 504].contains(status) else {
                throw bad("errors have status 429, 500, 503 or 504, not \(status)")
            }
            change = .errors(rate == 0 ? nil : FaultPlan.Errors(rate: rate, status: status))
        case "image":
            guard let text = json["contains"]?.stringValue, !text.isEmpty,
                let behaviour = json["behaviour"]?.stringValue.flatMap(FaultPlan.Behaviour.init)
            else {
                let names = FaultPlan.Behaviour.allCases.map(\.rawValue).joined(separator: ", ")
                throw bad("an image fault wants a text to look for and a behaviour: \(names)")
            }
            change = .image(FaultPlan.ImageFault(contains: text, behaviour: behaviour))
        case "answer":
            change = .answer(
                try json["answer"].map { value throws(SimulatorError) in try FaultPlan.Answer(json: value) })
        case let other:
            throw bad(
                "change is \"\(other ?? "")\"; it can be clear, outage, latency, errors, image or answer")
        }
    }

    /// The form that ``init(json:)`` reads.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["clusters": .array(clusters.map { .string($0) })]
        switch change {
        case .clear: members["change"] = "clear"
        case .outage(let outage):
            members["change"] = "outage"
            members["outage"] = .string(outage?.rawValue ?? "none")
        case .latency(let seconds):
            members["change"] = "latency"
            members["seconds"] = .number(seconds)
        case .errors(let errors):
            members["change"] = "errors"
            members["rate"] = .number(errors?.rate ?? 0)
            members["status"] = .integer(Int64(errors?.status ?? 503))
        case .image(let fault):
            members["change"] = "image"
            members["contains"] = .string(fault.contains)
            members["behaviour"] = .string(fault.behaviour.rawValue)
        case .answer(let answer):
            members["change"] = "answer"
            members["answer"] = answer?.json
        }
        return .object(members)
    }
}

extension FaultPlan {
    /// The plan as the control endpoint shows it.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "outage": .string(outage?.rawValue ?? "none"), "latency": .number(latency),
            "images": .array(
                images.map {
                    ["contains": .string($0.contains), "behaviour": .string($0.behaviour.rawValue)]
                }),
            "answers": .array(answers.map { .object($0.summary) }),
        ]
        if let errors {
            members["errors"] = ["rate": .number(errors.rate), "status": .integer(Int64(errors.status))]
        }
        return .object(members)
    }
}
