/// What went wrong in a load or a baseline.
package struct LoadError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package enum Code: String, Sendable {
        /// A setting or order that cannot be used.
        case invalid
        /// A file that cannot be read or written.
        case file
        /// The system gives less than the load takes.
        case tooLittle = "too_little"
    }

    package var code: Code
    /// What was wrong, where, and what would be right.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
