/// How many small frames of HTTP/2 a connection may send in a second.
///
/// Every frame costs the same work, whatever it carries, and those that carry nothing are neither held back by windows nor, most of them,
/// counted by what reads them (swift-nio-http2 counts resets, pings and settings, and no window updates nor frames of unknown types).
package struct FrameLimits: Sendable, Hashable {
    /// Of a peer that is known.
    package var known: Int
    /// Of a stranger.
    package var strangers: Int

    package init(known: Int = 10_000, strangers: Int = 1_000) {
        precondition(strangers > 0 && known >= strangers)
        self.known = known
        self.strangers = strangers
    }
}

/// Finds the beginnings of small frames in what a client of HTTP/2 sends, however it is cut into reads (RFC 9113, 3.4 and 4.1). Pure.
///
/// Small is every frame that is not DATA, and DATA with less than ``smallData`` bytes. It holds one frame's header at most; what is no
/// HTTP/2 is counted as nonsense would be, and refused by who reads it.
package struct FrameCount: Sendable, Hashable {
    /// Below so many bytes, DATA counts as well: a byte a frame is no use either.
    package static let smallData = 32
    private static let prefaceLength = 24
    private static let headerLength = 9

    /// Bytes to be skipped: of the preface, or of a payload.
    private var skipping = Self.prefaceLength
    /// How many bytes of a header have come, and what its length and type are so far.
    private var headerBytes = 0
    private var length = 0
    private var type: UInt8 = 0

    package init() {}

    /// Takes in what came next; returns how many small frames began in it.
    package mutating func take(_ bytes: some RandomAccessCollection<UInt8>) -> Int {
        var small = 0
        var rest = bytes[...]
        while !rest.isEmpty {
            if skipping > 0 {
                let skipped = min(skipping, rest.count)
                rest = rest.dropFirst(skipped)
                skipping -= skipped
                continue
            }
            let byte = rest.removeFirst()
            switch headerBytes {
            case 0..<3: length = length << 8 | Int(byte)
            case 3: type = byte
            default: break
            }
            headerBytes += 1
            guard headerBytes == Self.headerLength else { continue }
            if type != 0 || length < Self.smallData { small += 1 }
            skipping = length
            headerBytes = 0
            length = 0
        }
        return small
    }
}

/// How many of something came in the running second. Pure: the caller gives the time.
package struct SecondCount: Sendable, Hashable {
    private var second: UInt64?
    private var count = 0

    package init() {}

    /// Adds some at a moment, in nanoseconds of a clock that never goes back; returns how many that second has.
    package mutating func add(_ more: Int, atNanoseconds now: UInt64) -> Int {
        let current = now / 1_000_000_000
        if current != second {
            second = current
            count = 0
        }
        count += more
        return count
    }
}
