internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

private let kind = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
private let pods = GroupVersionKind(version: "v1", kind: "Pod")
private let roles = GroupVersionKind(group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole")

private func one(_ name: String, _ namespace: String?, _ type: GroupVersionKind = kind) -> WatchInterest {
    var selection = ObjectSelection(type: type, namespace: namespace)
    selection.fieldSelector = "metadata.name=\(name)"
    return WatchInterest(selection: selection, names: [name])
}

private func two(_ namespace: String?, _ type: GroupVersionKind = kind) -> WatchInterest {
    WatchInterest(selection: ObjectSelection(type: type, namespace: namespace), names: ["a", "b"])
}

private func podsOf(_ name: String, _ namespace: String) -> WatchInterest {
    WatchInterest(
        selection: ObjectSelection(type: pods, namespace: namespace),
        workloads: [.init(type: kind.groupKind, name: name, labels: ["app": name])])
}

@Suite struct WatchPlanTests {
    @Test func oneObjectIsWatchedAloneUntilAnotherOfItsKindIsWanted() {
        var plan = WatchPlan()
        let alone = WatchScope.object(kind, namespace: "shop", name: "a")
        let whole = WatchScope.namespace(kind, "shop")
        let first = plan.subscribe(1, [one("a", "shop")])
        #expect(first == [.start(alone)])
        let again = plan.subscribe(2, [one("a", "shop")])
        #expect(again == [], "one watch for both")
        _ = plan.listed(alone)
        let other = plan.subscribe(3, [one("b", "shop")])
        #expect(other == [.start(whole)], "what tells of it goes on until the other has listed")
        let listed = plan.listed(whole)
        #expect(listed == [.stop(alone)])
        let back = plan.unsubscribe(3)
        #expect(back == [], "whoever goes moves nobody's watch")
        let more = plan.unsubscribe(1)
        #expect(more == [])
        let last = plan.unsubscribe(2)
        #expect(last == [.stop(whole)])
        #expect(plan.scopes.isEmpty)
    }

    @Test(arguments: [(kind, WatchPlan.namespaceLimit), (pods, WatchPlan.podNamespaceLimit)])
    func aKindWantedInManyNamespacesIsWatchedEverywhere(type: GroupVersionKind, limit: Int) {
        var plan = WatchPlan()
        for number in 0..<limit {
            let changes = plan.subscribe(number, [two("n\(number)", type)])
            #expect(changes == [.start(.namespace(type, "n\(number)"))])
            _ = plan.listed(.namespace(type, "n\(number)"))
        }
        let beyond = plan.subscribe(limit, [two("n\(limit)", type)])
        #expect(beyond == [.start(.everywhere(type))])
        let listed = plan.listed(.everywhere(type))
        #expect(Set(listed) == Set((0..<limit).map { WatchPlan.Change.stop(.namespace(type, "n\($0)")) }))
        for number in limit..<1_000 { _ = plan.subscribe(number + 1, [two("n\(number)", type)]) }
        #expect(plan.scopes == [.everywhere(type)])
    }

    @Test func whoMaySeeSomeNamespacesWatchesAKindInEach() {
        var plan = WatchPlan(mayWatchEverywhere: false)
        for number in 0..<50 { _ = plan.subscribe(number, [two("n\(number)")]) }
        #expect(plan.scopes == Set((0..<50).map { .namespace(kind, "n\($0)") }))
    }

    @Test func whatIsForbiddenEverywhereIsWatchedByNamespace() {
        var plan = WatchPlan()
        for number in 0..<20 { _ = plan.subscribe(number, [two("n\(number)")]) }
        #expect(plan.scopes == [.everywhere(kind)])
        let (lost, changes) = plan.failed(.everywhere(kind), isRefusal: true)
        #expect(lost.isEmpty, "nobody is told of it")
        #expect(Set(changes) == Set((0..<20).map { .start(.namespace(kind, "n\($0)")) }))
        let next = plan.subscribe(20, [two("n20")])
        #expect(next == [.start(.namespace(kind, "n20"))], "it is not asked for again")
        for number in 0...20 { _ = plan.unsubscribe(number) }
        #expect(plan.scopes.isEmpty)
        for number in 0..<20 { _ = plan.subscribe(number, [two("n\(number)")]) }
        #expect(plan.scopes == [.everywhere(kind)], "once nobody wanted it any more, it is")
    }

    @Test func whatIsForbiddenInANamespaceIsToldToThoseWhoWantMoreThanOneObjectOfIt() {
        var plan = WatchPlan()
        _ = plan.subscribe(1, [one("a", "shop")])
        _ = plan.listed(.object(kind, namespace: "shop", name: "a"))
        _ = plan.subscribe(2, [two("shop"), one("r", nil, roles)])
        let (lost, changes) = plan.failed(.namespace(kind, "shop"), isRefusal: true)
        #expect(lost.map(\.subscriber) == [2] && lost.map(\.interest) == [two("shop")])
        #expect(changes == [], "the one object is still watched")
        #expect(
            plan.scopes == [
                .object(kind, namespace: "shop", name: "a"), .object(roles, namespace: nil, name: "r"),
            ])
        let again = plan.subscribe(3, [two("shop")])
        #expect(again == [.start(.namespace(kind, "shop"))], "it may be allowed by now")
    }

    @Test func aKindThatIsNotServedIsToldToAllWhoWantIt() {
        var plan = WatchPlan()
        for number in 0..<20 { _ = plan.subscribe(number, [one("a", "n\(number)"), podsOf("a", "n\(number)")]) }
        let (lost, changes) = plan.failed(.everywhere(kind), isRefusal: false)
        #expect(Set(lost.map(\.subscriber)) == Set(0..<20))
        #expect(changes == [])
        #expect(plan.scopes == Set((0..<20).map { .namespace(pods, "n\($0)") }), "pods are watched all the same")
    }

    /// Whatever comes and goes: everybody is told by some watch, nobody who was told stops being so but by a failure, and no watch
    /// is left that nobody wants.
    @Test(arguments: 0..<24) func whateverComesAndGoes(seed: Int) {
        var random = Dice(seed: UInt64(seed))
        var plan = WatchPlan(mayWatchEverywhere: seed % 3 != 0)
        var running: [WatchScope: Bool] = [:]
        var wanted: [Int: [WatchInterest]] = [:]
        func carryOut(_ changes: [WatchPlan.Change], after what: String) {
            for change in changes {
                switch change {
                case .start(let scope):
                    #expect(running[scope] == nil, "\(scope) after \(what)")
                    running[scope] = false
                case .stop(let scope): #expect(running.removeValue(forKey: scope) != nil, "\(scope) after \(what)")
                }
            }
            #expect(plan.scopes == Set(running.keys))
        }
        func isTold(_ interest: WatchInterest) -> Bool { running.contains { $0.value && $0.key.covers(interest) } }
        for step in 0..<150 {
            let told = wanted.mapValues { $0.filter(isTold) }
            let scopes = running.keys.sorted { $0.description < $1.description }
            var what = ""
            var failed: WatchScope?
            switch random.below(10) {
            case 0..<4:
                let namespace = "n\(random.below(14))"
                var interests = [random.below(2) == 0 ? one("\(random.below(3))", namespace) : two(namespace)]
                if random.below(2) == 0 { interests.append(podsOf("a", namespace)) }
                if random.below(4) == 0 { interests.append(one("\(random.below(2))", nil, roles)) }
                wanted[step] = interests
                what = "subscribing"
                carryOut(plan.subscribe(step, interests), after: what)
            case 4..<6:
                guard let id = wanted.keys.sorted().randomElement(using: &random) else { continue }
                wanted[id] = nil
                what = "going"
                carryOut(plan.unsubscribe(id), after: what)
            case 6..<9:
                guard let scope = scopes.randomElement(using: &random) else { continue }
                running[scope] = true
                what = "listing"
                carryOut(plan.listed(scope), after: what)
            default:
                guard let scope = scopes.randomElement(using: &random), random.below(3) == 0 else { continue }
                running[scope] = nil
                failed = scope
                what = "failing of \(scope)"
                let (lost, changes) = plan.failed(scope, isRefusal: random.below(3) > 0)
                for (id, interest) in lost {
                    #expect(scope.covers(interest))
                    wanted[id]?.removeAll { $0 == interest }
                }
                carryOut(changes, after: what)
            }
            for (id, interests) in wanted {
                for interest in interests {
                    #expect(running.keys.contains { $0.covers(interest) }, "\(interest.selection) after \(what)")
                    guard told[id]?.contains(interest) == true, failed?.covers(interest) != true else { continue }
                    #expect(isTold(interest), "\(interest.selection) went silent after \(what)")
                }
            }
        }
        for scope in running.keys { running[scope] = true }
        for scope in running.keys where running[scope] != nil { carryOut(plan.listed(scope), after: "the end") }
        for interest in wanted.values.joined() {
            #expect(running.keys.count { $0.covers(interest) } == 1, "one watch tells of \(interest.selection)")
        }
        for scope in running.keys { #expect(wanted.values.joined().contains { scope.covers($0) }, "\(scope)") }
        for id in wanted.keys { carryOut(plan.unsubscribe(id), after: "all went") }
        #expect(running.isEmpty)
    }
}

/// Repeatable chance (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
