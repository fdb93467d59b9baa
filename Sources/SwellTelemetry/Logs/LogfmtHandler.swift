internal import FoundationEssentials
public import Logging
internal import ShownText

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Writes a line a record to standard error: `time=… level=info logger=… msg="…" key=value …`.
///
/// Keys are sorted, values are quoted where they need it, control characters escaped. Values under telling keys
/// (`password`, `token`, …) and what looks like a secret anywhere are masked; long values are cut at 4,096 characters.
/// A line is one write, so that lines of several threads do not mix.
public struct LogfmtHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let coloured: Bool
    private let now: @Sendable () -> Date
    private let write: @Sendable (String) -> Void

    private static let valueLimit = 4096

    /// A handler for the logger named `label`.
    public init(label: String, settings: LogSettings) {
        self.init(label: label, settings: settings, now: { Date() }, write: Self.writeToStandardError)
    }

    init(
        label: String, settings: LogSettings, now: @escaping @Sendable () -> Date,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.logLevel = settings.level
        self.coloured = settings.coloured
        self.now = now
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        var flat: [(key: String, value: String)] = []
        Self.flatten(fields, prefix: "", hidden: false, into: &flat)
        if let error = event.error { flat.append(("error", Masking.scrubbed("\(error)"))) }

        var line = "time=\(now().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))"
        line += " level=\(paint(event.level.rawValue, for: event.level)) logger=\(Self.quoted(label))"
        line += " msg=\(Self.quoted(Masking.scrubbed(event.message.description)))"
        for (key, value) in flat.sorted(by: { $0.key < $1.key }) {
            line += " \(Self.key(key))=\(Self.quoted(value))"
        }
        write(line + "\n")
    }

    private func paint(_ text: String, for level: Logger.Level) -> String {
        guard coloured else { return text }
        let colour =
            switch level {
            case .trace, .debug: 90
            case .info, .notice: 36
            case .warning: 33
            case .error, .critical: 31
            }
        return "\u{1b}[\(colour)m\(text)\u{1b}[0m"
    }

    /// Dictionaries become dotted keys, lists become one value.
    private static func flatten(
        _ metadata: Logger.Metadata, prefix: String, hidden: Bool, into flat: inout [(key: String, value: String)]
    ) {
        for (key, value) in metadata {
            let hidden = hidden || Masking.hides(key)
            switch value {
            case .dictionary(let inner): flatten(inner, prefix: "\(prefix)\(key).", hidden: hidden, into: &flat)
            default: flat.append(("\(prefix)\(key)", hidden ? Masking.mask : text(of: value)))
            }
        }
    }

    private static func text(of value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let text): Masking.scrubbed(text)
        case .stringConvertible(let value): Masking.scrubbed(value.description)
        case .array(let values): "[" + values.map { text(of: $0) }.joined(separator: ",") + "]"
        case .dictionary(let values):
            "{"
                + values.sorted { $0.key < $1.key }
                .map { "\($0.key):\(Masking.hides($0.key) ? Masking.mask : text(of: $0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private static func key(_ text: String) -> String {
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            !scalar.properties.isWhitespace && scalar != "=" && scalar != "\"" && !PlainText.isUnsafe(scalar)
        }
        if text.unicodeScalars.allSatisfy(isPlain) { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter(isPlain)))
    }

    /// `text` as a logfmt value.
    private static func quoted(_ text: String) -> String {
        let cut = text.utf8.count > valueLimit ? text.prefix(valueLimit) + "…" : text[...]
        let plain =
            !cut.isEmpty
            && cut.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0 != "=" && $0 != "\"" && $0 != "\\" && !PlainText.isUnsafe($0)
            }
        guard !plain else { return String(cut) }
        var result = "\""
        for scalar in cut.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if PlainText.isUnsafe(scalar) {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    /// One write a line; a line that a full pipe takes in part only is continued, and an error ends it: there is nobody
    /// to tell.
    private static let writeToStandardError: @Sendable (String) -> Void = { line in
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = systemWrite(STDERR_FILENO, rest)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}

// The handler has a property named write, which hides the system's function.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
