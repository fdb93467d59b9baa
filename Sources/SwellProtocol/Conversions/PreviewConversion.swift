package import SwellModel
internal import SwiftProtobuf

/// What an agent is asked: what would applying this release change?
package struct PreviewQuestion: Sendable, Hashable {
    package var id: Int64
    package var application: ApplicationName
    package var release: ReleaseReference
    /// How long an answer is waited for.
    package var timeLimit: Interval

    package init(id: Int64, application: ApplicationName, release: ReleaseReference, timeLimit: Interval) {
        self.id = id
        self.application = application
        self.release = release
        self.timeLimit = timeLimit
    }
}

/// A piece of the answer to a ``PreviewQuestion``.
package struct PreviewPart: Sendable, Hashable {
    /// The question's.
    package var id: Int64
    package var objects: [ObjectChange]
    /// What ends the answer; nil where more comes. Its `objects` are empty.
    package var end: PreviewAnswer?

    package init(id: Int64, objects: [ObjectChange], end: PreviewAnswer? = nil) {
        self.id = id
        self.objects = objects
        self.end = end
    }

    /// The pieces in which an answer goes over the wire, in order.
    package static func parts(of answer: PreviewAnswer, to id: Int64) -> [PreviewPart] {
        var parts: [PreviewPart] = []
        var objects: [ObjectChange] = []
        var size = 0
        for object in answer.objects {
            let next = object.size
            if !objects.isEmpty, size + next > WireLimits.previewPart {
                parts.append(PreviewPart(id: id, objects: objects))
                objects = []
                size = 0
            }
            objects.append(object)
            size += next
        }
        var end = answer
        end.objects = []
        parts.append(PreviewPart(id: id, objects: objects, end: end))
        return parts
    }
}

/// Puts answers to previews together again from their pieces. Pure; bounded in answers and in bytes.
package struct PreviewAssembler: Sendable {
    private var answers: [Int64: (objects: [ObjectChange], size: Int)] = [:]

    package init() {}

    /// Takes the next piece; gives the answer that it completes, if it does.
    package mutating func add(_ part: PreviewPart) throws(WireError) -> PreviewAnswer? {
        var answer = answers[part.id] ?? ([], 0)
        answer.objects += part.objects
        answer.size += part.objects.reduce(0) { $0 + $1.size }
        guard answer.size <= WireLimits.previewSize, answer.objects.count <= WireLimits.changes else {
            throw WireError(
                .tooLarge, at: "preview_part.objects",
                "\(answer.objects.count) objects of \(answer.size) bytes: expected at most \(WireLimits.changes) of "
                    + "\(WireLimits.previewSize)")
        }
        if var end = part.end {
            answers[part.id] = nil
            end.objects = answer.objects
            return end
        }
        answers[part.id] = answer
        guard answers.count <= WireLimits.previewsAtOnce else {
            throw WireError(
                .tooLarge, at: "preview_part.preview_id",
                "\(answers.count) answers at once: expected at most \(WireLimits.previewsAtOnce)")
        }
        return nil
    }
}

extension Swell_V1_PreviewPart {
    init(_ part: PreviewPart) {
        self.init()
        previewID = part.id
        objects = part.objects.map { Swell_V1_ObjectChange($0) }
        guard let answer = part.end else { return }
        end = .with {
            $0.unchanged = Int32(clamping: answer.unchanged)
            $0.omitted = Int32(clamping: answer.omitted)
            if let failure = answer.failure {
                $0.failure = .with {
                    $0.reason = trimmed(failure.reason, limit: WireLimits.wordLength / 4)
                    $0.message = trimmed(failure.message, limit: WireLimits.messageLength)
                }
            }
        }
    }
}

extension PreviewPart {
    init(_ message: Swell_V1_PreviewPart, at path: String) throws(WireError) {
        try checkCount(message.objects.count, limit: WireLimits.changes, at: "\(path).objects")
        var objects: [ObjectChange] = []
        for (index, object) in message.objects.enumerated() {
            objects.append(try ObjectChange(object, at: "\(path).objects[\(index)]"))
        }
        self.init(
            id: try checkedOrdinal(message.previewID, from: 1, at: "\(path).preview_id"), objects: objects,
            end: message.hasEnd ? try PreviewAnswer(message.end, at: "\(path).end") : nil)
    }
}

extension PreviewAnswer {
    fileprivate init(_ message: Swell_V1_PreviewEnd, at path: String) throws(WireError) {
        self.init(
            unchanged: try checkedCount(message.unchanged, at: "\(path).unchanged"),
            omitted: try checkedCount(message.omitted, at: "\(path).omitted"),
            failure: message.hasFailure
                ? PreviewFailure(
                    reason: try checkedWord(message.failure.reason, at: "\(path).failure.reason"),
                    message: try checkedText(
                        message.failure.message, required: false, at: "\(path).failure.message"))
                : nil)
    }
}

extension Swell_V1_PreviewRequest {
    init(_ question: PreviewQuestion) {
        self.init()
        previewID = question.id
        application = question.application.rawValue
        release = Swell_V1_Release(question.release)
        timeLimit = question.timeLimit.milliseconds
    }
}

extension PreviewQuestion {
    init(_ message: Swell_V1_PreviewRequest, at path: String) throws(WireError) {
        guard message.hasRelease else { throw WireError(.missingField, at: "\(path).release", "expected a release") }
        self.init(
            id: try checkedOrdinal(message.previewID, from: 1, at: "\(path).preview_id"),
            application: try checkedName(message.application, at: "\(path).application"),
            release: try ReleaseReference(message.release, at: "\(path).release"),
            timeLimit: try checkedInterval(message.timeLimit, at: "\(path).time_limit"))
    }
}
