internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Conformance: lists, selectors, pages and watches")
struct ListConformance {
    private let maps = "/api/v1/namespaces/list/configmaps"

    private func conversation() -> Conversation {
        var talk = Conversation()
        talk.namespace("list")
        for (index, label) in ["a", "b", "a", "b", "a"].enumerated() {
            talk.tell(
                "PATCH \(maps)/c\(index)",
                Sample.configMap("{}", name: "c\(index)", labels: "{app: \(label), place: \"\(index)\"}"))
        }
        return talk
    }

    @Test(
        "selectors",
        arguments: [
            ("labelSelector=app%3Da".replacing("%3D", with: "="), 3), ("labelSelector=place in (1,3),app", 2),
            ("labelSelector=app!=a,app", 2), ("labelSelector=!app", 2), ("labelSelector=app notin (a,b)", 2),
            ("labelSelector=app==b", 2), ("fieldSelector=metadata.name=c2", 1), ("fieldSelector=metadata.name!=c2", 6),
        ])
    func selectors(query: String, count: Int) {
        var talk = conversation()
        talk.ask("GET \(maps)?\(query)", facts: ["200", "kind = \"ConfigMapList\"", "items.# = \(count)"])
    }

    @Test("a selector that cannot be read is named")
    func badSelector() {
        var talk = conversation()
        talk.ask(
            "GET \(maps)?labelSelector===",
            facts: ["400", "message = \"found '==', expected: !, identifier, or 'end of string'\""])
    }

