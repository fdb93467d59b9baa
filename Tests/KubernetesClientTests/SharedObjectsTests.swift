internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

private let deployments = GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
private let pods = GroupVersionKind(version: "v1", kind: "Pod")

private func object(
    _ name: String, _ namespace: String = "shop", _ type: GroupVersionKind = deployments, version: Int = 1
) -> KubernetesObject {
    var object = KubernetesObject(type: type, namespace: namespace, name: name)
    object.setMetadata("resourceVersion", .string("\(version)"))
    object.setMetadata("uid", .string("\(name)-uid"))
    return object
}

private func pod(_ name: String, of owner: String, _ namespace: String = "shop", version: Int = 1) -> KubernetesObject {
    var pod = object(name, namespace, pods, version: version)
    pod.labels = ["app": owner]
    return pod
}

private func named(_ names: Set<String>, _ namespace: String = "shop") -> WatchInterest {
    WatchInterest(selection: ObjectSelection(type: deployments, namespace: namespace), names: names)
}

private func podsOf(_ owner: String, _ namespace: String = "shop") -> WatchInterest {
    WatchInterest(
        selection: ObjectSelection(type: pods, namespace: namespace),
        workloads: [.init(type: deployments.groupKind, name: owner, labels: ["app": owner])])
}

/// The words of a test for what is told.
private func words(_ deliveries: [SharedObjects.Delivery]) -> [String] {
    deliveries.map { delivery in
        switch delivery.update {
        case .listed(let objects):
            "\(delivery.subscriber) listed \(objects.map { "\($0.name)@\($0.resourceVersion ?? "")" }.joined(separator: ","))"
        case .changed(.updated(let object)):
            "\(delivery.subscriber) updated \(object.name)@\(object.resourceVersion ?? "")"
        case .changed(.removed(let object)): "\(delivery.subscriber) removed \(object.name)"
        case .watching: "\(delivery.subscriber) watching"
        case .interrupted: "\(delivery.subscriber) interrupted"
        }
    }.sorted()
}

extension SharedObjects {
    /// A whole list, read as its watch reads it.
    fileprivate mutating func list(
        _ objects: [KubernetesObject], version: Int, of scope: WatchScope, at moment: ContinuousClock.Instant = .now
    ) -> [SharedObjects.Delivery] {
        guard let read = began(scope, at: moment) else { return [] }
        return take(.listed(objects.compactMap(read), resourceVersion: "\(version)"), of: scope)
    }
}

@Suite struct SharedObjectsTests {
    private let scope = WatchScope.namespace(deployments, "shop")
    private let all = [object("a"), object("b"), object("foreign")]

    /// A watch that one subscriber, 1, has: of `a`.
    private func shared() -> SharedObjects {
        var shared = SharedObjects()
        shared.start(scope)
        _ = shared.attach(1, named(["a"]), to: scope, .init())
        let listed = words(shared.list(all, version: 5, of: scope))
        #expect(listed == ["1 listed a@1"])
        let watching = words(shared.take(.watching, of: scope))
        #expect(watching == ["1 watching"])
        return shared
    }

    @Test func eachIsToldOfWhatItWantsAndNothingElseIsKept() {
        var shared = shared()
        #expect(shared.count == 1)
        let mine = words(shared.take(.event(.modified(object("a", version: 6))), of: scope))
        #expect(mine == ["1 updated a@6"])
        let others = words(shared.take(.event(.modified(object("foreign", version: 7))), of: scope))
        #expect(others == [])
        #expect(shared.count == 1)
        let replayed = words(shared.take(.event(.modified(object("a", version: 6))), of: scope))
        #expect(replayed == [], "told once more after a cut")
        let gone = words(shared.take(.event(.deleted(object("a", version: 8))), of: scope))
        #expect(gone == ["1 removed a"])
        #expect(shared.count == 0 && shared.bytes == 0)
        #expect(shared.view(for: 1)[named([]).selection] == [])
    }

    @Test func whoComesLaterHasAllAtOnceWhereItIsKnown() {
        var shared = shared()
        let same = words(shared.attach(2, named(["a"]), to: scope, .init()))
        #expect(same == ["2 listed a@1", "2 watching"])
        let none = words(shared.attach(3, named(["to-come"]), to: scope, .init()))
        #expect(none == ["3 listed ", "3 watching"], "what is not there is known not to be")
        let made = words(shared.take(.event(.added(object("to-come", version: 9))), of: scope))
        #expect(made == ["3 updated to-come@9"])
        #expect(!shared.needsList(scope))
    }

