internal import KubernetesObjects
internal import Testing

/// What people's files have that a strict reader stumbles over, read as kubectl reads it.
@Suite struct KubectlReadingTests {
    private static let mark = "\u{FEFF}"
    /// `é` as one scalar, and as a letter with an accent.
    private static let composed = "caf\u{E9}"
    private static let decomposed = "cafe\u{301}"

    @Test(arguments: [
        "\(mark)a: 1\nb: 2\n", "\(mark)# note\na: 1\nb: 2\n", "\(mark)---\na: 1\nb: 2\n", "\(mark){\"a\": 1, \"b\": 2}",
        "\(mark)a: 1\r\nb: 2\r\n",
    ])
    func aByteOrderMarkMayBegin(text: String) throws {
        #expect(try YAMLReader.document(in: text, file: "x.yaml").root.json == ["a": 1, "b": 2])
    }

    @Test func aMarkMayBeginEachDocument() throws {
        let text = "a: 1\n---\n\(Self.mark)a: 2\nb: 2\n\(Self.mark)---\na: 3\n"
        let documents = try YAMLReader.documents(in: text)
        #expect(documents.map(\.root.json) == [["a": 1], ["a": 2, "b": 2], ["a": 3]])
        #expect(documents[1].root.entries?.map(\.column) == [1, 1])
        let kept = try YAMLReader.document(in: "a: |\n  \(Self.mark)x\n")
        #expect(kept.root["a"]?.text == "\(Self.mark)x\n", "within a text it is a character like any other")
    }

    @Test func markdownAndQuestionMarksInTextAreNoAnchors() throws {
        let words = (0..<60).map { "*word\($0)* and ? this : that &c" }
        let text = "a: &x {b: 1}\nc: *x\ntext: |\n" + words.map { "  ? \($0)\n" }.joined() + "list: [\"*a*\", '? b']\n"
        let document = try YAMLReader.document(in: text, file: "crd.yaml")
        #expect(document.root["c"]?.json == ["b": 1])
    }

