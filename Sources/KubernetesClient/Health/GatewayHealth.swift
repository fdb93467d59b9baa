internal import KubernetesObjects

/// The rules of Gateway API: several controllers share a status, each condition says which generation it is about, and only what the
/// object still refers to counts.
enum GatewayHealth {
    static let group = "gateway.networking.k8s.io"

    /// Accepted means that a controller is willing; traffic flows once it is programmed.
    static func gateway(_ object: KubernetesObject) -> HealthAssessment {
        let own = Condition.all(in: object)
        for type in ["Accepted", "Programmed"] {
            guard let condition = own.first(where: { $0.type == type }) else {
                return HealthAssessment(.progressing, "not \(type.lowercased()) yet")
            }
            let assessment = judge(condition, of: object, "")
            // Of its listeners the one at fault says more than the gateway that has none.
            guard assessment.value != .healthy else { continue }
            return listeners(object).flatMap { $0.value < .progressing ? $0 : nil } ?? assessment
        }
        return listeners(object) ?? HealthAssessment(.healthy)
    }

    private static func listeners(_ object: KubernetesObject) -> HealthAssessment? {
        let wanted = Set((object.spec?["listeners"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue })
        var worst: HealthAssessment?
        for listener in object.status?["listeners"]?.arrayValue ?? [] {
            let name = listener["name"]?.stringValue ?? "?"
            guard wanted.contains(name) else { continue }
            for condition in (listener["conditions"]?.arrayValue ?? []).map({ Condition($0) }) {
                guard ["Accepted", "Programmed", "ResolvedRefs"].contains(condition.type) else { continue }
                let assessment = judge(condition, of: object, "listener \(name)")
                if assessment.value != .healthy, assessment.value < worst?.value ?? .healthy { worst = assessment }
            }
        }
        return worst
    }

    static func gatewayClass(_ object: KubernetesObject) -> HealthAssessment {
        Condition.find("Accepted", in: object).map { judge($0, of: object, "") }
            ?? HealthAssessment(.progressing, "not accepted yet")
    }

    /// A route is as well as the worst of the parents that it refers to; what a former one said is nobody's concern.
    static func route(_ object: KubernetesObject) -> HealthAssessment {
        let parents = object.status?["parents"]?.arrayValue ?? []
        var worst = HealthAssessment(.healthy)
        for wanted in (object.spec?["parentRefs"]?.arrayValue ?? []).map({ Parent($0, of: object) }) {
            let entries = parents.filter { Parent($0["parentRef"] ?? .null, of: object) == wanted }
            let conditions = entries.flatMap { $0["conditions"]?.arrayValue ?? [] }.map { Condition($0) }
            let telling = conditions.filter { ["Accepted", "ResolvedRefs"].contains($0.type) }
            var found = telling.map { judge($0, of: object, wanted.label) }
            if !telling.contains(where: { $0.type == "Accepted" }) {
                let advice =
                    "where its controller never says so, make a release with a check of its own for \(object.kind) in the application"
                found.append(HealthAssessment(.progressing, "\(wanted.label) has not taken it up yet; \(advice)"))
            }
            for assessment in found where assessment.value < worst.value { worst = assessment }
        }
        return worst
    }

    /// A policy is as well as the worst of what it is attached to, at the present generation. What it names is not what its status is by,
    /// so that an entry of an earlier generation counts only where there is no other: it may be of what it was on before. Nil where no
    /// entry is there.
    static func ancestors(_ object: KubernetesObject) -> HealthAssessment? {
        let told = (object.status?["ancestors"]?.arrayValue ?? []).flatMap { entry in
            (entry["conditions"]?.arrayValue ?? []).map { json in
                (who: Parent(entry["ancestorRef"] ?? .null, of: object).label, condition: Condition(json))
            }
        }.filter { ["Accepted", "ResolvedRefs", "Programmed"].contains($0.condition.type) }
        let present = told.filter { !$0.condition.isStale(for: object) }
        let found = (present.isEmpty ? told : present).map { judge($0.condition, of: object, $0.who) }
        return found.min { $0.value < $1.value }
    }

    private static func judge(_ condition: Condition, of object: KubernetesObject, _ who: String) -> HealthAssessment {
        let prefix = who.isEmpty ? "" : "\(who): "
        if condition.isStale(for: object), let observed = condition.observedGeneration {
            let teller = who.isEmpty ? "its controller" : who
            return HealthAssessment(
                .progressing, "\(teller) has seen generation \(observed) of \(object.generation ?? 0)")
        }
        if condition.isTrue { return HealthAssessment(.healthy) }
        let isPending = !condition.isFalse || condition.reason == "Pending"
        let text = condition.reason.isEmpty ? "\(condition.type)=\(condition.status)" : condition.text
        return HealthAssessment(isPending ? .progressing : .degraded, "\(prefix)not \(condition.type): \(text)")
    }

    /// What a route refers to, with what is left out filled in.
    private struct Parent: Hashable {
        let group: String
        let kind: String
        let namespace: String
        let name: String
        let section: String?
        let port: Int64?

        init(_ json: JSONValue, of route: KubernetesObject) {
            self.group = json["group"]?.stringValue ?? GatewayHealth.group
            self.kind = json["kind"]?.stringValue ?? "Gateway"
            self.namespace = json["namespace"]?.stringValue ?? route.namespace ?? ""
            self.name = json["name"]?.stringValue ?? "?"
            self.section = json["sectionName"]?.stringValue
            self.port = json["port"]?.intValue
        }

        var label: String {
            let listener = section.map { " listener \($0)" } ?? ""
            return "\(kind.lowercased()) \(name)\(listener)"
        }
    }
}