    @Test func whoWantsWhatWasNotKeptWaitsForAList() {
        var shared = shared()
        let later = words(shared.attach(2, named(["b", "foreign"]), to: scope, .init()))
        #expect(later == [])
        #expect(shared.needsList(scope) && shared.isPending(2))
        let changed = words(shared.take(.event(.modified(object("b", version: 6))), of: scope))
        #expect(changed == [], "not by halves")
        let listed = words(shared.list(all, version: 7, of: scope))
        #expect(listed == ["1 listed a@1", "2 listed b@1,foreign@1"])
        #expect(!shared.needsList(scope) && !shared.isPending(2))
    }

    @Test func whoComesWhileAListIsReadWaitsForTheNextWhereItsObjectsWerePassedOver() throws {
        var shared = SharedObjects()
        shared.start(scope)
        _ = shared.attach(1, named(["a"]), to: scope, .init())
        let reader = shared.began(scope, at: .now)
        let read = try #require(reader)
        let objects = all.compactMap(read)
        _ = shared.attach(2, named(["b"]), to: scope, .init())
        _ = shared.attach(3, named(["c"]), to: scope, .init())
        let listed = words(shared.take(.listed(objects, resourceVersion: "5"), of: scope))
        #expect(listed == ["1 listed a@1", "3 listed "])
        #expect(shared.needsList(scope))
    }

    @Test func whatWasWrittenIsSeenBeforeAnythingIsTold() {
        var shared = shared()
        let written = ScopeView.Terms(versions: ["a": 12])
        let early = words(shared.attach(2, named(["a"]), to: scope, written))
        #expect(early == [], "it shows what was before the write")
        #expect(!shared.needsList(scope), "a watch that lives tells of it")
        let seen = words(shared.take(.event(.modified(object("a", version: 12))), of: scope))
        #expect(seen == ["1 updated a@12", "2 listed a@12", "2 watching"])
        _ = shared.attach(3, named(["a"]), to: scope, .init(versions: ["a": 20]))
        #expect(shared.demand(for: 3) == [scope])
        #expect(shared.needsList(scope), "one that does not is asked anew")
        let listed = words(shared.list([object("a", version: 21)], version: 22, of: scope))
        #expect(listed == ["1 listed a@21", "2 listed a@21", "3 listed a@21"])
    }

    @Test func afterAnOutageWhatWasSeenBeforeCountsForNobodyNew() {
        var shared = shared()
        let recovery = ContinuousClock.now
        let early = words(shared.attach(2, named(["a"]), to: scope, .init(notBefore: recovery)))
        #expect(early == [])
        #expect(shared.needsList(scope))
        let listed = words(shared.list(all, version: 9, of: scope))
        #expect(listed == ["1 listed a@1", "2 listed a@1"])
    }

    @Test func aGapIsToldToAllAndWhoComesMeanwhileWaits() {
        var shared = shared()
        _ = shared.attach(2, named(["a"]), to: scope, .init())
        let cut = words(shared.take(.interrupted(KubernetesError(code: .noAnswer, message: "cut")), of: scope))
        #expect(cut == ["1 interrupted", "2 interrupted"])
        let late = words(shared.attach(3, named(["a"]), to: scope, .init()))
        #expect(late == ["3 interrupted"])
        let back = words(shared.take(.watching, of: scope))
        #expect(back == ["1 watching", "2 watching", "3 listed a@1", "3 watching"])
        let again = words(shared.list([], version: 9, of: scope))
        #expect(again == ["1 listed ", "2 listed ", "3 listed "], "410: all again")
    }

