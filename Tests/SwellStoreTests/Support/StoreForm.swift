internal import Foundation
internal import SwellModel
internal import SwellStore
internal import Testing

/// The forms of the store; every conformance test runs on each.
enum StoreForm: String, CaseIterable, CustomTestStringConvertible {
    case memory

    var testDescription: String { rawValue }

    /// Runs `body` with an empty store of this form.
    func run(_ body: (any Store) async throws -> Void) async throws {
        switch self {
        case .memory:
            try await body(MemoryStore(clock: wallClock))
        }
    }
}

@Sendable func wallClock() -> Timestamp {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
}

/// Expects an error of the store with this code, and returns it.
@discardableResult
func expect(
    _ code: StoreError.Code, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws(StoreError) -> Void
) async -> StoreError? {
    do {
        try await body()
        Issue.record("expected \(code.rawValue), but it succeeded", sourceLocation: sourceLocation)
        return nil
    } catch {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        return error
    }
}

/// Waits until `condition` holds, at most ten seconds.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(10))
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not within ten seconds: \(what)", sourceLocation: sourceLocation)
}
