internal import KubernetesObjects

/// What is asked for by a claim that has grown: no server lets it shrink. Pure.
enum ClaimSize {
    static let path = FieldPath([.key("spec"), .key("resources"), .key("requests"), .key("storage")])

    /// The live request that is sent in place of a smaller one; nil where the wanted one may be sent.
    ///
    /// Between what a claim has and what it asks for in vain, a server lets it be lowered: that is how one gives up a growth that fails.
    static func kept(of wanted: KubernetesObject, _ live: KubernetesObject) -> JSONValue? {
        guard wanted.type.groupKind == GroupKind(kind: "PersistentVolumeClaim"),
            let current = live.value(at: path), let size = wanted.value(at: path).flatMap(bytes),
            let asked = bytes(current), size < asked
        else { return nil }
        if let capacity = live.status?["capacity"]?["storage"].flatMap(bytes), size > capacity { return nil }
        return current
    }

    /// Whether another size is sent than the manifest has.
    static func isKept(_ object: KubernetesObject, _ sent: KubernetesObject) -> Bool {
        object.type.groupKind == GroupKind(kind: "PersistentVolumeClaim") && object.value(at: path) != nil
            && object.value(at: path) != sent.value(at: path)
    }

    private static let powers: [String: Double] = [
        "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
        "Ki": 0x1p10, "Mi": 0x1p20, "Gi": 0x1p30, "Ti": 0x1p40, "Pi": 0x1p50, "Ei": 0x1p60,
    ]

    /// A quantity such as `500Mi`, `2e9` or `1`; nil where it is none.
    static func bytes(_ value: JSONValue) -> Double? {
        guard let text = value.stringValue else { return value.doubleValue }
        if let number = Double(text) { return number.isFinite ? number : nil }
        let suffix = String(text.reversed().prefix { $0.isLetter }.reversed())
        guard let power = powers[suffix], let number = Double(text.dropLast(suffix.count)), number.isFinite else {
            return nil
        }
        return number * power
    }
}
