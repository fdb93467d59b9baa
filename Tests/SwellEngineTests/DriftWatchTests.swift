internal import SwellEngine
internal import SwellModel
internal import Testing

@Suite struct DriftWatchTests {
    private static func object(_ name: String, by manager: String? = nil) -> ObjectChange {
        ObjectChange(
            apiVersion: "v1", kind: "ConfigMap", namespace: "shop", name: name, action: .update,
            fields: [ChangedField(path: "data.a", before: nil, after: nil, managers: manager.map { [$0] } ?? [])])
    }

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_000_000 + seconds * 1_000) }

    @Test func aChangeIsAnsweredAtOnceAndToldEachTime() {
        var watch = DriftWatch()
        #expect(watch.note([], isCorrected: true, now: Self.at(0))?.objects == [], "the first look may end something")
        #expect(watch.note([], isCorrected: true, now: Self.at(60)) == nil)
        let found = watch.note([Self.object("a")], isCorrected: true, now: Self.at(61))
        #expect(found == DriftFinding(objects: [Self.object("a")], isCorrected: true))
        #expect(watch.pause == .seconds(1))
        let other = watch.note([Self.object("b")], isCorrected: true, now: Self.at(63))
        #expect(other?.contention == nil)
        #expect(watch.pause == .seconds(1), "another object is another concern")
    }

    @Test func whoKeepsWritingIsAnsweredEverMoreSeldomAndNamed() {
        var watch = DriftWatch()
        var now: Int64 = 0
        var pauses: [Interval] = []
        var said: [String?] = []
        for _ in 0..<9 {
            let found = watch.note([Self.object("a", by: "kube-controller")], isCorrected: true, now: Self.at(now))
            said.append(found?.contention)
            pauses.append(watch.pause)
            now += watch.pause.milliseconds / 1_000
            // Looks that find nothing in between change nothing.
            #expect(watch.note([], isCorrected: true, now: Self.at(now)) == nil)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { Interval.seconds($0) })
        #expect(said[1] == nil)
        #expect(said[4] == "changed again by 'kube-controller' 5 times in 15 s; put back every 16s at most")
    }

    @Test func peaceForAWhileEndsIt() {
        var watch = DriftWatch()
        for second in [0, 1, 3] as [Int64] {
            _ = watch.note([Self.object("a")], isCorrected: true, now: Self.at(second))
        }
        #expect(watch.pause == .seconds(4))
        let later = watch.note([Self.object("a")], isCorrected: true, now: Self.at(3 + 121))
        #expect(later?.contention == nil)
        #expect(watch.pause == .seconds(1))
    }

    @Test func whatIsOnlyReportedIsToldWhenItChanges() {
        var watch = DriftWatch()
        #expect(watch.note([], isCorrected: false, now: Self.at(0))?.objects == [])
        #expect(watch.note([Self.object("a")], isCorrected: false, now: Self.at(1))?.objects.count == 1)
        #expect(watch.note([Self.object("a")], isCorrected: false, now: Self.at(2)) == nil)
        #expect(watch.note([Self.object("a"), Self.object("b")], isCorrected: false, now: Self.at(3)) != nil)
        #expect(watch.note([], isCorrected: false, now: Self.at(4))?.objects == [], "its end")
        #expect(watch.note([], isCorrected: false, now: Self.at(5)) == nil)
        #expect(watch.pause == .seconds(1), "looking is no fight")
    }
}
