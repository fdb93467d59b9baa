internal import KubernetesObjects

/// Which watches there are to be, of what subscribers want. Pure: it says what to start and what to stop.
///
/// A kind is watched namespace by namespace, and everywhere once it is wanted in more than ``namespaceLimit`` of them: few watches of
/// many objects that nobody asked for cost the client, many watches cost the server. A wider watch takes a narrower one's place only
/// once it has listed, and stays for as long as the kind is wanted in its place at all: whoever comes and goes moves nobody's watch.
public struct WatchPlan: Sendable {
    /// What is to be done about a watch.
    public enum Change: Sendable, Hashable {
        case start(WatchScope)
        case stop(WatchScope)
    }

    /// The most namespaces in which a kind is watched one by one, where it may be watched everywhere.
    public static let namespaceLimit = 8
    /// The same for pods and replica sets, of which a cluster holds many more that are nobody's here.
    public static let podNamespaceLimit = 32

    /// What is wanted of a kind in one namespace, each counted.
    private struct Wants: Sendable {
        /// Interests in one object, by its name.
        var names: [String: Int] = [:]
        /// Interests in more than one.
        var many = 0
        var isEmpty: Bool { names.isEmpty && many == 0 }
    }

    private let mayWatchEverywhere: Bool
    private var interests: [Int: [WatchInterest]] = [:]
    private var wants: [GroupVersionKind: [String?: Wants]] = [:]
    /// The watches that run, and whether each has listed.
    private var running: [GroupVersionKind: [WatchScope: Bool]] = [:]
    private var refusals: [GroupVersionKind: Set<WatchScope>] = [:]

    /// Plans nothing yet.
    ///
    /// - Parameter mayWatchEverywhere: Whether kinds in namespaces may be watched in all of them at once.
    public init(mayWatchEverywhere: Bool = true) { self.mayWatchEverywhere = mayWatchEverywhere }

    /// The watches that run.
    public var scopes: Set<WatchScope> { Set(running.values.flatMap(\.keys)) }

    /// How many subscribers there are.
    public var subscribers: Int { interests.count }

    /// Takes a subscriber in, who was none before.
    public mutating func subscribe(_ id: Int, _ wanted: [WatchInterest]) -> [Change] {
        interests[id] = wanted
        var types: Set<GroupVersionKind> = []
        for interest in wanted {
            let type = interest.selection.type
            count(interest, by: 1)
            types.insert(type)
            // What was refused to others is asked for again: it may be allowed by now.
            if interest.only == nil { refusals[type]?.remove(Self.wide(type, interest.selection.namespace)) }
        }
        return types.flatMap { settle($0) }
    }

    /// Lets a subscriber go. Watches that others want stay.
    public mutating func unsubscribe(_ id: Int) -> [Change] {
        guard let former = interests.removeValue(forKey: id) else { return [] }
        for interest in former { count(interest, by: -1) }
        return Set(former.map(\.selection.type)).flatMap { settle($0) }
    }

    /// Notes that a watch has listed all that it tells of.
    public mutating func listed(_ scope: WatchScope) -> [Change] {
        guard running[scope.type]?[scope] == false else { return [] }
        running[scope.type]?[scope] = true
        return settle(scope.type)
    }

    /// Notes that a watch has ended for good.
    ///
    /// - Parameter isRefusal: Whether the server said that it is not allowed: a narrower one may be.
    /// - Returns: The interests that nothing tells of now, each with its subscriber's number, who has it no more; and what to do.
    public mutating func failed(
        _ scope: WatchScope, isRefusal: Bool
    ) -> (lost: [(subscriber: Int, interest: WatchInterest)], changes: [Change]) {
        let type = scope.type
        guard running[type]?[scope] != nil else { return ([], []) }
        let isMeant = targets(of: type).contains(scope)
        running[type]?[scope] = nil
        var lost: [(subscriber: Int, interest: WatchInterest)] = []
        if isRefusal, scope.width > 0 { refusals[type, default: []].insert(scope) }
        if isMeant {
            lost = subscribers(of: scope).filter { _, interest in
                guard isRefusal else { return true }
                switch scope {
                case .everywhere: return interest.selection.namespace == nil && interest.only == nil
                case .namespace: return interest.only == nil
                case .object: return true
                }
            }
            for (id, interest) in lost {
                count(interest, by: -1)
                interests[id]?.removeAll { $0 == interest }
            }
        }
        return (lost, settle(type))
    }

    /// The watches that run and tell of all that an interest is in.
    public func scopes(for interest: WatchInterest) -> [WatchScope] {
        (running[interest.selection.type] ?? [:]).keys.filter { $0.covers(interest) }
    }

    /// Whose interests a watch tells of.
    public func subscribers(of scope: WatchScope) -> [(subscriber: Int, interest: WatchInterest)] {
        interests.flatMap { id, wanted in
            wanted.filter { scope.covers($0) }.map { (subscriber: id, interest: $0) }
        }
    }

    // MARK: - What there is to be

    private mutating func count(_ interest: WatchInterest, by difference: Int) {
        let (type, namespace) = (interest.selection.type, interest.selection.namespace)
        var place = wants[type]?[namespace] ?? Wants()
        if let name = interest.only {
            let count = (place.names[name] ?? 0) + difference
            place.names[name] = count == 0 ? nil : count
        } else {
            place.many += difference
        }
        wants[type, default: [:]][namespace] = place.isEmpty ? nil : place
        if wants[type]?.isEmpty == true {
            wants[type] = nil
            refusals[type] = nil
        }
    }

    private static func wide(_ type: GroupVersionKind, _ namespace: String?) -> WatchScope {
        namespace.map { .namespace(type, $0) } ?? .everywhere(type)
    }

    private func isRefused(_ scope: WatchScope) -> Bool { refusals[scope.type]?.contains(scope) == true }

    private func targets(of type: GroupVersionKind) -> Set<WatchScope> {
        guard let places = wants[type], !places.isEmpty else { return [] }
        let everywhere = WatchScope.everywhere(type)
        let limit = HealthWatches.areOfWorkloads(type) ? Self.podNamespaceLimit : Self.namespaceLimit
        let runsEverywhere = running[type]?[everywhere] != nil
        if mayWatchEverywhere, !isRefused(everywhere), places[nil] == nil, runsEverywhere || places.count > limit {
            return [everywhere]
        }
        return Set(places.flatMap { namespace, place in targets(of: type, namespace, place) })
    }

    private func targets(of type: GroupVersionKind, _ namespace: String?, _ place: Wants) -> [WatchScope] {
        let wide = Self.wide(type, namespace)
        let isAlone = place.many == 0 && place.names.count == 1 && running[type]?[wide] == nil
        guard isAlone || isRefused(wide) else { return [wide] }
        return place.names.keys.map { .object(type, namespace: namespace, name: $0) }
    }

    /// Starts what is missing, and stops what nobody waits for any more.
    private mutating func settle(_ type: GroupVersionKind) -> [Change] {
        let meant = targets(of: type)
        var changes: [Change] = []
        for scope in meant where running[type]?[scope] == nil {
            running[type, default: [:]][scope] = false
            changes.append(.start(scope))
        }
        let unlisted = meant.filter { running[type]?[$0] == false }
        for (scope, hasListed) in running[type] ?? [:] where !meant.contains(scope) {
            // Until what takes its place has listed, it is what tells of its objects.
            if hasListed, unlisted.contains(where: { $0.overlaps(scope) }) { continue }
            running[type]?[scope] = nil
            changes.append(.stop(scope))
        }
        if running[type]?.isEmpty == true { running[type] = nil }
        return changes
    }
}
