/// Runs an operation over items, at most `limit` side by side, and hands each result to the caller as it comes.
///
/// - Throws: What an operation or the closure throws; the operations still under way are cancelled.
public func forEachConcurrently<Item: Sendable, Output: Sendable>(
    _ items: [Item], atMost limit: Int, _ operation: @escaping @Sendable (Item) async throws -> Output,
    onResult: (Output) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Output.self) { group in
        var rest = items[...]
        for item in rest.prefix(max(1, limit)) { group.addTask { try await operation(item) } }
        rest = rest.dropFirst(max(1, limit))
        while let output = try await group.next() {
            if let item = rest.popFirst() { group.addTask { try await operation(item) } }
            try await onResult(output)
        }
    }
}
