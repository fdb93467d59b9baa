internal import GRPCCore
internal import GRPCNIOTransportHTTP2
public import SwellIdentity
public import SwellModel

/// How the agent finds and knows its coordinator.
public struct LinkSettings: Sendable {
    public var cluster: ClusterName
    /// The fleet port.
    public var coordinator: Endpoint
    /// The enrolment port.
    public var enrolment: Endpoint
    /// A file with a join token, for the first start.
    public var joinTokenFile: String?
    /// The fingerprint of the coordinator's authority, for the first contact.
    public var authorityPin: KeyFingerprint?
    /// The agent's version, as the coordinator is told.
    public var version: String
    /// How long dialling and the coordinator's first word may take.
    public var helloTimeout: Duration
    /// The address of this machine that sessions are dialled from; nil for whatever the system takes.
    package var source: String?

    public init(
        cluster: ClusterName, coordinator: Endpoint, enrolment: Endpoint, joinTokenFile: String? = nil,
        authorityPin: KeyFingerprint? = nil, version: String = "0.1.0", helloTimeout: Duration = .seconds(15)
    ) {
        self.cluster = cluster
        self.coordinator = coordinator
        self.enrolment = enrolment
        self.joinTokenFile = joinTokenFile
        self.authorityPin = authorityPin
        self.version = version
        self.helloTimeout = helloTimeout
    }

    /// The transport's settings: pings find a dead connection within a minute; sizes are as the protocol says.
    static var transport: HTTP2ClientTransport.Posix.Config {
        .defaults { config in
            config.connection.keepalive = .init(time: .seconds(30), timeout: .seconds(15), allowWithoutCalls: false)
            config.connection.maxIdleTime = nil
            config.backoff.initial = .milliseconds(200)
            config.backoff.max = .seconds(2)
        }
    }

    /// Options of a call: it fails when there is no connection, so that the agent's own pacing counts.
    static func call(timeout: Duration? = nil) -> CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = false
        options.timeout = timeout
        // The client takes its inbound limit from this one.
        options.maxRequestMessageBytes = 4 << 20
        return options
    }
}

/// Says a state once: repeated words about an unchanged state are left out.
struct StateLog {
    private var told: String?

    /// Whether `state` is news.
    mutating func isNews(_ state: String) -> Bool {
        guard told != state else { return false }
        told = state
        return true
    }
}
