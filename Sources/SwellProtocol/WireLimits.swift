/// How much a message may hold. Both sides keep to these limits when they write and refuse what is beyond when they read.
public enum WireLimits {
    /// Applications in one hello, report or list.
    public static let applications = 2_000
    /// Characters of a report's message for people.
    public static let messageLength = 1_024
    /// Bytes of a short word: a reason, a version, an id.
    public static let wordLength = 256
    /// Digests in one request for documents.
    public static let digestsPerFetch = 256
    /// Bytes of content in one chunk.
    public static let chunkSize = 64 * 1024
    /// Bytes of one document.
    public static let documentSize = 8 * 1024 * 1024
    /// Capabilities in a hello.
    public static let capabilities = 64
    /// Labels of a cluster.
    public static let labels = 64
    /// The highest generation or epoch. Far beyond what any fleet counts to, and far from where adding one overflows.
    public static let ordinal: Int64 = 1 << 53
    /// Bytes of one encoded message of a stream. A full list of assignments is split to stay below it.
    public static let messageSize = 1024 * 1024
    /// Assignments in one message, so that it stays well below ``messageSize``.
    public static let assignmentsPerMessage = 500
    /// Bytes of drift in one message of reports, so that it stays well below ``messageSize``.
    public static let driftPerMessage = 512 * 1024
    /// Bytes of one application's drift.
    public static let driftSize = 64 * 1024
    /// Bytes of objects in one part of a preview's answer.
    public static let previewPart = 64 * 1024
    /// Bytes of one preview's answer.
    public static let previewSize = 512 * 1024
    /// Previews of one session whose answers may be on their way at a time.
    public static let previewsAtOnce = 8
    /// Objects in one preview's answer, and fields of one of them.
    public static let changes = 1_000
    /// Bytes of a changed field's value.
    public static let valueLength = 128 * 1024
    /// What an agent that answers previews has among its capabilities.
    public static let previewCapability = "preview"
}
