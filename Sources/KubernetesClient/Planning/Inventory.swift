public import KubernetesObjects

/// The objects that a bundle has brought into a cluster, kept in the cluster itself.
public struct Inventory: Sendable, Hashable {
    /// The objects. The version is the one that they were applied in.
    public var references: Set<ObjectReference>

    /// The most objects that an inventory may hold; more would not fit into one object of the API server.
    public static let maximumCount = 5000

    /// Creates an inventory.
    public init(_ references: some Sequence<ObjectReference> = []) {
        self.references = Set(references)
    }

    /// Which objects these are, whatever the versions.
    var identities: Set<ObjectIdentity> { Set(references.map(\.identity)) }

    /// What either holds; where both hold one object in two versions, the other's version.
    public func union(_ other: Inventory) -> Inventory {
        var byIdentity = Dictionary(references.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        for reference in other.references { byIdentity[reference.identity] = reference }
        return Inventory(byIdentity.values)
    }

    /// What this one holds and the other does not, whatever the versions.
    public func subtracting(_ other: Inventory) -> Inventory {
        let identities = Set(other.references.map(\.identity))
        return Inventory(references.filter { !identities.contains($0.identity) })
    }

    /// Where in the order of this inventory another's objects are: `0-3,7`. Far shorter than their names.
    func places(of other: Inventory) -> String {
        let identities = Set(other.references.map(\.identity))
        var ranges: [ClosedRange<Int>] = []
        for (index, reference) in sorted.enumerated() where identities.contains(reference.identity) {
            if let last = ranges.last, last.upperBound == index - 1 {
                ranges[ranges.count - 1] = last.lowerBound...index
            } else {
                ranges.append(index...index)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    /// The objects at such places.
    ///
    /// - Throws: ``KubernetesError`` when they are none of this inventory.
    func part(at places: String) throws -> Inventory {
        let all = sorted
        var found: [ObjectReference] = []
        for text in places.split(separator: ",") {
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                first <= last, all.indices.contains(first), all.indices.contains(last)
            else {
                throw KubernetesError(
                    code: .invalidInput,
                    message: "the inventory has \(all.count) objects, and \"\(text)\" is none of them")
            }
            found += all[first...last]
        }
        return Inventory(found)
    }

    /// The references in the order of their texts.
    public var sorted: [ObjectReference] { references.sorted { $0.description < $1.description } }

    /// The inventory as the `data` of a ConfigMap: one line an object, sorted, so that equal inventories are equal.
    public var data: [String: String] {
        let lines = sorted.map { reference in
            [
                reference.type.group, reference.type.version, reference.type.kind, reference.namespace ?? "",
                Self.written(reference.name),
            ]
            .joined(separator: "|")
        }
        return ["format": "1", "objects": lines.joined(separator: "\n")]
    }

    /// Reads what ``data`` writes.
    ///
    /// - Throws: ``KubernetesError`` when it is of another form: pruning by a misread inventory would delete too much or
    ///   too little.
    public init(data: [String: String]) throws {
        guard data["format"] == "1", let objects = data["objects"] else {
            throw KubernetesError(
                code: .invalidInput, message: "the inventory is of a format that this version does not know")
        }
        self.references = Set(
            // By bytes: a mark or a line end that follows may join a separator in one character.
            try objects.utf8.split(separator: UInt8(ascii: "\n")).map { line in
                // The name comes last: of a role it may hold anything but slashes and percent signs.
                let parts = line.split(separator: UInt8(ascii: "|"), maxSplits: 4, omittingEmptySubsequences: false)
                    .map { String(Substring($0)) }
                guard parts.count == 5, !parts[1].isEmpty, !parts[2].isEmpty,
                    let name = Self.read(parts[4]), !name.isEmpty
                else {
                    throw KubernetesError(
                        code: .invalidInput,
                        message: "the inventory's line \"\(Substring(line))\" is no object reference")
                }
                return ObjectReference(
                    type: GroupVersionKind(group: parts[0], version: parts[1], kind: parts[2]),
                    namespace: parts[3].isEmpty ? nil : parts[3], name: name)
            })
    }

    /// A name without line ends, which a role's may have: as in a URL, since no name has percent signs.
    private static func written(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return name }
        return name.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n": text += "%0A"
            case "\r": text += "%0D"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func read(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let name = text.replacing("%0A", with: "\n").replacing("%0D", with: "\r")
        return name.utf8.contains(UInt8(ascii: "%")) ? nil : name
    }
}
