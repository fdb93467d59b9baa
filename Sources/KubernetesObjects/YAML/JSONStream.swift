/// JSON objects one after the other in one text, as `jq` and `kubectl get -o json` in a loop print them, and as kubectl takes them.
///
/// YAML has no such stream: a mark is put before each further object, so that each is a document. Lines keep their numbers where each
/// object begins on one of its own.
enum JSONStream {
    /// The text with marks; as it is where it is no such stream.
    static func separated(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else { return bytes }
        var starts: [Int] = []
        var (depth, isText, isEscaped) = (0, false, false)
        for (index, byte) in bytes.enumerated() {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "{"):
                if depth == 0 { starts.append(index) }
                depth += 1
            case UInt8(ascii: "}"):
                guard depth > 0 else { return bytes }
                depth -= 1
            case UInt8(ascii: "\"") where depth > 0: isText = true
            // Whatever else stands between is none of a stream's.
            default: if depth == 0, !isSpace(byte) { return bytes }
            }
        }
        guard starts.count > 1, depth == 0 else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + starts.count * 5)
        var position = 0
        for start in starts.dropFirst() {
            var line = start
            while line > position, [0x20, 0x09].contains(bytes[line - 1]) { line -= 1 }
            result.append(contentsOf: bytes[position..<line])
            if bytes[line - 1] != UInt8(ascii: "\n") { result.append(UInt8(ascii: "\n")) }
            result.append(contentsOf: "--- ".utf8)
            position = start
        }
        result.append(contentsOf: bytes[position...])
        return result
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
}
