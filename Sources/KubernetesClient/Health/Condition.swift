internal import KubernetesObjects

/// One entry of `status.conditions`.
struct Condition {
    let type: String
    let status: String
    let reason: String
    let message: String
    let lastTransition: KubernetesTime?
    /// The generation that it speaks of, where it says so itself.
    let observedGeneration: Int64?
    /// What tells whether it was set again since.
    let stamp: Stamp

    /// All of a condition but its words, which change while it stands. Times are compared with themselves alone.
    struct Stamp: Sendable, Hashable {
        var status: String?
        var reason: String?
        var updated: String?
        var changed: String?
        var observedGeneration: Int64?
    }

    init(_ json: JSONValue) {
        self.type = json["type"]?.stringValue ?? ""
        self.status = json["status"]?.stringValue ?? "Unknown"
        self.reason = json["reason"]?.stringValue ?? ""
        self.message = json["message"]?.stringValue ?? ""
        self.lastTransition = json["lastTransitionTime"]?.stringValue.flatMap(KubernetesTime.init(parsing:))
        self.observedGeneration = json["observedGeneration"]?.intValue
        self.stamp = Stamp(
            status: json["status"]?.stringValue, reason: json["reason"]?.stringValue,
            updated: json["lastUpdateTime"]?.stringValue, changed: json["lastTransitionTime"]?.stringValue,
            observedGeneration: observedGeneration)
    }

    var isTrue: Bool { status == "True" }
    var isFalse: Bool { status == "False" }

    /// Reason and message as one text; the condition itself where it has neither.
    var text: String {
        switch (reason.isEmpty, message.isEmpty) {
        case (false, false): "\(reason): \(message)"
        case (false, true): reason
        case (true, false): message
        case (true, true): "\(type)=\(status)"
        }
    }

    static func all(in object: KubernetesObject) -> [Condition] {
        (object.status?["conditions"]?.arrayValue ?? []).map { Condition($0) }
    }

    static func find(_ type: String, in object: KubernetesObject) -> Condition? {
        all(in: object).first { $0.type == type }
    }

    /// Whether it speaks of an earlier generation of its object, and so is evidence of nothing.
    func isStale(for object: KubernetesObject) -> Bool {
        guard let observedGeneration, let generation = object.generation else { return false }
        return observedGeneration != generation
    }
}
