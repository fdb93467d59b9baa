/// Hides values. Equal values are hidden alike within one mask, so that a change can be seen and nothing else.
///
/// The stand-ins are numbered in order of appearance: unlike a hash they give nothing to guess at.
public struct SecretMask: Sendable {
    private var numbers: [String: Int] = [:]

    /// Creates a mask that has hidden nothing yet.
    public init() {}

    /// What stands in for a value.
    public mutating func standIn(for value: String) -> String {
        if let number = numbers[value] { return "<hidden \(number)>" }
        let number = numbers.count + 1
        numbers[value] = number
        return "<hidden \(number)>"
    }
}
