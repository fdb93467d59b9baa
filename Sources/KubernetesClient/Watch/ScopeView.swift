internal import KubernetesObjects

/// What one watch has told of the objects that somebody wants, and who wants them. Pure: moments come from outside.
///
/// Of objects that nobody wants it keeps the names: who comes later and asks for one of them, or for pods among them, is served once
/// the server was asked again; who asks for nothing of them is served at once.
struct ScopeView: Sendable {
    /// How somebody takes part.
    struct Terms: Sendable, Hashable {
        /// What is told must be of after this moment; nil for any.
        var notBefore: ContinuousClock.Instant?
        /// What must have been seen of objects, by their names: what the server answered when they were written.
        var versions: [String: UInt64] = [:]
    }

    /// What was read of a list's object.
    enum Read: Sendable, Hashable {
        case kept(KubernetesObject)
        case stranger(namespace: String?, name: String)
    }

    private struct Held: Sendable {
        var object: KubernetesObject
        var bytes: Int
    }

    private struct Membership: Sendable {
        let interest: WatchInterest
        let terms: Terms
        /// The number of the last list that had begun.
        let joined: Int
        /// Whether everything that was there was looked at for it.
        var isExamined = false
        /// Whether it has what it wants, as fresh as it wants it, and is told of every change.
        var isFilled = false
        /// Whether it has waited for long enough for what was written to be seen.
        var isDemanding = false
        /// Whether nobody is told any more: what it wants is kept for a while.
        var isIdle = false
    }

    private var held: [String?: [String: Held]] = [:]
    private var strangers: [String?: Set<String>] = [:]
    private var index = InterestIndex()
    private var members: [WatchMember: Membership] = [:]
    /// Those who do not have what they want yet, and are to have it; few, of many.
    private var pending: Set<WatchMember> = []
    private var version: UInt64?
    private var isListed = false
    private(set) var isWatching = false
    private(set) var interruption: KubernetesError?
    private var lists = 0
    private var isListing = false
    private var beganAt: ContinuousClock.Instant?
    /// When the list began that all of it rests on.
    private var listedAt: ContinuousClock.Instant?
    /// What is kept takes so much, in bytes, roughly.
    private(set) var bytes = 0

    /// How many objects are kept.
    var count: Int { held.values.reduce(0) { $0 + $1.count } }

    /// Those who take part.
    var all: [WatchMember] { Array(members.keys) }

    func has(_ member: WatchMember) -> Bool { members[member] != nil }

    func isFilled(_ member: WatchMember) -> Bool { members[member]?.isFilled == true }

    func isPending(_ member: WatchMember) -> Bool { pending.contains(member) }

    // MARK: Who takes part

    /// Lets somebody take part. True where it has all at once.
    mutating func attach(_ member: WatchMember, _ interest: WatchInterest, _ terms: Terms) -> Bool {
        detach(member)
        members[member] = Membership(interest: interest, terms: terms, joined: lists)
        pending.insert(member)
        index.add(member, interest)
        return fill(member)
    }

    mutating func detach(_ member: WatchMember) {
        guard let membership = members.removeValue(forKey: member) else { return }
        pending.remove(member)
        index.remove(member, membership.interest)
        let namespace = membership.interest.selection.namespace
        let names =
            membership.interest.workloads.isEmpty
            ? membership.interest.names : Set((held[namespace] ?? [:]).keys)
        for name in names {
            guard let object = held[namespace]?[name]?.object, index.kept(object) == nil else { continue }
            drop(namespace, name)
            strangers[namespace, default: []].insert(name)
        }
    }

    mutating func idle(_ member: WatchMember) {
        members[member]?.isIdle = true
        pending.remove(member)
    }

    /// Notes that somebody has waited for long enough.
    mutating func demand(_ member: WatchMember) { members[member]?.isDemanding = true }

    /// Whether the server must be asked again for somebody to get what it wants.
    var needsList: Bool {
        guard isListed, !isListing, interruption == nil else { return false }
        return pending.contains { member in
            guard let membership = members[member] else { return false }
            return !membership.isExamined || membership.isDemanding || !isFresh(for: membership.terms)
        }
    }

    private func isFresh(for terms: Terms) -> Bool {
        guard let limit = terms.notBefore else { return true }
        return listedAt.map { $0 >= limit } ?? false
    }

    private mutating func fill(_ member: WatchMember) -> Bool {
        guard var membership = members[member], !membership.isFilled else { return false }
        if !membership.isExamined, isListed, !isListing { membership.isExamined = !mayMiss(membership.interest) }
        let hasSeen = membership.terms.versions.allSatisfy { _, least in version.map { $0 >= least } ?? true }
        membership.isFilled =
            membership.isExamined && isListed && interruption == nil && hasSeen && isFresh(for: membership.terms)
        members[member] = membership
        if membership.isFilled { pending.remove(member) }
        return membership.isFilled
    }

    private mutating func fillAll() -> [WatchMember] { pending.isEmpty ? [] : pending.filter { fill($0) } }

    /// Whether something is there that was not kept and may be wanted.
    private func mayMiss(_ interest: WatchInterest) -> Bool {
        guard let others = strangers[interest.selection.namespace], !others.isEmpty else { return false }
        return !interest.workloads.isEmpty || !interest.names.isDisjoint(with: others)
    }