    @Test("a field that a kind does not select by is named, and a revision to come is waited for")
    func refusals() {
        var talk = conversation()
        talk.ask(
            "GET \(maps)?fieldSelector=spec.nope=1",
            facts: [
                "400",
                "message = \"\\\"spec.nope\\\" is not a known field selector: only \\\"metadata.name\\\", \\\"metadata.namespace\\\"\"",
            ])
        talk.ask("GET /api/v1/pods?fieldSelector=status.phase=Running,spec.nodeName!=x", facts: ["200"])
        talk.ask(
            "GET \(maps)?resourceVersion=99999999",
            facts: [
                "504", "reason = \"Timeout\"", "details.causes[0].reason = \"ResourceVersionTooLarge\"",
                "message ~ Timeout: Too large resource version: 99999999, current: ",
            ])
        let unreadable = [
            "500", "reason !",
            "message ~ resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        ]
        for place in [maps, "\(maps)/c1"] { talk.ask("GET \(place)?resourceVersion=abc", facts: unreadable) }
        talk.ask("GET \(maps)?watch=1&resourceVersion=abc", facts: unreadable)
        talk.ask("GET \(maps)?limit=2", facts: ["200"])
        let token = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        talk.tell("DELETE \(maps)/c0")
        talk.cluster.state.store.compact()
        talk.ask(
            "GET \(maps)?limit=2&continue=\(token)",
            facts: [
                "410", "reason = \"Expired\"", "message ~ Continuing with the provided token", "metadata.continue ?",
            ])
        let rest = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        talk.ask("GET \(maps)?continue=\(rest)", facts: ["200", "items.# = 5", "items[0].metadata.name = \"c2\""])
        talk.ask(
            "GET \(maps)?resourceVersion=1&resourceVersionMatch=Exact",
            facts: ["410", "message = \"The resourceVersion for the provided list is too old.\""])
    }

    @Test("pages follow one another, and items carry no kind of their own")
    func pages() {
        var talk = conversation()
        talk.ask(
            "GET \(maps)?limit=3",
            facts: ["items.# = 3", "metadata.remainingItemCount = 4", "metadata.continue ?", "items[0].kind !"])
        let token = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        let revision = talk.answer.at("metadata", "resourceVersion")?.stringValue ?? ""
        talk.ask(
            "GET \(maps)?limit=3&continue=\(token)",
            facts: ["items.# = 3", "metadata.remainingItemCount = 1", "metadata.resourceVersion = \"\(revision)\""])
        let last = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        talk.ask("GET \(maps)?limit=3&continue=\(last)", facts: ["items.# = 1", "metadata.continue !"])
        talk.ask("GET \(maps)?continue=garbage", facts: ["400", "message ~ continue key is not valid"])
    }

    @Test("all pages of a list are of one moment, and an earlier one can be asked for")
    func moments() {
        var talk = conversation()
        talk.ask("GET \(maps)?limit=3", facts: ["items.# = 3"])
        let token = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        let revision = talk.answer.at("metadata", "resourceVersion")?.stringValue ?? ""
        talk.tell("DELETE \(maps)/c4")
        talk.tell("PATCH \(maps)/c45", Sample.configMap("{}", name: "c45"))
        talk.ask(
            "GET \(maps)?limit=3&continue=\(token)",
            facts: [
                "items.# = 3", "items[1].metadata.name = \"c4\"", "metadata.remainingItemCount = 1",
                "metadata.resourceVersion = \"\(revision)\"",
            ])
        let last = talk.answer.at("metadata", "continue")?.stringValue ?? ""
        talk.ask(
            "GET \(maps)?limit=3&continue=\(last)",
            facts: ["items.# = 1", "metadata.resourceVersion = \"\(revision)\""])
        talk.ask(
            "GET \(maps)?resourceVersion=\(revision)&resourceVersionMatch=Exact",
            facts: ["items.# = 7", "items[4].metadata.name = \"c4\"", "metadata.resourceVersion = \"\(revision)\""])
        talk.ask("GET \(maps)?resourceVersion=\(revision)", facts: ["items.# = 7", "items[4].metadata.name = \"c45\""])
        talk.ask(
            "GET \(maps)?limit=5&resourceVersion=\(revision)",
            facts: ["items.# = 5", "items[4].metadata.name = \"c4\"", "metadata.continue ?"])
        talk.ask("GET \(maps)?limit=5&resourceVersion=0", facts: ["items.# = 7", "metadata.continue !"])
        talk.ask(
            "GET \(maps)?continue=\(token)&resourceVersion=5",
            facts: ["400", "message = \"specifying resource version is not allowed when using continue\""])
    }

    @Test("a collection is deleted by its selector")
    func deleteCollection() {
        var talk = conversation()
        talk.ask("DELETE \(maps)?labelSelector=app=b", facts: ["200", "items.# = 2"])
        talk.ask("GET \(maps)?labelSelector=app", facts: ["items.# = 3"])
    }

    @Test("a watch sees what enters, changes, leaves and ends, and a bookmark after it")
    func watch() throws {
        var talk = Conversation()
        let start = talk.cluster.state.store.revision
        let map = "/api/v1/namespaces/default/configmaps/w"
        for (label, value) in [("1", "1"), ("1", "2"), ("0", "2"), ("1", "2")] {
            talk.tell("PATCH \(map)", Sample.configMap("{a: \"\(value)\"}", name: "w", labels: "{w: \"\(label)\"}"))
        }
        talk.tell("DELETE \(map)")
        let request = try watchRequest(
            of: talk, "watch=true&labelSelector=w=1&allowWatchBookmarks=true&resourceVersion=\(start)")
        #expect(request.sendsBookmarks && request.revision == start)
        let news = try #require(talk.cluster.state.events(request, after: start))
        #expect(news.events.map { $0["type"]?.stringValue } == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"])
        let revisions = news.events.compactMap { $0.at("object", "metadata", "resourceVersion")?.stringValue }
            .compactMap { Int($0) }
        #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count)
        let bookmark = talk.cluster.state.bookmark(request, revision: news.revision, endsInitial: true)
        #expect(bookmark["type"] == "BOOKMARK")
        #expect(bookmark.at("object", "metadata", "annotations", "k8s.io/initial-events-end") == "true")
        #expect(bookmark.at("object", "metadata", "resourceVersion") == .string(String(news.revision)))
        talk.cluster.state.store.compact()
        #expect(talk.cluster.state.events(request, after: start) == nil, "a revision from before the log is gone")
        #expect(APIStatus.gone.code == 410 && APIStatus.gone.reason == "Expired")
    }

    private func watchRequest(of talk: Conversation, _ query: String) throws -> WatchRequest {
        var state = talk.cluster.state
        let pairs = query.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let answer = state.handle(
            APIRequest(
                method: "GET", path: ["api", "v1", "namespaces", "default", "configmaps"],
                query: Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })), now: talk.cluster.now)
        guard case .watch(let request) = answer.body else {
            throw APIStatus.badRequest("no watch")
        }
        return request
    }
}
