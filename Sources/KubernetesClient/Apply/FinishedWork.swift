/// Which hooks and Jobs have run to success, by digest, oldest first. Pure.
///
/// Those of former bundles stay noted: coming back to one does not make its migrations run against what is newer, unless a hook
/// says so. Overflow rule: past ``capacity`` the oldest are forgotten, which may run them once more.
struct FinishedWork: Sendable, Hashable {
    static let capacity = 2_000
    /// What marks a digest whose work runs again when its bundle comes back.
    private static let mark: Character = "*"
    /// What marks one that another bundle came after: it counts as not run, though what is left of it says that it has.
    private static let outdated: Character = "!"
    private var digests: [String] = []

    init() {}

    /// Reads lines as ``text`` writes them.
    init(text: String) {
        self.digests = text.split(separator: "\n").map { String($0) }
    }

    var text: String { digests.joined(separator: "\n") }

    func contains(_ digest: String) -> Bool {
        digests.contains { $0.last != Self.outdated && Self.plain($0) == digest[...] }
    }

    /// Whether work has run that is to run again, so that what it left behind does not stand for it.
    func isOutdated(_ digest: String) -> Bool { digests.contains("\(digest)\(Self.outdated)") }

    /// - Parameter isRepeated: Whether it runs again when its bundle comes back after another one.
    mutating func insert(_ digest: String, isRepeated: Bool = false) {
        if contains(digest) { return }
        remove(digest)
        digests.append(isRepeated ? "\(digest)\(Self.mark)" : digest)
        if digests.count > Self.capacity { digests.removeFirst(digests.count - Self.capacity) }
    }

    @discardableResult
    mutating func remove(_ digest: String) -> Bool {
        let before = digests.count
        digests.removeAll { Self.plain($0) == digest[...] }
        return digests.count < before
    }

    /// Has what is to run again once its bundle comes back count as not run, but for the work of the bundle that is there now.
    mutating func forgetRepeated(but current: Set<String>) {
        digests = digests.map { digest in
            let plain = Self.plain(digest)
            return digest.last == Self.mark && !current.contains(String(plain)) ? "\(plain)\(Self.outdated)" : digest
        }
    }

    /// Takes in what somebody else noted who began with the same.
    mutating func formUnion(_ other: FinishedWork, since known: FinishedWork) {
        for digest in other.digests where !known.digests.contains(digest) && !digests.contains(digest) {
            digests.append(digest)
        }
        if digests.count > Self.capacity { digests.removeFirst(digests.count - Self.capacity) }
    }

    /// Keeps nothing but this.
    mutating func formIntersection(_ current: Set<String>) {
        digests.removeAll { !current.contains(String(Self.plain($0))) }
    }

    private static func plain(_ digest: String) -> Substring {
        digest.last == mark || digest.last == outdated ? digest.dropLast() : digest[...]
    }
}
