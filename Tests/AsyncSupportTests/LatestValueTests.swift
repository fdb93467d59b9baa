internal import Testing

@testable internal import AsyncSupport

@Suite(.timeLimit(.minutes(1))) struct LatestValueTests {
    @Test func theLatestIsHeldAndTakenOnce() async {
        let latest = LatestValue<Int>()
        latest.send(1)
        latest.send(2)
        #expect(await latest.next() == 2)
        #expect(latest.take() == nil)
        #expect(await latest.next(within: .milliseconds(1)) == nil)
        latest.send(3)
        #expect(await latest.next(within: .zero) == 3)
        async let waited = latest.next(within: .seconds(30))
        latest.send(4)
        #expect(await waited == 4)
    }

    @Test func manyWaitAndEachValueGoesToOneOfThem() async {
        let latest = LatestValue<Int>()
        let taken = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<5 { group.addTask { await latest.next() } }
            var taken: [Int] = []
            for value in 1...5 {
                latest.send(value)
                if let value = await group.next() ?? nil { taken.append(value) }
            }
            return taken
        }
        #expect(taken == [1, 2, 3, 4, 5])
    }

    @Test func aCancelledWaitHasNoValue() async {
        let latest = LatestValue<Int>()
        await withTaskGroup(of: Int?.self) { group in
            group.addTask { await latest.next() }
            group.addTask { await latest.next(within: .seconds(600)) }
            group.cancelAll()
            for await value in group { #expect(value == nil) }
        }
    }
}
