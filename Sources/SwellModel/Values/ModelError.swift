/// What was wrong with a value or document of the model.
public struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of mistake it was.
    public struct Code: Hashable, Sendable {
        public let rawValue: String
        public init(_ rawValue: String) { self.rawValue = rawValue }

        public static let invalidName = Self("invalid-name")
        public static let invalidValue = Self("invalid-value")
        public static let unknownField = Self("unknown-field")
        public static let missingField = Self("missing-field")
        public static let wrongType = Self("wrong-type")
        public static let duplicate = Self("duplicate")
        public static let unknownReference = Self("unknown-reference")
        public static let syntax = Self("syntax")
        public static let tooLarge = Self("too-large")
    }

    public var code: Code
    /// What was wrong and what would be right.
    public var message: String
    /// Where: the file as the user named it, the line (from 1) and the path of the field (`spec.stages[1].soak`).
    public var file: String?
    public var line: Int?
    public var path: String?

    public init(code: Code, message: String, file: String? = nil, line: Int? = nil, path: String? = nil) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
        self.path = path
    }

    /// The same of what is in no file.
    public var withoutPlace: ModelError {
        var error = self
        (error.file, error.line) = (nil, nil)
        return error
    }

    /// `file:line: path: message`, leaving out what is not known.
    public var description: String {
        var text = ""
        if let file {
            text += line.map { "\(file):\($0): " } ?? "\(file): "
        } else if let line {
            text += "line \(line): "
        }
        if let path, !path.isEmpty { text += "\(path): " }
        return text + message
    }
}
