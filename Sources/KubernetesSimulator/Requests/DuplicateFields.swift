/// Finds members that a JSON document gives twice; parsers keep the last and say nothing.
enum DuplicateFields {
    /// The paths of such members, without the indexes of lists, each once.
    static func paths(in bytes: [UInt8]) -> [String] {
        var levels: [Level] = []
        var found: [String] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"): levels.append(Level(isObject: true))
            case UInt8(ascii: "["): levels.append(Level(isObject: false))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = levels.popLast()
            case UInt8(ascii: ","): if levels.last?.isObject == true { levels[levels.count - 1].expectsKey = true }
            case UInt8(ascii: "\""):
                let start = index + 1
                index = start
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                if let level = levels.last, level.isObject, level.expectsKey, index < bytes.count {
                    let key = String(decoding: bytes[start..<index], as: UTF8.self)
                    levels[levels.count - 1].expectsKey = false
                    levels[levels.count - 1].key = key
                    if !levels[levels.count - 1].seen.insert(key).inserted {
                        let path = levels.filter(\.isObject).map(\.key).joined(separator: ".")
                        if !found.contains(path) { found.append(path) }
                    }
                }
            default: break
            }
            index += 1
        }
        return found
    }

    private struct Level {
        let isObject: Bool
        var expectsKey = true
        var key = ""
        var seen: Set<String> = []
    }
}
