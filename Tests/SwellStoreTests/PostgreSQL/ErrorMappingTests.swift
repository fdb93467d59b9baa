internal import PostgresClient
internal import Testing

@testable internal import SwellStore

@Suite struct ErrorMappingTests {
    private func mapped(_ code: PostgresError.Code, _ state: SQLState? = nil) -> StoreError {
        var error = PostgresError(code, "as the server says it")
        error.sqlState = state
        return StoreError(postgres: error)
    }

    @Test func aFullDiskIsSaidToBeOneAndLeavesTheOrderToBeTriedAgain() {
        let error = mapped(.server, .diskFull)
        #expect(error.code == .unavailable)
        #expect(error.message == "the database's disk is full, so nothing was done: give it room")
    }

    @Test(arguments: ["53200", "53300", "57P01", "57P03", "08006", "40001"] as [SQLState])
    func whatPassesIsNoFaultOfTheStatement(state: SQLState) { #expect(mapped(.server, state).code == .unavailable) }

    @Test func whatIsWrongWithAStatementIsOurFault() { #expect(mapped(.server, .syntaxError).code == .internalError) }

    @Test func aServerThatDidNotAnswerDidNothing() { #expect(mapped(.timedOut).code == .unavailable) }
}
