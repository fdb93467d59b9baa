internal import Testing

@testable internal import PortGuard

@Suite struct FrameCountTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, 0, 0, 0, 0, 1]
            + payload
    }

    @Test(
        arguments: [
            ([], 0), ([(4, 0)], 1), ([(8, 4), (8, 4), (0xEE, 300)], 3), ([(0, 31)], 1), ([(0, 32)], 0),
            ([(0, 70_000), (1, 20), (0, 0)], 2),
        ] as [([(UInt8, Int)], Int)])
    func smallFramesAreCountedHoweverTheyAreCut(frames: [(UInt8, Int)], expected: Int) {
        // The payload looks like headers of frames.
        let bytes = Self.preface + frames.flatMap { Self.frame($0, [UInt8](repeating: 0, count: $1)) }
        for cut in 0...min(bytes.count, 500) {
            var count = FrameCount()
            #expect(count.take(bytes[..<cut]) + count.take(bytes[cut...]) == expected, "cut at \(cut)")
        }
        var byByte = FrameCount()
        #expect(bytes.reduce(0) { $0 + byByte.take([$1]) } == expected)
    }

    @Test func whatIsNotWholeYetIsNotCounted() {
        var count = FrameCount()
        #expect(count.take(Self.preface + [0, 0, 4, 8, 0, 0, 0, 0]) == 0)
        #expect(count.take([0]) == 1)
        #expect(count.take([0, 0, 0, 1]) == 0)
    }

    @Test func aSecondHasItsOwnCount() {
        var second = SecondCount()
        let counts = [(3, 5), (4, 900), (1, 1_000), (2, 1_001), (1, 5_000)].map {
            second.add($0.0, atNanoseconds: UInt64($0.1) * 1_000_000)
        }
        #expect(counts == [3, 7, 1, 3, 1])
    }
}
