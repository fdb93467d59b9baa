/// The order in which a server prefers the versions of a custom resource (`version.CompareKubeAwareVersionStrings`):
/// stable before beta before alpha, later before earlier, and what is no such version last, by name.
enum VersionPriority {
    static func sorted(_ versions: [String]) -> [String] {
        versions.sorted { left, right in
            let one = key(left)
            let other = key(right)
            return one == other ? left < right : one > other
        }
    }

    /// Stability, major and minor of `v1`, `v2beta3`, `v1alpha1`; stability 0 is another word.
    private static func key(_ version: String) -> (Int, Int, Int) {
        guard let match = version.wholeMatch(of: /v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?/),
            let major = Int(match.1)
        else { return (0, 0, 0) }
        guard let stage = match.2, let minor = match.3.flatMap({ Int($0) }) else { return (3, major, 0) }
        return (stage == "beta" ? 2 : 1, major, minor)
    }
}
