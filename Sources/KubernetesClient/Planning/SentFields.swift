internal import KubernetesObjects

/// Tells changes to what an applier sends of an object from changes that admission makes beside it. Pure.
enum SentFields {
    /// Whether a change is to a value that is sent, or that the applier owns from before.
    ///
    /// - Parameters:
    ///   - sent: What is sent.
    ///   - change: From the live object to what the server would make of it.
    static func isConcerned(
        _ sent: KubernetesObject, by change: FieldChange, of live: KubernetesObject, _ ledger: FieldLedger,
        manager: String
    ) -> Bool {
        let place = FieldPolicy.counterpart(of: change.path, in: live.json, sent.json)
        if let value = place.flatMap({ sent.value(at: $0) }) { return differs(change.before, change.after, value) }
        // What others put into a map that is sent as a whole goes with the map.
        if ledger.isInsideWhole(change.path) { return true }
        switch ledger.owner(of: change.path, beside: manager) {
        case .ours, .shared: return true
        case .nobody, .others: return false
        }
    }

    /// Whether two values differ in something of what is sent. Elements of lists are found by their names; where they have
    /// none, the whole list is what is sent.
    private static func differs(_ before: JSONValue?, _ after: JSONValue?, _ sent: JSONValue) -> Bool {
        if before == after { return false }
        switch (before, after, sent) {
        case (.object(let old), .object(let new), .object(let members)):
            return members.contains { differs(old.exactly($0.key), new.exactly($0.key), $0.value) }
        case (.array(let old), .array(let new), .array(let elements)):
            guard elements.allSatisfy({ $0["name"] != nil }) else { return true }
            return elements.contains { element in
                func named(_ list: [JSONValue]) -> JSONValue? { list.first { $0["name"] == element["name"] } }
                return differs(named(old), named(new), element)
            }
        default: return true
        }
    }
}
