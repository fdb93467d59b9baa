/// One decoder of bytes from outside, with what must hold of it whatever the bytes are.
struct FuzzTarget: Sendable, CustomStringConvertible {
    /// The name of its folder in the corpus.
    let name: String
    /// Words of its language that mutations strew in.
    var words: [String] = []
    /// Tries an input; throws a ``Finding`` when something does not hold that must.
    let check: @Sendable (_ input: [UInt8]) throws -> Void

    var description: String { name }
}

/// What must hold and does not.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Runs a decoder, which may refuse: by an error of its own type that says something. Nil where it refused.
func accepted<Value, Refusal: Error>(
    orRefusedBy refusal: Refusal.Type, _ decode: () throws -> Value
) throws -> Value? {
    do {
        return try decode()
    } catch let error as Refusal {
        if "\(error)".isEmpty { throw Finding("refused by \(refusal) without a word") }
        return nil
    } catch let finding as Finding {
        throw finding
    } catch {
        throw Finding("refused by \(type(of: error)), expected \(refusal): \(error)")
    }
}

/// A property that must hold; `what` says which.
func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    if !holds { throw Finding(what()) }
}

/// An input as text, or nil where it is no UTF-8: for decoders that are handed strings.
func text(_ input: [UInt8]) -> String? { String(validating: input, as: UTF8.self) }
