internal import KubernetesObjects

/// Which fields of a bundle's objects are left to whom: by the application's word, by Kubernetes' own rules, and because
/// another object of the bundle says who scales them. Pure.
struct FieldPolicy: Sendable {
    private let options: BundleOptions
    /// Who scales an object, by the autoscaler's name.
    private let scalers: [ObjectIdentity: String]
    /// The custom kinds whose objects can be scaled: of them, too, `replicas` that a manifest drops would fall to a default.
    var scalable: Set<GroupKind> = []

    /// - Parameter objects: The bundle, each object in its namespace.
    init(options: BundleOptions, objects: [KubernetesObject] = []) {
        self.options = options
        var scalers: [ObjectIdentity: String] = [:]
        for object in objects {
            guard var target = object.scaleTarget else { continue }
            target.type = KindTable.canonical(target.type)
            scalers[target] = "\(object.kind) \(object.name)"
        }
        self.scalers = scalers
    }

    /// The fields of an object that are left to others.
    ///
    /// - Throws: ``KubernetesError`` where its annotation cannot be read.
    func left(of object: KubernetesObject) throws -> [LeftField] {
        var left = try options.ignoredPaths(of: object).map { LeftField(path: $0) }
        for field in ControllerField.all(of: object) {
            left += field.paths(in: object).map { LeftField(path: $0, owner: field.owner) }
        }
        var identity = object.reference.identity
        identity.type = KindTable.canonical(identity.type)
        if let scaler = scalers[identity] {
            left.append(LeftField(path: .replicas, owner: scaler, isInitial: true))
        }
        return left
    }

    /// What is sent of an object: all but fields that others own. One that only we own, from an earlier apply, goes along
    /// with its live value: dropping it would reset it to its default. So does one inside of what is owned as a whole, of
    /// which no part can be left out.
    func sent(
        _ object: KubernetesObject, live: KubernetesObject?, left: [LeftField]
    ) throws -> KubernetesObject {
        var wanted = ManifestForm.applied(object)
        // Said to be none, as charts have to say it to other tools.
        if let form = KindTable.facts(of: object.type.groupKind).form, wanted.value(at: form.path)?.isNull == true {
            wanted.remove(at: form.path)
        }
        guard let live else {
            for field in left.reversed() where !field.isInitial { wanted.remove(at: field.path) }
            return wanted
        }
        let ledger = FieldLedger(live)
        // From the last to the first: what is removed from a list moves what follows.
        for field in left.reversed() {
            guard let path = Self.counterpart(of: field.path, in: wanted.json, live.json) else { continue }
            let isHeldByUs = ledger.owner(of: path, beside: options.fieldManager) == .ours
            if let current = live.value(at: path), isHeldByUs || ledger.isInsideWhole(path),
                isHeldByUs && !Self.isInList(path) || Self.holdsParent(of: field.path, wanted)
            {
                try wanted.set(current, at: field.path)
            } else {
                wanted.remove(at: field.path)
            }
        }
        let type = object.type.groupKind
        if KindTable.facts(of: type).keepsReplicas || scalable.contains(type), wanted.value(at: .replicas) == nil,
            let current = live.value(at: .replicas),
            ledger.owner(of: .replicas, beside: options.fieldManager) == .ours
        {
            try wanted.set(current, at: .replicas)
        }
        if let size = ClaimSize.kept(of: wanted, live) { try wanted.set(size, at: ClaimSize.path) }
        return wanted
    }

    /// What there is to say of an object about fields that its manifest has and that are left to others.
    func notes(on object: KubernetesObject, left: [LeftField], sent: KubernetesObject) -> [String] {
        var notes = left.compactMap { $0.note(on: object) }
        if object.value(at: .replicas) == nil, let kept = sent.value(at: .replicas) {
            notes.append(
                "\(FieldPath.replicas) is not in the manifest any more: the live \(kept) stays until somebody else scales it"
            )
        }
        if ClaimSize.isKept(object, sent), let size = sent.value(at: ClaimSize.path) {
            notes.append("\(ClaimSize.path) stays \(size.stringValue ?? "\(size)"): a claim never shrinks")
        }
        return notes
    }

    /// The place in the live object of what is at a place of the manifest: elements of lists are found by their names.
    static func counterpart(of path: FieldPath, in wanted: JSONValue, _ live: JSONValue) -> FieldPath? {
        var result = FieldPath.root
        var (ours, theirs): (JSONValue?, JSONValue?) = (wanted, live)
        for step in path.components {
            switch step {
            case .key(let key):
                result = result.appending(key)
                (ours, theirs) = (ours?[key], theirs?[key])
            case .index(let index):
                guard let elements = ours?.arrayValue, elements.indices.contains(index) else { return nil }
                let found = theirs?.arrayValue ?? []
                let place =
                    elements[index]["name"].flatMap { name in found.firstIndex { $0["name"] == name } } ?? index
                result = result.appending(place)
                (ours, theirs) = (elements[index], found.indices.contains(place) ? found[place] : nil)
            }
        }
        return result
    }

    private static func isInList(_ path: FieldPath) -> Bool {
        path.components.contains { if case .index = $0 { true } else { false } }
    }

    private static func holdsParent(of path: FieldPath, _ wanted: KubernetesObject) -> Bool {
        wanted.value(at: FieldPath(Array(path.components.dropLast()))) != nil
    }
}