    @Test func podsAreToldToThoseWhoseTheyAre() {
        let scope = WatchScope.namespace(pods, "shop")
        var shared = SharedObjects()
        shared.start(scope)
        _ = shared.attach(1, podsOf("web"), to: scope, .init())
        _ = shared.attach(2, podsOf("db"), to: scope, .init())
        let there = [pod("web-1", of: "web"), pod("db-1", of: "db"), pod("x", of: "x")]
        let listed = words(shared.list(there, version: 5, of: scope))
        #expect(listed == ["1 listed web-1@1", "2 listed db-1@1"])
        let changed = words(shared.take(.event(.modified(pod("web-1", of: "web", version: 6))), of: scope))
        #expect(changed == ["1 updated web-1@6"])
        let passed = words(shared.take(.event(.modified(pod("web-1", of: "db", version: 7))), of: scope))
        #expect(passed == ["1 updated web-1@7", "2 updated web-1@7"], "both are told that it changed hands")
        var set = pod("web-abc-1", of: "other", version: 8)
        set.setMetadata(
            "ownerReferences", [["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "u"]])
        let owned = words(shared.take(.event(.added(set)), of: scope))
        #expect(owned == ["1 updated web-abc-1@8"], "whose selector was another is known by its owner")
        _ = shared.attach(3, podsOf("x"), to: scope, .init())
        #expect(shared.needsList(scope), "its pods were passed over")
        shared.remove(3)
        #expect(!shared.needsList(scope))
    }

    @Test func aWiderWatchTakesOverWithoutAGap() {
        var shared = shared()
        let wide = WatchScope.everywhere(deployments)
        shared.start(wide)
        let early = words(shared.attach(1, named(["a"]), to: wide, .init()))
        #expect(early == [])
        let still = words(shared.take(.event(.modified(object("a", version: 6))), of: scope))
        #expect(still == ["1 updated a@6"])
        let listed = words(shared.list([object("a", version: 7), object("a", "other")], version: 8, of: wide))
        #expect(listed == ["1 listed a@7"])
        let behind = words(shared.take(.event(.modified(object("a", version: 7))), of: scope))
        #expect(behind == [], "the narrower one has nothing to say any more")
        #expect(shared.stop(scope) == [])
        let silenced = shared.stop(wide)
        #expect(silenced.map(\.subscriber) == [1])
    }

    @Test func oneThatGoesDisturbsNoOther() {
        var shared = shared()
        _ = shared.attach(2, named(["a", "b"]), to: scope, .init())
        _ = shared.list(all, version: 7, of: scope)
        #expect(shared.count == 2)
        shared.idle(1)
        shared.remove(1)
        let changed = words(shared.take(.event(.modified(object("a", version: 8))), of: scope))
        #expect(changed == ["2 updated a@8"])
        shared.remove(2)
        #expect(shared.count == 0 && shared.bytes == 0)
        let late = words(shared.attach(4, named(["a"]), to: scope, .init()))
        #expect(late == [])
        #expect(shared.needsList(scope), "it is not kept any more, and not forgotten either")
    }

    @Test func thousandsOfForeignPodsCostTheirNamesAlone() {
        let scope = WatchScope.everywhere(pods)
        var shared = SharedObjects()
        shared.start(scope)
        _ = shared.attach(1, podsOf("web"), to: scope, .init())
        let foreign = (0..<5_000).map { pod("foreign-\($0)", of: "foreign", "n\($0 % 50)") }
        _ = shared.list(foreign + [pod("web-1", of: "web")], version: 9, of: scope)
        #expect(shared.count == 1)
        #expect(shared.bytes < 2_000)
    }

    /// Many who come and go, watches that lag, are cut, list again: in the end each has what a watch of its own would tell it.
    @Test(arguments: 0..<24) func eachSeesWhatAWatchOfItsOwnWouldShow(seed: Int) {
        var world = SharedWorld(seed: UInt64(seed))
        for _ in 0..<150 { world.step() }
        world.settle()
        world.check()
    }
}

/// A server, watches that lag behind it, and subscribers that put together what they are told.
private struct SharedWorld {
    private var random: Dice
    private var shared = SharedObjects()
    private var revision = 100
    private var live: [String: KubernetesObject] = [:]
    private var log: [(revision: Int, event: WatchEvent)] = []
    private var positions: [WatchScope: Int] = [:]
    private var interests: [Int: WatchInterest] = [:]
    private var mirrors: [Int: [String: KubernetesObject]] = [:]
    private var marks: [Int: UInt64] = [:]
    private let scopes: [WatchScope] = [
        .object(deployments, namespace: "shop", name: "d0"), .namespace(deployments, "shop"), .everywhere(deployments),
    ]

    init(seed: UInt64) {
        random = Dice(seed: seed)
        shared.start(scopes[1])
    }

    private func fits(_ object: KubernetesObject, _ scope: WatchScope) -> Bool {
        let selection = scope.selection
        return (selection.namespace ?? object.namespace) == object.namespace
            && (selection.fieldSelector ?? "metadata.name=\(object.name)") == "metadata.name=\(object.name)"
    }

    mutating func step() {
        switch random.below(12) {
        case 0..<4: write()
        case 4..<7:
            if let scope = positions.keys.sorted(by: { $0.width < $1.width }).randomElement(using: &random) {
                tell(scope)
            }
        case 7: list(scopes[random.below(3)])
        case 8: subscribe()
        case 9:
            guard let id = interests.keys.sorted().randomElement(using: &random) else { return }
            shared.remove(id)
            (interests[id], mirrors[id]) = (nil, nil)
        case 10:
            guard let scope = positions.keys.first else { return }
            take(shared.take(.interrupted(KubernetesError(code: .noAnswer, message: "cut")), of: scope))
            take(shared.take(.watching, of: scope))
        default: begin(scopes[random.below(3)])
        }
    }

    private mutating func write() {
        revision += 1
        let (name, namespace) = ("d\(random.below(4))", random.below(3) == 0 ? "other" : "shop")
        let key = "\(namespace)/\(name)"
        if let former = live[key], random.below(4) == 0 {
            var last = former
            last.setMetadata("resourceVersion", .string("\(revision)"))
            live[key] = nil
            log.append((revision, .deleted(last)))
        } else {
            var made = object(name, namespace, version: revision)
            made.setMetadata("uid", live[key]?.uid.map { .string($0) } ?? .string("uid-\(revision)"))
            log.append((revision, live[key] == nil ? .added(made) : .modified(made)))
            live[key] = made
        }
    }

    /// One more event to one of the watches.
    @discardableResult
    private mutating func tell(_ scope: WatchScope) -> Bool {
        guard let position = positions[scope],
            let next = log.first(where: { entry in
                guard entry.revision > position else { return false }
                switch entry.event {
                case .added(let object), .modified(let object), .deleted(let object): return fits(object, scope)
                case .bookmark: return false
                }
            })
        else { return false }
        positions[scope] = next.revision
        take(shared.take(.event(next.event), of: scope))
        return true
    }

    private mutating func begin(_ scope: WatchScope) {
        guard positions[scope] == nil, !shared.needsList(scope) else { return }
        shared.start(scope)
        for (id, interest) in interests where scope.covers(interest) {
            take(shared.attach(id, interest, to: scope, .init()))
        }
        list(scope)
    }

    private mutating func list(_ scope: WatchScope) {
        guard let read = shared.began(scope, at: .now) else { return }
        let kept = live.values.filter { fits($0, scope) }.compactMap(read)
        let moment = revision
        // What happens while it is on its way.
        if random.below(2) == 0 { write() }
        if random.below(3) == 0 { subscribe() }
        take(shared.take(.listed(kept, resourceVersion: "\(moment)"), of: scope))
        positions[scope] = moment
        take(shared.take(.watching, of: scope))
    }

    private mutating func subscribe() {
        let id = revision * 1_000 + interests.count
        guard interests[id] == nil else { return }
        let names = Set((0...random.below(3)).map { _ in "d\(random.below(4))" })
        let interest = named(names)
        interests[id] = interest
        var terms = ScopeView.Terms()
        // What it wrote itself, last.
        if let written = live.values.filter({ $0.namespace == "shop" && names.contains($0.name) }).first,
            let version = written.resourceVersion.flatMap({ UInt64($0) })
        {
            terms.versions[written.name] = version
            marks[id] = version
        }
        for scope in scopes where scope.covers(interest) { take(shared.attach(id, interest, to: scope, terms)) }
    }

    private mutating func take(_ deliveries: [SharedObjects.Delivery]) {
        for delivery in deliveries {
            let id = delivery.subscriber
            #expect(interests[id] != nil, "who has gone is told nothing")
            switch delivery.update {
            case .listed(let objects):
                mirrors[id] = Dictionary(uniqueKeysWithValues: objects.map { ($0.name, $0) })
            case .changed(.updated(let object)):
                #expect(mirrors[id] != nil, "all comes before a change")
                mirrors[id]?[object.name] = object
            case .changed(.removed(let object)):
                #expect(mirrors[id] != nil)
                mirrors[id]?[object.name] = nil
            case .watching, .interrupted: break
            }
        }
    }

    mutating func settle() {
        for scope in scopes where positions[scope] == nil { begin(scope) }
        for _ in 0..<5 {
            for scope in scopes {
                while tell(scope) {}
                for id in interests.keys { _ = shared.demand(for: id) }
                if shared.needsList(scope) { list(scope) }
            }
        }
        for scope in scopes { while tell(scope) {} }
    }

    func check() {
        for (id, interest) in interests {
            let wanted = live.values.filter { $0.namespace == "shop" && interest.names.contains($0.name) }
            let expected = Dictionary(uniqueKeysWithValues: wanted.map { ($0.name, $0) })
            #expect(mirrors[id] == expected, "subscriber \(id) of \(interest.names.sorted())")
            #expect(
                shared.view(for: id)[interest.selection]?.sorted { $0.name < $1.name }
                    == expected.values.sorted { $0.name < $1.name })
        }
    }
}
