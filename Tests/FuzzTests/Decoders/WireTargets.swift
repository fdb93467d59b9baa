internal import SwellModel
internal import SwiftProtobuf

@testable internal import SwellProtocol

/// Messages between coordinator and agent.
enum WireTargets {
    static let all = [agent, coordinator, chunks]

    private static let words = ["shop", "sha256:" + String(repeating: "0", count: 64), "\u{8}\u{1}", "\u{12}\u{4}"]

    /// What an agent says reads back as itself after it was checked.
    static let agent = FuzzTarget(name: "wire-agent", words: words) { input in
        guard let message = try? Swell_V1_AgentMessage(serializedBytes: input) else { return }
        let read = try accepted(orRefusedBy: WireError.self) { try AgentEvent(message) }
        guard let event = read else { return }
        let written: [UInt8] = try Swell_V1_AgentMessage(event).serializedBytes()
        // The writer cuts texts for people shorter than the reader accepts: what it wrote once it writes again.
        let again = try AgentEvent(Swell_V1_AgentMessage(serializedBytes: written))
        let rewritten: [UInt8] = try Swell_V1_AgentMessage(again).serializedBytes()
        try require(rewritten == written, "\(event) is written otherwise the second time")
    }

    /// What the coordinator says reads back as itself after it was checked.
    static let coordinator = FuzzTarget(name: "wire-coordinator", words: words) { input in
        guard let message = try? Swell_V1_CoordinatorMessage(serializedBytes: input) else { return }
        let read = try accepted(orRefusedBy: WireError.self) { try CoordinatorEvent(message, cluster: "a") }
        guard let event = read else { return }
        let written: [UInt8] = try Swell_V1_CoordinatorMessage(event).serializedBytes()
        let again = try CoordinatorEvent(Swell_V1_CoordinatorMessage(serializedBytes: written), cluster: "a")
        // A map of labels has no order on the wire, so values are compared here.
        let rewritten: [UInt8] = try Swell_V1_CoordinatorMessage(again).serializedBytes()
        let third = try CoordinatorEvent(Swell_V1_CoordinatorMessage(serializedBytes: rewritten), cluster: "a")
        try require(third == again, "\(again) reads back as \(third)")
    }

    /// Only what has its digest comes out. The input is read as chunks, each after a byte with its length.
    static let chunks = FuzzTarget(name: "wire-chunks", words: words) { input in
        let wanted = [ContentDocument(content: Array("hello".utf8)), ContentDocument(content: [])]
        var assembler = DocumentAssembler(awaiting: wanted.map(\.digest))
        var rest = input[...]
        while let length = rest.popFirst() {
            let bytes = Array(rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
            guard let chunk = try? Swell_V1_DocumentChunk(serializedBytes: bytes) else { continue }
            let made = try accepted(orRefusedBy: WireError.self) { try assembler.add(chunk) }
            if let document = made ?? nil { try require(wanted.contains(document), "another document came out") }
        }
    }
}
