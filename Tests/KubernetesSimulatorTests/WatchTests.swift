internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

@Suite("Watches")
struct WatchTests {
    private func watch(_ cluster: TestCluster, labels: String = "") throws -> WatchRequest {
        let type = try #require(cluster.state.type(apiVersion: "v1", plural: "configmaps"))
        return WatchRequest(
            type: type, namespace: "default", labels: try LabelSelector(parsing: labels), timeout: 10, form: .full)
    }

    @Test("objects that enter or leave a selector come as added and deleted")
    func selector() throws {
        var cluster = TestCluster()
        let start = cluster.state.store.revision
        var object = TestCluster.configMap(["a": "1"])
        for (label, value) in [("1", "1"), ("1", "2"), ("0", "2"), ("1", "2")] {
            object.put(.string(label), "metadata", "labels", "w")
            object.put(.string(value), "data", "a")
            cluster.apply(TestCluster.shared, object)
        }
        cluster.send("DELETE", TestCluster.shared)
        let news = try #require(cluster.state.events(try watch(cluster, labels: "w=1"), after: start))
        #expect(
            news.events.compactMap { $0["type"]?.stringValue } == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"])
        #expect(news.events[2].at("object", "metadata", "labels", "w") == "1")
        #expect(news.revision == cluster.state.store.revision)
    }

    @Test("a revision older than the log is gone")
    func expiry() throws {
        var cluster = TestCluster()
        let start = cluster.state.store.revision
        cluster.apply(TestCluster.shared, TestCluster.configMap(["a": "1"]))
        #expect(cluster.state.events(try watch(cluster), after: start) != nil)
        cluster.state.store.compact()
        #expect(cluster.state.events(try watch(cluster), after: start) == nil)
        #expect(cluster.state.events(try watch(cluster), after: cluster.state.store.revision) != nil)
    }

    @Test("the log is bounded")
    func bound() throws {
        var cluster = TestCluster()
        for index in 0...ObjectStore.logLimit {
            cluster.send(
                "PATCH", "/api/v1/namespaces/default", ["metadata": ["annotations": ["i": .string(String(index))]]],
                type: "application/merge-patch+json")
        }
        #expect(cluster.state.store.log.count == ObjectStore.logLimit)
        #expect(cluster.state.events(try watch(cluster), after: 2) == nil)
    }
}
