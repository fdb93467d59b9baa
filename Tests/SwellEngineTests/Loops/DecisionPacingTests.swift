internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite("When due rollouts are decided")
struct DecisionPacingTests {
    private func at(_ milliseconds: Int64) -> Tick { Tick(milliseconds: milliseconds) }

    @Test("Many reports that come together make two decisions: at the first, and when the others are in")
    func gathers() {
        var pacing = DecisionPacing(spacing: .milliseconds(250))
        var begun: [Int64] = []
        for moment in Int64(0)...250 where pacing.begin(["shop"], now: at(moment)) == ["shop"] { begun.append(moment) }
        #expect(begun == [0, 250])
    }

    @Test("A rollout that was just decided holds up no other") func eachForItself() {
        var pacing = DecisionPacing(spacing: .milliseconds(250))
        let first = pacing.begin(["a", "b"], now: at(0))
        let second = pacing.begin(["a", "c", "b"], now: at(100))
        #expect(first == ["a", "b"] && second == ["c"])
        #expect(pacing.wait(of: ["a", "c"], beside: ["c"], now: at(100)) == .milliseconds(150))
        #expect(pacing.wait(of: ["d"], beside: [], now: at(100)) == nil)
    }

    @Test("One that another replica holds is tried again at the next poll, not as one that was held back")
    func blocked() {
        var pacing = DecisionPacing(spacing: .milliseconds(250))
        _ = pacing.begin(["theirs"], now: at(0))
        let ready = pacing.begin(["theirs"], now: at(1_000))
        #expect(ready == ["theirs"])
        #expect(pacing.wait(of: ["theirs"], beside: ready, now: at(1_000)) == nil)
    }

    @Test("A clock that stood still, or a rollout that is due all the time, is never held back for longer")
    func bounded() {
        var pacing = DecisionPacing(spacing: .milliseconds(250))
        _ = pacing.begin(["a"], now: at(0))
        for moment in stride(from: Int64(1), through: 10_000, by: 7) {
            _ = pacing.begin(["a"], now: at(moment))
            let wait = pacing.wait(of: ["a"], beside: [], now: at(moment)) ?? .zero
            #expect(wait > .zero && wait <= .milliseconds(250))
        }
    }
}
