internal import KubernetesObjects
internal import Testing

@Suite struct MergePatchTests {
    /// The examples of RFC 7386, appendix A.
    @Test(
        arguments: [
            (["a": "b"], ["a": "c"], ["a": "c"]), (["a": "b"], ["b": "c"], ["a": "b", "b": "c"]),
            (["a": "b"], ["a": nil], [:]), (["a": "b", "b": "c"], ["a": nil], ["b": "c"]),
            (["a": ["b"]], ["a": "c"], ["a": "c"]),
            (["a": "c"], ["a": ["b"]], ["a": ["b"]]),
            (["a": ["b": "c"]], ["a": ["b": "d", "c": nil]], ["a": ["b": "d"]]),
            (["a": "foo"], nil, nil), (["a": "foo"], "bar", "bar"), (["e": nil], ["a": 1], ["e": nil, "a": 1]),
            ([1, 2], ["a": "b", "c": nil], ["a": "b"]), ([:], ["a": ["bb": ["ccc": nil]]], ["a": ["bb": [:]]]),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func appliesAsTheStandardSays(target: JSONValue, patch: JSONValue, expected: JSONValue) {
        #expect(target.applying(mergePatch: patch) == expected)
    }

    @Test func differenceLeadsFromOneToTheOther() {
        let old: JSONValue = ["a": 1, "b": ["c": 2, "d": 3], "e": [1]]
        let new: JSONValue = ["a": 1, "b": ["c": 4], "e": [1, 2], "f": "x"]
        let patch = old.mergePatch(to: new)
        #expect(patch == ["b": ["c": 4, "d": nil], "e": [1, 2], "f": "x"])
        #expect(patch.map { old.applying(mergePatch: $0) } == new)
        #expect(new.mergePatch(to: new) == nil)
    }
}

@Suite struct JSONPatchTests {
    @Test(
        arguments: [
            (["foo": "bar"], [["op": "add", "path": "/baz", "value": 1]], ["foo": "bar", "baz": 1]),
            (["foo": [1, 2]], [["op": "add", "path": "/foo/1", "value": 9]], ["foo": [1, 9, 2]]),
            (["foo": [1]], [["op": "add", "path": "/foo/-", "value": 2]], ["foo": [1, 2]]),
            (["a": 1, "b": 2], [["op": "remove", "path": "/a"]], ["b": 2]),
            (["foo": [1, 2, 3]], [["op": "remove", "path": "/foo/1"]], ["foo": [1, 3]]),
            (["a": ["b": 1]], [["op": "replace", "path": "/a/b", "value": [1]]], ["a": ["b": [1]]]),
            (["a": ["b": 1], "c": [:]], [["op": "move", "from": "/a/b", "path": "/c/d"]], ["a": [:], "c": ["d": 1]]),
            (["a": [1]], [["op": "copy", "from": "/a", "path": "/b"]], ["a": [1], "b": [1]]),
            (
                ["a/b": 1, "m~n": 2],
                [["op": "test", "path": "/a~1b", "value": 1], ["op": "remove", "path": "/m~0n"]], ["a/b": 1]
            ),
            (["a": 1], [["op": "replace", "path": "", "value": 3]], 3),
        ] as [(JSONValue, JSONValue, JSONValue)])
    func appliesOperations(target: JSONValue, patch: JSONValue, expected: JSONValue) throws {
        let read = try JSONPatch(json: patch)
        #expect(try read.apply(to: target) == expected)
        #expect(read.json == patch)
    }

    @Test(
        arguments: [
            ([["op": "remove", "path": "/x"]], "operation 0: there is no value at \"/x\" to remove"),
            ([["op": "replace", "path": "/x", "value": 1]], "to replace"),
            ([["op": "test", "path": "/a", "value": 2]], "test failed"),
            ([["op": "add", "path": "/l/5", "value": 2]], "index 5"),
            ([["op": "add", "path": "/l/01", "value": 2]], "no array index"),
            ([["op": "add", "path": "/a/b", "value": 2]], "leads through an integer"),
            ([["op": "add", "path": "/n/b", "value": 2]], "leads through n, which is missing"),
            ([["op": "add", "path": "a", "value": 2]], "must be empty or begin with /"),
            ([["op": "move", "from": "/o", "path": "/o/p"]], "into itself"),
        ] as [(JSONValue, String)])
    func namesOperationAndPathOfAFailure(patch: JSONValue, expected: String) throws {
        let target: JSONValue = ["a": 1, "l": [1], "o": [:]]
        let error = #expect(throws: KubernetesObjectError.self) { try JSONPatch(json: patch).apply(to: target) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "{}", "[{\"op\":\"mix\",\"path\":\"\"}]", "[{\"op\":\"add\",\"path\":\"/a\"}]", "[{\"path\":\"/a\"}]",
    ])
    func refusesWhatIsNoPatch(text: String) {
        #expect(throws: KubernetesObjectError.self) { try JSONPatch(json: JSONValue(parsing: text)) }
    }
}
