public import KubernetesObjects

/// The objects that several subscribers want, as shared watches tell of them. Pure: it says whom to tell what.
///
/// What is kept is the union of what is wanted; each subscriber is told as if it had a watch of its own: all at first, then every change,
/// and all again after a gap.
public struct SharedObjects: Sendable {
    /// Something that a subscriber is to be told.
    public struct Delivery: Sendable {
        /// The subscriber's number.
        public let subscriber: Int
        /// Which of its interests it is about.
        public let selection: ObjectSelection
        /// What there is to tell.
        public let update: Reflector.Update
    }

    private var views: [WatchScope: ScopeView] = [:]
    /// The watch that each interest is told by: of two, the wider.
    private var speakers: [WatchMember: WatchScope] = [:]
    private var selections: [Int: Set<ObjectSelection>] = [:]

    /// Creates a view of nothing.
    public init() {}

    /// What is kept takes so much, in bytes, roughly.
    public var bytes: Int { views.values.reduce(0) { $0 + $1.bytes } }

    /// How many objects are kept.
    public var count: Int { views.values.reduce(0) { $0 + $1.count } }

    // MARK: Watches

    /// Begins to take what a watch tells.
    public mutating func start(_ scope: WatchScope) { views[scope] = ScopeView() }

    /// Forgets a watch.
    ///
    /// - Returns: Those that were told by it, and are by none now.
    @discardableResult
    mutating func stop(_ scope: WatchScope) -> [WatchMember] {
        guard let view = views.removeValue(forKey: scope) else { return [] }
        let silenced = view.all.filter { speakers[$0] == scope }
        for member in silenced { speakers[member] = nil }
        return silenced
    }

    /// Whether the server must be asked again for somebody to get what it wants.
    public func needsList(_ scope: WatchScope) -> Bool { views[scope]?.needsList == true }

    /// Says that a list is about to be asked for.
    mutating func expectList(of scope: WatchScope) { views[scope]?.expectList() }

    /// Begins a list; nil where the watch is not there any more.
    mutating func began(
        _ scope: WatchScope, at moment: ContinuousClock.Instant
    ) -> (@Sendable (KubernetesObject) -> ScopeView.Read?)? {
        views[scope]?.began(at: moment)
    }

    /// Takes what a watch tells, and says whom to tell what.
    mutating func take(_ relayed: Reflector.Relayed<ScopeView.Read>, of scope: WatchScope) -> [Delivery] {
        guard views[scope] != nil else { return [] }
        switch relayed {
        case .listed(let list, let version):
            let told = views[scope]?.take(list, resourceVersion: version) ?? []
            return told.flatMap { tellAll($0, scope) }
        case .event(let event):
            guard let taken = views[scope]?.take(event) else { return [] }
            var deliveries: [Delivery] = []
            if let change = taken.change {
                deliveries = taken.concerned.compactMap { tell($0, .changed(change), scope) }
            }
            return deliveries + taken.filled.flatMap { tellAll($0, scope) }
        case .watching:
            guard let filled = views[scope]?.watches().asSet, let view = views[scope] else { return [] }
            let others = view.all.filter { view.isFilled($0) && !filled.contains($0) }
            return others.compactMap { tell($0, .watching, scope) } + filled.flatMap { tellAll($0, scope) }
        case .interrupted(let error):
            views[scope]?.isInterrupted(error)
            return (views[scope]?.all ?? []).compactMap { member in
                guard speakers[member] ?? scope == scope else { return nil }
                return Delivery(
                    subscriber: member.subscriber, selection: member.selection, update: .interrupted(error))
            }
        }
    }

    // MARK: Subscribers

    /// Lets an interest be told by a watch, in place of a narrower one. It is told at once where all that it wants is known.
    mutating func attach(
        _ id: Int, _ interest: WatchInterest, to scope: WatchScope, _ terms: ScopeView.Terms
    ) -> [Delivery] {
        let member = WatchMember(subscriber: id, selection: interest.selection)
        selections[id, default: []].insert(interest.selection)
        guard let isFilled = views[scope]?.attach(member, interest, terms) else { return [] }
        if isFilled { return tellAll(member, scope) }
        guard let error = views[scope]?.interruption, speakers[member] == nil else { return [] }
        return [Delivery(subscriber: id, selection: interest.selection, update: .interrupted(error))]
    }

    /// Whether an interest is, or is to be, told by a watch.
    func takesPart(_ id: Int, _ selection: ObjectSelection, in scope: WatchScope) -> Bool {
        views[scope]?.has(WatchMember(subscriber: id, selection: selection)) == true
    }

    /// Whether some of what a subscriber wants has not come yet.
    public func isPending(_ id: Int) -> Bool {
        members(of: id).contains { member in
            speakers[member] == nil && views.values.contains { $0.isPending(member) }
        }
    }

    /// Notes that a subscriber has waited for long enough for what was written to be seen.
    ///
    /// - Returns: The watches of which it waits.
    mutating func demand(for id: Int) -> [WatchScope] {
        let pending = members(of: id).filter { speakers[$0] == nil }
        return views.keys.filter { scope in
            pending.reduce(false) { isOne, member in
                guard views[scope]?.isPending(member) == true else { return isOne }
                views[scope]?.demand(member)
                return true
            }
        }
    }

    /// Tells a subscriber nothing more, and keeps what it wants for whoever comes next.
    mutating func idle(_ id: Int) {
        for member in members(of: id) {
            for scope in views.keys { views[scope]?.idle(member) }
        }
    }

    /// Forgets one interest of a subscriber.
    mutating func remove(_ id: Int, _ selection: ObjectSelection) {
        let member = WatchMember(subscriber: id, selection: selection)
        speakers[member] = nil
        selections[id]?.remove(selection)
        for scope in views.keys where scope.type == selection.type { views[scope]?.detach(member) }
    }

    /// Forgets a subscriber.
    public mutating func remove(_ id: Int) {
        for selection in selections[id] ?? [] { remove(id, selection) }
        selections[id] = nil
    }

    /// What a subscriber wants, as it is known now, by its interests; those of which not all is known are missing.
    public func view(for id: Int) -> [ObjectSelection: [KubernetesObject]] {
        var result: [ObjectSelection: [KubernetesObject]] = [:]
        for member in members(of: id) {
            guard let scope = speakers[member] else { continue }
            result[member.selection] = views[scope]?.objects(for: member)
        }
        return result
    }

    private func members(of id: Int) -> [WatchMember] {
        (selections[id] ?? []).map { WatchMember(subscriber: id, selection: $0) }
    }

    private func tell(_ member: WatchMember, _ update: Reflector.Update, _ scope: WatchScope) -> Delivery? {
        guard speakers[member] == scope else { return nil }
        return Delivery(subscriber: member.subscriber, selection: member.selection, update: update)
    }

    /// Tells all of it, by this watch from now on.
    private mutating func tellAll(_ member: WatchMember, _ scope: WatchScope) -> [Delivery] {
        if let speaker = speakers[member], speaker != scope {
            guard speaker.width < scope.width || views[speaker] == nil else { return [] }
            views[speaker]?.detach(member)
        }
        speakers[member] = scope
        guard let view = views[scope] else { return [] }
        var updates: [Reflector.Update] = [.listed(view.objects(for: member))]
        if view.isWatching { updates.append(.watching) }
        return updates.map {
            Delivery(subscriber: member.subscriber, selection: member.selection, update: $0)
        }
    }
}

extension [WatchMember] {
    fileprivate var asSet: Set<WatchMember> { Set(self) }
}
