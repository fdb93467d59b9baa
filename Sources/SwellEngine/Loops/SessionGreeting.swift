public import SwellModel

/// How an agent is greeted: what it runs is taken in, it gets to know what it should run, and from then on what changes.
///
/// The order is the point. It counts as seen before anything else, also where the store is away and nothing comes of the greeting. Its
/// journal is committed before the session is entered, and the session is entered before its list is read: what changes after the
/// reading comes through the feed, and comes twice at worst. A list that was read before the store went back is read again.
public struct SessionGreeting: Sendable {
    /// What happened.
    public enum Event: Sendable, Hashable {
        /// The agent said hello. Whether one more session finds room here.
        case hello(journal: [ApplicationReport], hasRoom: Bool)
        /// Where the cluster is; nil where it is not in the fleet.
        case placed(Cluster?)
        case ingested
        /// The session is known to the feed; how often that has seen the store go back.
        case entered(term: Int)
        /// The list came; and how often the store has gone back by now.
        case listed(ChangePage, term: Int)
    }

    /// What to do, in order. Those that say so are answered by an event.
    public enum Action: Sendable, Hashable {
        /// Note that the agent was seen.
        case see
        /// Find out where the cluster is; answered by `placed`.
        case place
        /// Take in what it runs; answered by `ingested`.
        case ingest([ApplicationReport])
        /// Let the feed know of the session; answered by `entered`.
        case enter(Cluster)
        /// Read what the cluster should run; answered by `listed`.
        case readList
        /// Welcome the agent, and tell it this, its first full list.
        case open(Cluster, ChangeDelivery)
        case sendAway(Refusal)
    }

    /// Why an agent is sent away.
    public enum Refusal: Sendable, Hashable { case noRoom, notInFleet }

    private enum State {
        case new
        case placing([ApplicationReport])
        case ingesting(Cluster)
        case entering(Cluster)
        case reading(Cluster, term: Int)
        case done
    }

    private var state = State.new

    public init() {}

    /// What follows from an event.
    public mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.new, .hello(let journal, hasRoom: true)):
            state = .placing(journal)
            return [.see, .place]
        case (.new, .hello(_, hasRoom: false)):
            state = .done
            return [.see, .sendAway(.noRoom)]
        case (.placing, .placed(nil)):
            state = .done
            return [.sendAway(.notInFleet)]
        case (.placing(let journal), .placed(let place?)):
            state = .ingesting(place)
            return [.ingest(journal)]
        case (.ingesting(let place), .ingested):
            state = .entering(place)
            return [.enter(place)]
        case (.entering(let place), .entered(let term)):
            state = .reading(place, term: term)
            return [.readList]
        case (.reading(let place, let term), .listed(let page, let now)):
            guard term == now else {
                state = .reading(place, term: now)
                return [.readList]
            }
            state = .done
            let moment = StoreMoment(term: term, counter: page.counter)
            return [.open(place, ChangeDelivery(moment: moment, assignments: page.assignments))]
        default:
            assertionFailure("\(event) cannot come while a greeting is \(state)")
            return []
        }
    }
}
