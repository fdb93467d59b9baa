/// What goes wrong in one cluster, as ordered by a test or an operator.
public struct FaultPlan: Sendable, Hashable, Codable {
    /// How an API server is away.
    public enum Outage: String, Sendable, Hashable, Codable, CaseIterable {
        /// Nothing listens: connections are refused.
        case refuse
        /// Requests are taken and never answered.
        case hang
        /// Connections are cut as soon as a request arrives.
        case reset
    }

    /// How the pods of an image behave.
    public enum Behaviour: String, Sendable, Hashable, Codable, CaseIterable {
        /// Runs, becomes ready, and jobs complete.
        case healthy
        /// Exits with an error again and again: `CrashLoopBackOff`.
        case crashLoop = "crashloop"
        /// Becomes ready for a moment each time round before it crashes.
        case flapping
        /// Its image cannot be pulled: `ErrImagePull`, then `ImagePullBackOff`.
        case pullError = "pullerror"
        /// Becomes ready late.
        case slow
        /// Runs and never becomes ready; jobs never finish.
        case neverReady = "never-ready"
    }

    /// Requests that fail by chance.
    public struct Errors: Sendable, Hashable, Codable {
        /// The share of requests, 0 to 1.
        public var rate: Double
        /// The HTTP status: 429, 500, 503 or 504.
        public var status: Int

        /// Creates a rate of errors.
        public init(rate: Double, status: Int) {
            self.rate = rate
            self.status = status
        }
    }

    /// A behaviour for every image whose reference contains a text.
    public struct ImageFault: Sendable, Hashable, Codable {
        /// The text to look for in the image's reference.
        public var contains: String
        /// What pods of such an image do.
        public var behaviour: Behaviour

        /// Creates a fault of an image.
        public init(contains: String, behaviour: Behaviour) {
            self.contains = contains
            self.behaviour = behaviour
        }
    }

    /// How the API server is away; nil when it is there.
    public var outage: Outage?
    /// Seconds that every answer is held back.
    public var latency: Double
    /// Requests that fail by chance; nil for none.
    public var errors: Errors?
    /// Behaviours by image; the first that fits counts, before what the image's tag says.
    public var images: [ImageFault]
    /// Answers given in the server's place; the first that is for a request counts. At most ``Answer/limit``.
    public var answers: [Answer]

    /// Creates a plan; by default nothing is wrong.
    public init(
        outage: Outage? = nil, latency: Double = 0, errors: Errors? = nil, images: [ImageFault] = [],
        answers: [Answer] = []
    ) {
        self.outage = outage
        self.latency = latency
        self.errors = errors
        self.images = images
        self.answers = answers
    }

    /// Nothing is wrong.
    public static let none = FaultPlan()

    /// What a container does: by annotation, by the plan's images, by the words in its image's tag, else healthy.
    func behaviour(image: String, annotation: String?) -> Behaviour {
        if let annotation, let named = Behaviour(rawValue: annotation) { return named }
        if let fault = images.first(where: { image.contains($0.contains) }) { return fault.behaviour }
        let tag = image.split(separator: "/").last.map(String.init) ?? image
        for (word, behaviour) in Self.words where tag.contains(word) { return behaviour }
        return .healthy
    }

    private static let words: [(String, Behaviour)] = [
        ("never-ready", .neverReady), ("flapping", .flapping), ("crash", .crashLoop), ("broken", .crashLoop),
        ("missing", .pullError), ("pullerror", .pullError), ("badimage", .pullError), ("slow", .slow),
    ]
}
