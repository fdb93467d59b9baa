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

    @Test func aFieldThatWasPutBackThreeTimesIsLeft() {
        var watch = DriftWatch()
        var now: Int64 = 0
        var pauses: [Interval] = []
        var said: [String?] = []
        for _ in 0..<3 {
            let found = watch.note([Self.object("a", by: "kube-controller")], isCorrected: true, now: Self.at(now))
            #expect(found?.isCorrected == true)
            said.append(found?.contention)
            now += watch.pause.milliseconds / 1_000
            pauses.append(watch.pause)
            // Looks that find nothing in between change nothing.
            #expect(watch.note([], isCorrected: true, now: Self.at(now)) == nil)
        }
        #expect(pauses == [1, 2, 1].map { Interval.seconds($0) })
        #expect(said[1] == nil)
        let why =
            "'kube-controller' keeps writing data.a of ConfigMap shop/a: put back 3 times in 3 s, and left as it is from now on, "
            + "until the next release; to leave it for good, let the application say for its next release: "
            + "ignoreFields: [{apiVersion: v1, kind: ConfigMap, name: a, paths: [data.a]}]"
        #expect(said[2] == why)
        #expect(watch.contested == [ContestedField(Self.object("a"), path: "data.a")])
        // What stands from now on is told once, whatever others make of it, and so is its end.
        let left = watch.note([Self.object("a", by: "x")], isCorrected: true, now: Self.at(now + 1))
        #expect(left == DriftFinding(objects: [Self.object("a", by: "x")], isCorrected: false, contention: why))
        #expect(watch.note([Self.object("a", by: "y")], isCorrected: true, now: Self.at(now + 2)) == nil)
        // What else is changed is put back as ever.
        let both = watch.note([Self.object("a"), Self.object("b")], isCorrected: true, now: Self.at(now + 3))
        #expect(both?.objects == [Self.object("b")] && both?.isCorrected == true)
        #expect(watch.note([Self.object("a")], isCorrected: true, now: Self.at(now + 4))?.isCorrected == false)
        #expect(watch.note([], isCorrected: true, now: Self.at(now + 5))?.objects == [])
        #expect(watch.note([], isCorrected: true, now: Self.at(now + 6)) == nil)
    }

    @Test func whoeverWritesOnceInAWhileIsLeftToo() {
        var watch = DriftWatch()
        for minute in [0, 50, 100] as [Int64] {
            let found = watch.note([Self.object("a")], isCorrected: true, now: Self.at(minute * 60))
            #expect((found?.contention != nil) == (minute == 100))
        }
        #expect(watch.contested.count == 1)
        var other = DriftWatch()
        for minute in [0, 61, 122, 183] as [Int64] {
            let found = other.note([Self.object("a")], isCorrected: true, now: Self.at(minute * 60))
            #expect(found?.contention == nil)
        }
    }

    @Test func manyFieldsStayWithinTheirBound() {
        var watch = DriftWatch()
        for second in 0..<20 as Range<Int64> {
            let fields = (0..<200).map { ChangedField(path: "data.k\(second)-\($0)", before: nil, after: nil) }
            var object = Self.object("a")
            object.fields = fields
            _ = watch.note([object], isCorrected: true, now: Self.at(second))
        }
        #expect(watch.contested == [ContestedField(Self.object("a"), path: "")], "the object as a whole")
        #expect(watch.contested.split([Self.object("a"), Self.object("b")]).open == [Self.object("b")])
    }

    @Test func peaceForAWhileEndsIt() {
        var watch = DriftWatch()
        for second in [0, 1] as [Int64] {
            _ = watch.note([Self.object("a")], isCorrected: true, now: Self.at(second))
        }
        #expect(watch.pause == .seconds(2))
        let later = watch.note([Self.object("a")], isCorrected: true, now: Self.at(1 + 121))
        #expect(later?.contention != nil, "of the field it is the third time")
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
