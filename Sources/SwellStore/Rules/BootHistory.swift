internal import SwellModel

/// Which starts of a cluster's agent began sessions with one certificate, the latest last. Pure; a row has it as JSON.
///
/// An agent that restarts has a new boot id and never an old one again. An id that returns after another took over is of a second agent
/// beside it. Once that may be an honest one: a process that was frozen, or cut off with its node, while another was started in its place. It
/// ends as soon as its machine has heard of that; who comes back a second time lives on beside the other.
struct BootHistory: Sendable, Hashable, Codable {
    struct Boot: Sendable, Hashable, Codable {
        var id: String
        /// How often it came back after another had taken its place.
        var returns: Int
        /// When it began a session last.
        var at: Timestamp
    }

    /// How many are remembered: beyond that, of those that never came back the one is forgotten that came soonest after another and was followed
    /// soonest by one. Whoever has a copy may begin as many as he likes, and where he sees when the agent begins whose place he takes, he may
    /// have it forgotten each time: so what is forgotten is not all that counts (``overtakesBorne``).
    static let limit = 16
    /// For how long they are: as long as a certificate lives.
    static let lifetime = Interval.hours(24)
    /// How often one may come back and be taken for a process that was frozen.
    static let returnsBorne = 1
    /// The characters of an id that are kept: an agent may say any.
    static let idLimit = 64

    /// How often anybody may, under one certificate: a process that was frozen and the one in its place are two. The ids are whoever's who
    /// begins, so that no count of one of them alone would show who has many.
    static let returnsBorneOfAll = 3

    /// How often under one certificate another start may take the place of an agent that is connected. A crash loop does not: its connections end with
    /// it. A node that is lost does, once each time.
    static let overtakesBorne = 8

    /// The certificate that they came with. A later one ends it, and with it whoever holds a copy.
    private var serial = ""
    private var boots: [Boot] = []
    /// How often any came back under that certificate; nil in rows of before.
    private var returned: Int?
    /// How often another took the place of one that was connected; nil in rows of before.
    private var overtook: Int?

    init() {}

    /// Whether two were seen to live beside one another.
    var isShared: Bool { boots.contains { $0.returns > 0 } || hasOvertakenOften }

    private var hasOvertakenOften: Bool { (overtook ?? 0) > Self.overtakesBorne }

    /// Notes that an agent begins a session.
    ///
    /// - Parameter isOneConnected: Whether the cluster's agent is connected at that moment.
    mutating func note(_ start: AgentStart, at now: Timestamp, whileConnected isOneConnected: Bool = false)
        -> StartStanding
    {
        let id = String(start.bootID.prefix(Self.idLimit))
        if serial != start.serial {
            serial = start.serial
            boots = []
            (returned, overtook) = (nil, nil)
        }
        boots.removeAll { now - $0.at > Self.lifetime }
        let isLast = boots.last?.id == id
        var boot = boots.first { $0.id == id } ?? Boot(id: id, returns: 0, at: now)
        let isBack = !isLast && boots.contains { $0.id == id }
        if isOneConnected, !isLast, !boots.isEmpty { overtook = min((overtook ?? 0) + 1, Int(Int32.max)) }
        if isBack { boot.returns = min(boot.returns + 1, Int(Int32.max)) }
        boot.at = now
        boots.removeAll { $0.id == id }
        boots.append(boot)
        if boots.count > Self.limit {
            boots.remove(at: briefest ?? boots.startIndex)
        }
        guard isBack else { return hasOvertakenOften && !isLast ? .takesTurns : .sole }
        let all = min((returned ?? 0) + 1, Int(Int32.max))
        returned = all
        let isOften = boot.returns > Self.returnsBorne || all > Self.returnsBorneOfAll || hasOvertakenOften
        return isOften ? .takesTurns : .isBack
    }

    /// The place of the start that stands closest between the one before it and the one after it, among those that never came back and that one
    /// has followed. The first has none before it.
    private var briefest: Int? {
        func span(_ index: Int) -> Interval {
            let after = boots[index + 1].at - boots[index].at
            return index == 0 ? Self.lifetime + Self.lifetime : max(after, boots[index].at - boots[index - 1].at)
        }
        return boots.indices.dropLast().filter { boots[$0].returns == 0 }.min { span($0) < span($1) }
    }
}
