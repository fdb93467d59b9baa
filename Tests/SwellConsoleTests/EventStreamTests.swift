internal import KubernetesObjects
internal import SwellModel
internal import SwellStore
internal import Synchronization
internal import Testing

@testable internal import SwellConsole

@Suite struct EventStreamTests {
    @Test func followsEventsAndGoesOnWhereItBroke() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            var last = ""
            var isOrdered = false
            try await console.stream("/v1/events?follow=true") { events in
                if !events.isEmpty, !isOrdered {
                    isOrdered = true
                    _ = try await console.request(.post, "/v1/regions/us-west-1/pause", ["reason": "storm"])
                }
                last = events.last?.id ?? ""
                return events.last?.data["what"] == "region.paused"
            }
            _ = try await console.request(.post, "/v1/regions/us-west-1/resume")
            try await console.stream("/v1/events?follow=true", headers: [("Last-Event-ID", last)]) { events in
                if let first = events.first { #expect(first.data["what"] == "region.resumed") }
                return !events.isEmpty
            }
        }
    }

    @Test func watchesARollout() async throws {
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            _ = try await console.request(
                .post, "/v1/rollouts",
                ["application": "shop", "version": "1.0.0", "policy": "waves", "name": "r1"])
            try await console.stream("/v1/rollouts/r1/watch") { events in
                if let first = events.first {
                    #expect(first.event == "rollout" && first.data["metadata"]?["name"] == "r1")
                }
                return !events.isEmpty
            }
        }
    }

    @Test func freesThePlaceOfAClientThatWentAway() async throws {
        let configure: (inout ConsoleConfiguration) -> Void = { $0.maximumStreams = 1 }
        try await ConsoleHarness.run(configure: configure) { console in
            try await console.applyFleet()
            try await console.stream("/v1/events?follow=true") { events in
                guard !events.isEmpty else { return false }
                let second = try await console.request(.get, "/v1/events?follow=true")
                #expect(second.status == 503 && second.text.contains("too-many-streams"))
                return true
            }
            let deadline = ContinuousClock.now + .seconds(10)
            var isFree = false
            while !isFree, ContinuousClock.now < deadline {
                do {
                    try await console.stream("/v1/events?follow=true") { !$0.isEmpty }
                    isFree = true
                } catch is StreamRefused {
                    continue
                }
            }
            #expect(isFree)
        }
    }

    @Test func shutsDownWithStreamsOpen() async throws {
        let start = Mutex(ContinuousClock.now)
        try await ConsoleHarness.run { console in
            try await console.applyFleet()
            // Left open on purpose: the harness then shuts the service down and waits for it.
            try await console.stream("/v1/events?follow=true") { !$0.isEmpty }
            // How long a busy machine takes to come so far is not what is asked.
            start.withLock { $0 = .now }
        }
        #expect(ContinuousClock.now - start.withLock { $0 } < .seconds(15))
    }
}

@Suite struct EventStreamLimitTests {
    @Test func aPlaceThatNobodyTakesUpIsGivenBack() {
        let limit = EventStreamLimit(maximum: 1)
        // As where the client has gone before its answer's body was asked for.
        for _ in 0..<3 {
            let place = limit.place()
            #expect(place != nil && limit.place() == nil)
        }
        #expect(limit.place() != nil)
    }
}
