internal import Hummingbird
internal import NIOCore
internal import SwellModel

/// What a request carries along: who sent it.
struct ConsoleContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The operator's name, from the bearer token; set for everything below `/v1`.
    var actor = ""
    /// The connection it came over.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.channel = source.channel
        self.coreContext = CoreRequestContextStorage(source: source)
    }

    /// A name in the path, or 404: what is not a name cannot be there.
    func name<Kind>(_ parameter: String, _ what: String) throws(Problem) -> Name<Kind> {
        let text = parameters.get(parameter) ?? ""
        guard let name = try? Name<Kind>(text.removingPercentEncoding ?? text) else {
            throw Problem.notFound("there is no \(what) '\(text.prefix(80))'")
        }
        return name
    }
}

extension Request {
    /// Whether a query says `NAME=true`; false where it is not there.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch uri.queryParameters.get(name) {
        case nil, "false": return false
        case "true": return true
        case let text?: throw Problem.malformed("\(name) is '\(text.prefix(40))'; write true or false")
        }
    }
}

extension String {
    /// The text with `%41` and the like resolved; nil where that is not well-formed.
    var removingPercentEncoding: String? {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            func digit(_ byte: UInt8?) -> UInt8? {
                byte.flatMap { Character(Unicode.Scalar($0)).hexDigitValue }.map { UInt8($0) }
            }
            guard let high = digit(rest.popFirst()), let low = digit(rest.popFirst()) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
