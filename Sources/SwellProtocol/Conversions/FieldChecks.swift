internal import ShownText
internal import SwellModel

// What every conversion checks of single fields. `path` says where the field is.

func checkedName<Kind>(_ text: String, at path: String) throws(WireError) -> Name<Kind> {
    guard !text.isEmpty else { throw WireError(.missingField, at: path, "expected a name") }
    do {
        return try Name<Kind>(text)
    } catch {
        throw WireError(.invalidValue, at: path, error.message)
    }
}

func checkedDigest(_ text: String, at path: String) throws(WireError) -> ContentDigest {
    guard !text.isEmpty else { throw WireError(.missingField, at: path, "expected a digest") }
    do {
        return try ContentDigest(text)
    } catch {
        throw WireError(.invalidValue, at: path, error.message)
    }
}

func checkedOptionalDigest(_ text: String, at path: String) throws(WireError) -> ContentDigest? {
    text.isEmpty ? nil : try checkedDigest(text, at: path)
}

/// A generation or an epoch.
func checkedOrdinal(_ value: Int64, from least: Int64 = 0, at path: String) throws(WireError) -> Int64 {
    guard value >= least else {
        throw WireError(.invalidValue, at: path, "\(value) is too small: expected at least \(least)")
    }
    guard value <= WireLimits.ordinal else {
        throw WireError(.invalidValue, at: path, "\(value) is too large: expected at most \(WireLimits.ordinal)")
    }
    return value
}

/// A short text: at most `limit` bytes, no control characters.
func checkedWord(
    _ text: String, limit: Int = WireLimits.wordLength, required: Bool = true, at path: String
) throws(WireError) -> String {
    if required, text.isEmpty { throw WireError(.missingField, at: path, "expected a text") }
    guard text.utf8.count <= limit else {
        throw WireError(.tooLarge, at: path, "\(text.utf8.count) bytes: expected at most \(limit)")
    }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        throw WireError(.invalidValue, at: path, "a control character: expected plain text")
    }
    return text
}

/// A length of time in milliseconds from nothing to ten years.
func checkedInterval(_ milliseconds: Int64, at path: String) throws(WireError) -> Interval {
    guard milliseconds >= 0, milliseconds <= 10 * 366 * 24 * 3_600_000 else {
        throw WireError(.invalidValue, at: path, "\(milliseconds) ms: expected 0 ms to ten years")
    }
    return .milliseconds(milliseconds)
}

/// A text for people: at most ``WireLimits/messageLength`` characters, no control characters.
func checkedText(_ text: String, required: Bool, at path: String) throws(WireError) -> String {
    guard text.unicodeScalars.count <= WireLimits.messageLength else {
        throw WireError(
            .tooLarge, at: path,
            "\(text.unicodeScalars.count) characters: expected at most \(WireLimits.messageLength)")
    }
    // Every scalar has at most four bytes, so the character limit bounds the bytes.
    return try checkedWord(text, limit: WireLimits.messageLength * 4, required: required, at: path)
}

/// How many there are of something.
func checkedCount(_ value: Int32, at path: String) throws(WireError) -> Int {
    guard value >= 0 else { throw WireError(.invalidValue, at: path, "\(value): expected at least 0") }
    return Int(value)
}

func checkCount(_ count: Int, limit: Int, at path: String) throws(WireError) {
    guard count <= limit else { throw WireError(.tooLarge, at: path, "\(count) entries: expected at most \(limit)") }
}

/// `text` cut to `limit` characters, and to plain text of one line, for a field that people read.
func trimmed(_ text: String, limit: Int) -> String {
    var plain = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        plain.unicodeScalars.append(scalar.value < 0x20 || PlainText.isUnsafe(scalar) ? " " : scalar)
    }
    return plain
}
