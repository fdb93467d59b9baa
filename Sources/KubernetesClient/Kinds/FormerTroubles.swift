internal import AsyncSupport
public import KubernetesObjects

/// The objects that were not healthy before a release, each with what it was to be then: as long as it is to be the same, that it is not
/// healthy is no evidence against the release, nor against the way back from it.
public struct FormerTroubles: Sendable, Hashable, Codable {
    /// The most objects remembered, and the rule for more: those beyond count as if they had been healthy.
    public static let limit = 200

    struct Entry: Sendable, Hashable, Codable {
        /// A hash of all that is wanted of it.
        var content: String
        /// Whether its controller had said nothing.
        var isUnspoken: Bool
    }

    /// By ``key(_:)``.
    private var entries: [String: Entry] = [:]

    /// Creates the record of a cluster where all was well.
    public init() {}

    /// Whether all was well.
    public var isEmpty: Bool { entries.isEmpty }

    /// Notes an object that is not healthy.
    mutating func note(_ live: KubernetesObject, isUnspoken: Bool) {
        guard entries.count < Self.limit else { return }
        entries[Self.key(live.reference.identity)] = Entry(content: Self.content(of: live), isUnspoken: isUnspoken)
    }

    /// Whether an object was in trouble as it is now to be.
    func had(_ live: KubernetesObject) -> Bool {
        guard !entries.isEmpty, let entry = entries[Self.key(live.reference.identity)] else { return false }
        return entry.content == Self.content(of: live)
    }

    /// Whether an object's controller had said nothing of it as it is now to be.
    func wasSilent(_ live: KubernetesObject) -> Bool {
        had(live) && entries[Self.key(live.reference.identity)]?.isUnspoken == true
    }

    /// Those of which only the silence of their controllers is known.
    public var silent: FormerTroubles {
        var copy = self
        copy.entries = entries.filter { $0.value.isUnspoken }
        return copy
    }

    /// Whether anything is noted of an object.
    func knows(_ identity: ObjectIdentity) -> Bool { !entries.isEmpty && entries[Self.key(identity)] != nil }

    /// Forgets an object: it has been healthy since.
    mutating func forget(_ identity: ObjectIdentity) { entries[Self.key(identity)] = nil }

    /// What an object is called in what is stored.
    static func key(_ identity: ObjectIdentity) -> String {
        "\(identity.type.group)/\(identity.type.kind)/\(identity.namespace ?? "")/\(identity.name)"
    }

    /// All that people want of an object: neither who wrote it nor how it fares. A count of replicas is an autoscaler's as often as not.
    private static func content(of live: KubernetesObject) -> String {
        var fields = live.json.objectValue ?? [:]
        fields["metadata"] = nil
        fields["status"] = nil
        fields["apiVersion"] = nil
        if var spec = fields["spec"]?.objectValue {
            spec["replicas"] = nil
            fields["spec"] = .object(spec)
        }
        return hash(of: .object(fields))
    }

    /// A hash of a value: no secret is to be among what it is made of, since few guesses find a short one.
    static func hash(of value: JSONValue) -> String {
        // FNV-1a: short, the same in every process, and told apart from chance, not from malice.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in value.serializedBytes() { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

extension KubernetesAPI {
    /// Which of these objects are not healthy now. One that cannot be read counts as healthy, so that nothing is excused unseen.
    ///
    /// - Parameters:
    ///   - objects: Objects in their namespaces.
    ///   - checks: An application's own checks.
    /// - Throws: `CancellationError` only.
    public func troubles(
        of objects: [KubernetesObject], checks: [CustomHealthCheck], now: KubernetesTime
    ) async throws -> FormerTroubles {
        let judged = objects.filter { object in
            HealthRules.canBeUnhealthy(object.type.groupKind) || checks.contains { $0.isFor(object) }
        }
        let context = HealthContext(
            now: now, lateBindingClasses: try await storageClasses(for: judged).lateBinding,
            kindsWithoutStatus: await kindsWithoutStatus(among: judged), checks: checks)
        let seen = try await LiveObjects.read(judged, api: self, concurrency: 8)
        var result = FormerTroubles()
        try await forEachConcurrently(judged, atMost: 8) { object -> KubernetesObject? in
            switch seen[object.reference] {
            case .present(let live): return live
            case .absent: return nil
            case .unknown:
                do {
                    return try await get(object.reference)
                } catch is KubernetesError {
                    try Task.checkCancellation()
                    return nil
                }
            }
        } onResult: { live in
            // How a hook ended says nothing of how it will.
            guard let live, !ObjectAnnotations().isHook(live) else { return }
            let assessment = HealthAssessment(of: live, context: context)
            if assessment.value < .suspended { result.note(live, isUnspoken: assessment.remark == .silent) }
        }
        return result
    }

    /// The custom kinds of these objects that can be scaled, as far as the server says.
    func scalableKinds(among objects: [KubernetesObject]) async -> Set<GroupKind> {
        var kinds: Set<GroupKind> = []
        for type in Set(objects.map(\.type)) where BuiltInGroups.isCustom(type.groupKind) {
            if let resource = try? await resource(for: type), resource.hasScale { kinds.insert(type.groupKind) }
        }
        return kinds
    }

    /// The kinds of these objects of which the server serves no status, as far as it says.
    public func kindsWithoutStatus(among objects: [KubernetesObject]) async -> Set<GroupKind> {
        var kinds: Set<GroupKind> = []
        for type in Set(objects.map(\.type)) where BuiltInGroups.isCustom(type.groupKind) {
            if let resource = try? await resource(for: type), resource.hasStatus == false {
                kinds.insert(type.groupKind)
            }
        }
        return kinds
    }
}