    @Test func anAliasBombNamesFileAndLine() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...20 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        let error = #expect(throws: KubernetesObjectError.self) { try YAMLReader.documents(in: text, file: "b.yaml") }
        #expect(error?.message.hasPrefix("b.yaml:6:") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("expands to more than 200000 values") == true)
        let itself = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: "a: &a [*a]\n", file: "b.yaml")
        }
        #expect(itself?.message == "b.yaml:1:8: a[0]: found undefined alias \"a\"", "\(itself?.message ?? "")")
    }

    @Test func keepsTheLastOfKeysWrittenTwiceWhereAsked() throws {
        let text = "a: 1\nb: {c: 1, c: 2}\na: 3\n"
        let document = try #require(
            try YAMLReader.documents(in: text, file: "x.yaml", duplicateKeys: .keepLast).first)
        #expect(document.root.json == ["a": 3, "b": ["c": 2]])
        #expect(
            document.repeatedKeys.map { "\($0.path):\($0.line)" } == [".b.c:2", ".a:3"].map { String($0.dropFirst()) })
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.documents(in: text) }
    }

    @Test func comparesBytesAndNotCharacters() throws {
        #expect(Self.composed == Self.decomposed, "as Swift has it")
        #expect(JSONValue.string(Self.composed) != .string(Self.decomposed))
        #expect(JSONValue.object([Self.composed: 1]) != .object([Self.decomposed: 1]))
        #expect(JSONValue.object(["a": [.string(Self.composed)]]) != .object(["a": [.string(Self.decomposed)]]))
        let role = GroupVersionKind(group: "rbac.authorization.k8s.io", version: "v1", kind: "Role")
        let references = [Self.composed, Self.decomposed].map { ObjectReference(type: role, namespace: "a", name: $0) }
        #expect(Set(references).count == 2 && Set(references.map(\.identity)).count == 2)
        let text = references.map {
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: \($0.name), namespace: a}\n"
        }
        #expect(try Manifest.objects(in: text.joined(separator: "---\n")).count == 2)
    }

    @Test func findsMembersByBytes() throws {
        var value = JSONValue.object([Self.composed: 1])
        #expect(value[Self.decomposed] == nil && value[Self.composed] == 1)
        #expect(value.value(at: FieldPath([.key(Self.decomposed)])) == nil)
        #expect(value.remove(at: FieldPath([.key(Self.decomposed)])) == nil)
        #expect(FieldPath([.key(Self.composed)]) != FieldPath([.key(Self.decomposed)]))
        value[Self.decomposed] = nil
        #expect(value == .object([Self.composed: 1]))
        // There is room for one spelling, and what is set is what is there then.
        value[Self.decomposed] = 2
        #expect(value == .object([Self.decomposed: 2]))
        try value.set(3, at: FieldPath([.key(Self.composed)]))
        #expect(value == .object([Self.composed: 3]))
    }

    @Test func patchesTellSpellingsApart() throws {
        let (old, new) = (JSONValue.object([Self.composed: 1]), JSONValue.object([Self.decomposed: 1]))
        let patch = try #require(old.mergePatch(to: new))
        #expect(patch == new)
        #expect(old.applying(mergePatch: patch) == new)
        #expect(old.applying(mergePatch: .object([Self.decomposed: .null])) == old)
        let text = JSONValue.object(["a": .string(Self.composed)])
        #expect(text.mergePatch(to: ["a": .string(Self.decomposed)]) == ["a": .string(Self.decomposed)])
    }

    /// A memory of what was sent is a hash of it: alike, a change would be taken for none.
    @Test func spellingsHashApart() {
        #expect(JSONValue.string(Self.composed).hashValue != JSONValue.string(Self.decomposed).hashValue)
        #expect(JSONValue.object([Self.composed: 1]).hashValue != JSONValue.object([Self.decomposed: 1]).hashValue)
        #expect(ExactText(Self.composed).hashValue != ExactText(Self.decomposed).hashValue)
        let members = (0..<50).map { ("k\($0)", JSONValue.integer($0)) }
        let (one, other) = (
            JSONValue.object(Dictionary(uniqueKeysWithValues: members)),
            JSONValue.object(Dictionary(uniqueKeysWithValues: members.reversed()))
        )
        #expect(one == other && one.hashValue == other.hashValue)
    }

    /// Swift's dictionaries hold one of them only: better said than lost.
    @Test func saysWhereTwoSpellingsOfOneKeyStand() {
        let yaml = #expect(throws: KubernetesObjectError.self) {
            try YAMLReader.documents(in: "\(Self.composed): 1\n\(Self.decomposed): 2\n", duplicateKeys: .keepLast)
        }
        #expect(yaml?.message.contains("in two spellings of the same letters") == true, "\(yaml?.message ?? "")")
        let json = #expect(throws: KubernetesObjectError.self) {
            try JSONValue(parsing: "{\"\(Self.composed)\": 1, \"\(Self.decomposed)\": 2}", duplicateKeys: .keepLast)
        }
        #expect(json?.message.contains("in two spellings of the same letters") == true, "\(json?.message ?? "")")
    }

    @Test(arguments: [
        ("namespace: 20417", "metadata.namespace must be a string, not an integer"),
        ("namespace: no", "metadata.namespace must be a string, not a boolean"),
        ("namespace: 1.5", "metadata.namespace must be a string, not a number"),
        ("namespace: [a]", "metadata.namespace must be a string, not a list"),
        ("labels: {a: 1}", "metadata.labels.a must be a string, not an integer"),
        ("annotations: {a: on}", "metadata.annotations.a must be a string, not a boolean"),
        ("labels: [a]", "metadata.labels must be a mapping, not a list"), ("labels: x", "must be a mapping"),
    ])
    func refusesWhatTheServerCouldNotRead(line: String, expected: String) throws {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  \(line)\n"
        let problems = ObjectValidation.findings(
            in: try KubernetesObject(json: YAMLReader.document(in: text).root.json))
        #expect(problems.contains { $0.message.contains(expected) }, "\(problems)")
    }

    /// What kubectl makes of keys that are numbers.
    @Test(arguments: [
        ("1.50", "1.5"), ("1e3", "1000"), ("1e6", "1e+06"), ("1.5e-5", "1.5e-05"), ("0.0001", "0.0001"), (".5", "0.5"),
        ("16777217.0", "1.6777216e+07"), ("-2.0", "-2"), ("1234567.5", "1.2345675e+06"), ("100000.5", "100000.5"),
        ("123456789.0", "1.2345679e+08"), ("1_0.5", "10.5"), ("2e20", "2e+20"), ("-1e-7", "-1e-07"), ("0.1", "0.1"),
        ("1e2", "100"), ("0.0", "0"), ("-0.0", "-0"), ("1e40", ".inf"), ("12", "12"), ("0x10", "16"),
        ("1.2.3", "1.2.3"),
    ])
    func readsNumbersAsKeysAsKubectlDoes(written: String, key: String) throws {
        let root = try YAMLReader.document(in: "\(written): a\n").root
        #expect(root.json == [key: "a"])
        #expect(root.entries?.first?.written == (written == key ? nil : written))
    }

    @Test func aNumberThatKubectlHasNoKeyForIsNone() {
        #expect(throws: KubernetesObjectError.self) { try YAMLReader.document(in: "18446744073709551615: a\n") }
    }

    @Test func aNameThatIsNoTextIsSaidToBeNone() throws {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1e3}\n"
        let object = try KubernetesObject(json: YAMLReader.document(in: text).root.json)
        #expect(
            ObjectValidation.problems(in: object) == [
                "metadata.name must be a string, not an integer; write it in quotes"
            ])
    }

    @Test func takesNullForAnEmptyLabelAndNoNamespace() throws {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a, namespace: null, labels: {tier: , app: web}, annotations: {p: null}}
            spec: {template: {metadata: {labels: {x: ~}}}}
            """
        let object = try KubernetesObject(json: YAMLReader.document(in: text).root.json)
        #expect(ObjectValidation.problems(in: object).isEmpty && object.namespace == nil)
        let read = object.withoutNullLabels
        #expect(read.labels == ["tier": "", "app": "web"] && read.annotations == ["p": ""])
        #expect(read.value(at: ["spec", "template", "metadata", "labels", "x"]) == "")
        #expect(read.withoutNullLabels == read)
    }

    @Test(arguments: [
        ("rbac.authorization.k8s.io", "ClusterRole", "system:aggregate-to-view", true),
        ("rbac.authorization.k8s.io", "RoleBinding", "Caf\u{E9} (EU)", true),
        ("rbac.authorization.k8s.io", "Role", "a/b", false), ("rbac.authorization.k8s.io", "Role", "..", false),
        ("rbac.authorization.k8s.io", "Role", "a%2fb", false), ("user.openshift.io", "User", "kube:admin", true),
        ("image.openshift.io", "ImageStreamTag", "web:1.0", true),
        ("networking.k8s.io", "IPAddress", "2001:db8::1", true),
        ("certificates.k8s.io", "ClusterTrustBundle", "example.com:mine:ca", true), ("", "ConfigMap", "Web", false),
        ("apps", "Deployment", "a_b", false), ("gateway.networking.k8s.io", "Gateway", "a:b", false),
        ("", "Service", "a.b", false), ("storage.k8s.io", "StorageClass", "gp3.encrypted", true),
        ("batch", "CronJob", String(repeating: "a", count: 52), true),
        ("batch", "CronJob", String(repeating: "a", count: 53), false),
    ])
    func namesAreTheServersBusiness(group: String, kind: String, name: String, isAccepted: Bool) throws {
        let object = KubernetesObject(type: GroupVersionKind(group: group, version: "v1", kind: kind), name: name)
        #expect(ObjectValidation.problems(in: object).isEmpty == isAccepted)
    }
}