    /// What somebody wants, as it is known now.
    func objects(for member: WatchMember) -> [KubernetesObject] {
        guard let interest = members[member]?.interest else { return [] }
        let all = held[interest.selection.namespace] ?? [:]
        if interest.workloads.isEmpty {
            return interest.names.sorted().compactMap { all[$0]?.object }
        }
        let wanted = all.values.map(\.object).filter { index.interested(in: $0).contains(member) }
        return wanted.sorted { $0.name < $1.name }
    }

    // MARK: What is told

    /// Says that a list is about to be asked for.
    mutating func expectList() { isListing = true }

    /// Begins a list.
    ///
    /// - Returns: What reads its objects: for those who take part by now.
    mutating func began(at moment: ContinuousClock.Instant) -> @Sendable (KubernetesObject) -> Read? {
        lists += 1
        isListing = true
        beganAt = moment
        return { [index] object in
            index.kept(object).map { .kept($0) } ?? .stranger(namespace: object.namespace, name: object.name)
        }
    }

    /// Takes a list: who has what it wants by that, or is told of it again.
    mutating func take(_ list: [Read], resourceVersion: String) -> [WatchMember] {
        (held, strangers, bytes) = ([:], [:], 0)
        for read in list {
            switch read {
            case .kept(let object):
                // Who wanted it may have gone meanwhile.
                if let kept = index.kept(object) {
                    keep(kept)
                } else {
                    strangers[object.namespace, default: []].insert(object.name)
                }
            case .stranger(let namespace, let name): strangers[namespace, default: []].insert(name)
            }
        }
        version = UInt64(resourceVersion)
        (isListed, isListing, isWatching, interruption, listedAt) = (true, false, false, nil, beganAt)
        for member in pending where members[member].map({ $0.joined < lists }) ?? false {
            // It was read when this one had begun: it is later than whatever was written before.
            members[member]?.isExamined = true
            members[member]?.isFilled = true
            pending.remove(member)
        }
        _ = fillAll()
        return members.filter { $0.value.isFilled && !$0.value.isIdle }.map(\.key)
    }

    /// Takes what a watch told: whom it concerns, and what it is to them; and who has what it wants by that.
    mutating func take(
        _ event: WatchEvent
    ) -> (concerned: Set<WatchMember>, change: ObjectCache.Change?, filled: [WatchMember]) {
        if let moment = event.resourceVersion.flatMap({ UInt64($0) }) { version = max(version ?? 0, moment) }
        var concerned: Set<WatchMember> = []
        var change: ObjectCache.Change?
        switch event {
        case .added(let object), .modified(let object): (concerned, change) = put(object)
        case .deleted(let object): (concerned, change) = remove(object)
        case .bookmark: break
        }
        let told = concerned.filter { members[$0]?.isFilled == true }
        return (told, change, fillAll())
    }

    /// Takes that the watch runs: who has what it wants by that.
    mutating func watches() -> [WatchMember] {
        (isWatching, interruption) = (true, nil)
        return fillAll()
    }

    /// Takes that the server could not be asked.
    mutating func isInterrupted(_ error: KubernetesError) {
        (isWatching, isListing, interruption) = (false, false, error)
    }

    private mutating func put(_ object: KubernetesObject) -> (Set<WatchMember>, ObjectCache.Change?) {
        let (namespace, name) = (object.namespace, object.name)
        let former = held[namespace]?[name]?.object
        // Told once more, as after a watch was cut.
        if let former, former.uid == object.uid, let one = former.resourceVersion, one == object.resourceVersion {
            return ([], nil)
        }
        // Who wanted it as it was is told what it is now.
        let concerned = index.interested(in: object).union(former.map { index.interested(in: $0) } ?? [])
        guard let kept = index.kept(object) else {
            drop(namespace, name)
            strangers[namespace, default: []].insert(name)
            return (concerned, former == nil ? nil : .updated(HealthWatches.outline(of: object)))
        }
        strangers[namespace]?.remove(name)
        keep(kept)
        return (concerned, .updated(kept))
    }

    private mutating func remove(_ object: KubernetesObject) -> (Set<WatchMember>, ObjectCache.Change?) {
        let (namespace, name) = (object.namespace, object.name)
        strangers[namespace]?.remove(name)
        if strangers[namespace]?.isEmpty == true { strangers[namespace] = nil }
        guard let former = held[namespace]?[name]?.object else { return ([], nil) }
        drop(namespace, name)
        let concerned = index.interested(in: object).union(index.interested(in: former))
        return (concerned, .removed(index.kept(object) ?? former))
    }

    private mutating func keep(_ object: KubernetesObject) {
        let (namespace, name) = (object.namespace, object.name)
        let size = object.json.footprint
        bytes += size - (held[namespace]?[name]?.bytes ?? 0)
        held[namespace, default: [:]][name] = Held(object: object, bytes: size)
    }

    private mutating func drop(_ namespace: String?, _ name: String) {
        guard let former = held[namespace]?.removeValue(forKey: name) else { return }
        bytes -= former.bytes
        if held[namespace]?.isEmpty == true { held[namespace] = nil }
    }
}

extension JSONValue {
    /// How much memory a value takes, in bytes, roughly: short strings lie in their place, members and elements in one of theirs.
    var footprint: Int {
        func heap(_ text: String) -> Int { text.utf8.count > 15 ? text.utf8.count + 32 : 0 }
        switch self {
        case .null, .bool, .integer, .number: return 0
        case .string(let text): return heap(text)
        case .array(let elements): return elements.reduce(32) { $0 + 17 + $1.footprint }
        case .object(let members):
            return members.reduce(64) { $0 + 48 + heap($1.key) + $1.value.footprint }
        }
    }
}
