internal import Testing

@testable internal import KubernetesSimulator

/// Patterns of schemas as Go reads them.
@Suite struct PatternTests {
    @Test(arguments: [
        ("^[a-z]+$", "abc", true), ("^[a-z]+$", "abC", false), ("a{2,3}$", "xaa", true), ("^a{2,3}$", "aaaa", false),
        ("^(a|b)*c?$", "abba", true), ("^(|a)+$", "aaa", true), ("^(a*)*$", "aaab", false), ("a??b", "b", true),
        ("[]a]", "]", true), ("[^]a]", "]", false), ("[a-]", "-", true), ("[^\\d]", "5", false), ("[^\\D]", "5", true),
        ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false), ("^\\d{3}-\\d+$", "123-4", true),
        ("(?i)ABC", "xabcx", true), ("(?i:a)b", "AB", false), ("(?i)[^a]", "A", false), ("(?P<n>a)b", "ab", true),
        ("^[[:alpha:]]$", "x", true), ("^.$", "\n", false), ("(?s)^.$", "\n", true), ("^.$", "\u{E9}", true),
        ("^.$", "e\u{301}", false), ("^\\x41\\x{1F600}$", "A\u{1F600}", true), ("", "abc", true), ("^$", "a", false),
        ("x{", "x{", true), ("^a{,2}$", "a{,2}", true), ("^(a|b|c)$", "d", false), ("\\.", "a", false),
        ("^(([a-z0-9]|[a-z0-9][-a-z0-9]*[a-z0-9])\\.)*x$", "foo.bar.x", true),
    ]) func whatIsFoundIsWhatGoFinds(pattern: String, text: String, expected: Bool) throws {
        #expect(try #require(Pattern(pattern)).isFound(in: text) == expected)
    }

    @Test(arguments: [
        "a**", "(a", "a)", "[a", "[z-a]", "\\", "*", "a|*", "(?!a)", "(?m)^a", "\\p{L}", "a{1001}", "((a{1000}){1000})",
    ]) func whatIsNoPatternOrTooLargeIsNone(text: String) { #expect(Pattern(text) == nil) }

    /// A matcher that tries one way after another needs 2^50000 steps here.
    @Test func noPatternTakesLongerThanItsLengthTimesTheTexts() throws {
        let text = String(repeating: "a", count: 50_000)
        #expect(try #require(Pattern("(a+)+$")).isFound(in: text + "!") == false)
        #expect(try #require(Pattern("(a|a)*$")).isFound(in: text) == true)
        #expect(try #require(Pattern("^(?:a?){50}a{50}$")).isFound(in: String(repeating: "a", count: 50)) == true)
    }

    @Test func nestingRepeatingAndWorkAreBounded() throws {
        #expect(Pattern(String(repeating: "(", count: 4_000)) == nil)
        #expect(try #require(Pattern("(((){1000}){1000}){1000}")).isFound(in: "") == true)
        #expect(try #require(Pattern("a{1000}")).isFound(in: String(repeating: "a", count: 100_000)) == nil)
    }
}
