internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesSimulator

/// Expressions and what the reference implementation (cel-go, with Kubernetes's libraries) makes of them.
@Suite struct ExpressionTests {
    private func value(_ source: String) throws -> ExpressionValue {
        let object: JSONValue = [
            "name": "web", "count": 3, "ratio": 0.5, "on": true, "none": nil, "list": [3, 1, 2],
            "map": ["a": 1, "b": 2],
            "texts": ["x", "y"], "items": [["name": "a", "port": 80], ["name": "b", "port": 443]], "if": "kept",
            "a-b": "dash", "port": "http",
        ]
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "name": ["type": "string"], "count": ["type": "integer"], "ratio": ["type": "number"],
                "on": ["type": "boolean"], "list": ["type": "array", "items": ["type": "integer"]],
                "map": ["type": "object", "additionalProperties": ["type": "integer"]],
                "texts": ["type": "array", "items": ["type": "string"]],
                "items": [
                    "type": "array",
                    "items": [
                        "type": "object", "properties": ["name": ["type": "string"], "port": ["type": "integer"]],
                    ],
                ],
                "if": ["type": "string"], "a-b": ["type": "string"], "absent": ["type": "string"],
                "port": ["x-kubernetes-int-or-string": true],
            ],
        ]
        let expression = try ExpressionParser.expression(source)
        let type = try #require(ExpressionType(schema: schema))
        var checker = ExpressionChecker(variables: [("self", type)])
        _ = checker.type(of: expression)
        #expect(checker.problems.isEmpty, "\(source): \(checker.problems)")
        var evaluator = ExpressionEvaluator(
            variables: [("self", ExpressionValue(object, schema: schema))], limit: ValidationRule.callLimit)
        return try evaluator.value(of: expression)
    }

    @Test(arguments: [
        // Operators.
        "1 + 2 * 3 == 7", "7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1", "(1 + 2) * 3 == 9", "5u + 3u == 8u",
        "2.5 * 2.0 == 5.0", "1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2", "'a' + 'b' == 'ab' && 'a' < 'b'",
        "[1, 2] + [3] == [1, 2, 3]", "!(1 == 2)", "true ? true : false", "1 in [1, 2] && !(3 in [1, 2])",
        "'a' in {'a': 1}", "{'a': [1]}['a'][0] == 1", "0x1F == 31", "1e3 == 1000.0", "1.5 > 1",
        "false && 1 / 0 == 0 == false || true", "true || 1 / 0 == 0", "1 / 0 == 0 || true", "!(false && 1 / 0 == 0)",
        // Fields, presence and macros.
        "self.name == 'web' && self.count == 3 && self.on", "has(self.name) && !has(self.absent)",
        "self.__if__ == 'kept' && self.a__dash__b == 'dash'", "self.list.all(x, x > 0)",
        "self.list.exists(x, x == 2)", "self.list.exists_one(x, x > 2)", "self.list.map(x, x * 2) == [6, 2, 4]",
        "self.list.filter(x, x > 1) == [3, 2]", "self.list.map(x, x > 1, x + 1) == [4, 3]",
        "self.map.all(k, self.map[k] > 0)", "self.map.exists(k, k == 'a')", "'a' in self.map && size(self.map) == 2",
        "self.items.all(i, i.port in [80, 443])", "self.items.map(i, i.name).join(',') == 'a,b'",
        "self.items.exists(i, i.name == 'b' && i.port == 443)", "type(self.port) == string || self.port > 0",
        "self.?absent.orValue('none') == 'none'", "self.?name.hasValue()", "cel.bind(n, self.count, n + n == 6)",
        // Texts.
        "self.name.startsWith('w') && self.name.endsWith('b') && self.name.contains('e')",
        "'web-1'.matches('^[a-z]+-[0-9]+$') && !'Web'.matches('^[a-z]+$')", "size('äöü') == 3 && 'abc'.size() == 3",
        "'AbC'.lowerAscii() == 'abc' && 'AbC'.upperAscii() == 'ABC'", "'a,b'.split(',') == ['a', 'b']",
        "'a,b,c'.split(',', 2) == ['a', 'b,c']", "'aXbX'.replace('X', 'y') == 'ayby'",
        "'aXbX'.replace('X', 'y', 1) == 'aybX'", "'hello'.substring(1, 3) == 'el' && 'hello'.substring(3) == 'lo'",
        "' a '.trim() == 'a'", "'hello'.charAt(1) == 'e' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
        "'%s is %s'.format(['a', 'b']) == 'a is b'", "'%d'.format([1]) == '1'", "['a', 'b'].join() == 'ab'",
        "r'\\d' == '\\\\d'",
        "\"a'b\" == 'a\\'b'",
        "'abc 123'.find('[0-9]+') == '123'", "'1 22 333'.findAll('[0-9]+') == ['1', '22', '333']",
        // Lists.
        "[1, 2, 3].isSorted() && ![2, 1].isSorted()", "[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [3, 1].max() == 3",
        "['a', 'b'].indexOf('b') == 1 && [1, 1].lastIndexOf(1) == 1", "self.texts.size() == 2",
        // Conversions.
        "int('5') == 5 && string(5) == '5' && double(1) == 1.0 && uint(3) == 3u", "int(2.9) == 2", "bool('true')",
        "type(1) == int && type('a') == string", "bytes('a') == b'a'", "dyn(1) == 1",
        // Time.
        "duration('90s') == duration('1m30s')", "duration('1h').getSeconds() == 3600",
        "timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')",
        "timestamp('2026-03-01T12:30:00Z').getFullYear() == 2026 && timestamp('2026-03-01T12:30:00Z').getMonth() == 2",
        "timestamp('2026-01-01T00:00:00Z') + duration('24h') == timestamp('2026-01-02T00:00:00Z')",
        // Kubernetes's own.
        "quantity('1Gi').isGreaterThan(quantity('1Mi')) && quantity('500m').compareTo(quantity('0.5')) == 0",
        "isQuantity('1Gi') && !isQuantity('1Xi')", "quantity('2').add(quantity('1')).asInteger() == 3",
        "url('https://a.example:8443/p?q=1').getHost() == 'a.example:8443'", "isURL('https://a') && !isURL('a b')",
        "url('https://a:1/p').getPort() == '1' && url('https://a/p').getScheme() == 'https'",
        "ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('10.0.0')", "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
        "isCIDR('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
    ])
    func holds(source: String) throws {
        guard case .bool(true) = try value(source) else {
            Issue.record("\(source) is \(try value(source))")
            return
        }
    }

    @Test(arguments: [
        ("1 / 0 == 0", "division by zero"), ("1 % 0 == 0", "modulus by zero"),
        ("9223372036854775807 + 1 > 0", "integer overflow"), ("self.list[9] == 1", "index out of bounds: 9"),
        ("self.map['z'] == 1", "no such key: z"), ("self.absent == ''", "no such key: absent"),
        ("int('x') == 1", "type conversion error"), ("0u - 1u == 0u", "unsigned integer overflow"),
    ])
    func fails(source: String, why: String) {
        do {
            let result = try value(source)
            Issue.record("\(source) is \(result)")
        } catch ExpressionError.evaluation(let text) {
            #expect(text.contains(why), "\(text)")
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: [
        ("self.", "Syntax error"), ("1 +", "Syntax error"), ("(1", "Syntax error"), ("[1, 2", "Syntax error"),
        ("'a", "Syntax error"), ("1 == ", "Syntax error"), ("a b", "Syntax error"), ("", "Syntax error"),
    ])
    func cannotBeRead(source: String, why: String) {
        #expect { try ExpressionParser.expression(source) } throws: { error in
            (error as? ExpressionProblem)?.message.contains(why) ?? false
        }
    }

    @Test(arguments: [
        ("self.nope == 1", "undefined field 'nope'"), ("nope == 1", "undeclared reference to 'nope'"),
        ("self.name == 1", "found no matching overload for '_==_'"),
        ("1.0 == 1", "found no matching overload for '_==_'"),
        ("['a', 1] == []", "expected type 'string' but found 'int'"),
        ("self.name.nope()", "undeclared reference to 'nope'"),
        ("self.count + 'a' == 'b'", "found no matching overload"),
    ])
    func doesNotFit(source: String, why: String) throws {
        let schema: JSONValue = [
            "type": "object", "properties": ["name": ["type": "string"], "count": ["type": "integer"]],
        ]
        var checker = ExpressionChecker(variables: [("self", try #require(ExpressionType(schema: schema)))])
        _ = checker.type(of: try ExpressionParser.expression(source))
        #expect(checker.problems.contains { $0.message.contains(why) }, "\(checker.problems)")
    }

    /// Forms of rules that Gateway API, Istio, Karpenter and others ship.
    @Test(arguments: [
        "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
        "self.all(l, l.protocol == 'HTTP' ? !has(l.tls) : true)",
        "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
        "self.all(p1, self.all(p2, p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__ )) ? true : true))",
        "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
        "self.all(f, (size(f.group) == 0 && f.kind == 'Service') ? has(f.port) : true)",
        "self.all(f, (f.type in ['Exact','PathPrefix']) ? f.value.matches(r\"\"\"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$\"\"\") : true)",
        "self.all(f, !(has(f.request) && has(f.backendRequest) && duration(f.request) != duration('0s') && duration(f.backendRequest) > duration(f.request)))",
        "self.all(f, (has(f.name)?1:0)+(has(f.kind)?1:0)<=1 || true)",
        "self.all(f, [has(f.name), has(f.kind)].exists_one(z, z) || true)",
        "self.all(f, !has(f.value) || isURL(f.value) && url(f.value).getScheme() in ['http', 'https'])",
        "self.all(f, f.name.matches('^((\\\\d+(s|m|h))+)|(Never)$') || !f.name.contains('..') && f.name.size() <= 63)",
        "self.all(f, !format.dns1123Label().validate(f.name).hasValue())",
        "self.all(f, f.labels.all(k, k.startsWith('app') || !(k in ['kubernetes.io/hostname'])))",
        "self.map(f, f.port).sum() >= 0 && self.map(f, f.name).isSorted() || size(self) < 9",
        "self.exists(f, has(f.tls) && f.tls.mode == 'Passthrough') ? self.size() == 1 : true",
    ])
    func rulesOfWellKnownDefinitionsCompile(source: String) throws {
        let texts = [
            "name", "protocol", "hostname", "namespace", "type", "kind", "group", "value", "request", "backendRequest",
        ]
        var properties = Dictionary(uniqueKeysWithValues: texts.map { ($0, ["type": "string"] as JSONValue) })
        properties["port"] = ["type": "integer"]
        properties["labels"] = ["type": "object", "additionalProperties": ["type": "string"]]
        properties["tls"] = ["type": "object", "properties": ["mode": ["type": "string"]]]
        let schema: JSONValue = ["type": "array", "items": ["type": "object", "properties": .object(properties)]]
        let expression = try ExpressionParser.expression(source)
        var checker = ExpressionChecker(variables: [("self", try #require(ExpressionType(schema: schema)))])
        #expect(checker.type(of: expression) == .bool)
        #expect(checker.problems.isEmpty, "\(ExpressionProblem.report(checker.problems, in: source))")
    }

    @Test func nestingAndLengthAreBounded() {
        let deep = String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000)
        #expect(throws: ExpressionProblem.self) { try ExpressionParser.expression(deep) }
        let negations = String(repeating: "!", count: 50_000) + "true"
        #expect((try? ExpressionParser.expression(negations)).map { $0.depth < 300 } ?? true)
        let long = "'" + String(repeating: "a", count: 200_000) + "' == ''"
        #expect(throws: ExpressionProblem.self) { try ExpressionParser.expression(long) }
    }

    @Test func whatCostsTooMuchIsGivenUp() throws {
        let range = "[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]"
        let source = "\(range).all(a, \(range).all(b, \(range).all(c, \(range).all(d, a + b + c + d > 0))))"
        var evaluator = ExpressionEvaluator(variables: [], limit: ValidationRule.callLimit)
        #expect(throws: ExpressionError.costExceeded) {
            _ = try evaluator.value(of: try ExpressionParser.expression(source))
        }
    }
}
