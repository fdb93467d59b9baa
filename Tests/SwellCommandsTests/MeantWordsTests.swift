internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel
internal import Testing

@testable internal import SwellCommands

/// What was meant is proposed, for commands, flags and kinds; fields and annotations are explained.
@Suite struct MeantWordsTests {
    private func flagProblem(_ words: String) -> String? {
        let arguments = words.split(separator: " ").map(String.init)
        return CommandWords.flagProblem(in: arguments, help: SwellTool._dumpHelp())?.message
    }

    @Test(arguments: [
        ("plan shop --version 1 --polcy waves", "'swell plan' has no flag '--polcy'; did you mean '--policy'?"),
        (
            "rollout start shop --verison=1 --policy w",
            "'swell rollout start' has no flag '--verison'; did you mean '--version'?"
        ),
        ("get clusters -policy", "'swell get' has no flag '-policy'"),
    ])
    func anUnknownFlagIsNamedWithTheNearest(words: String, said: String) {
        let told = flagProblem(words)
        #expect(told?.hasPrefix(said) == true, "\(told ?? "nothing")")
    }

    @Test(arguments: [
        "plan shop --version 1", "apply -f -", "rollout start shop --version 1 --policy w -w", "get clusters -o json",
        "rollout undo r1 --region=east -- --polcy", "--help",
    ])
    func knownFlagsAreNoProblem(words: String) {
        #expect(flagProblem(words) == nil)
    }

    @Test func aKindIsNamedWithTheNearest() {
        let error = #expect(throws: ValidationError.self) { try Resource.named("clsuters") }
        #expect(error?.message.contains("did you mean 'clusters'?") == true)
    }

    private func explained(_ what: String) throws -> String {
        try Explanation.lines(of: what, isRecursive: false, columns: 100).joined(separator: "\n")
    }

    @Test func fieldsAreExplained() throws {
        let soak = try explained("policy.stages.soak")
        #expect(soak.hasPrefix("KIND:     RolloutPolicy\nVERSION:  swell.dev/v1\n\nFIELD:    soak <duration>"))
        #expect(soak.contains("Default: 0s"))
        #expect(try explained("policy.spec.stages.soak") == soak)
        let drift = try explained("app.strategy.drift")
        #expect(drift.contains("Values: correct, report") && drift.contains("Default: correct"))
        #expect(try explained("policy").contains("  spec <Spec> -required-"))
        #expect(try explained("policy.progressDeadline").contains("up to 10s later"))
        #expect(try explained("swell.dev/hook-delete").contains("Absent:  never"))
        #expect(try explained("annotations").contains("swell.dev/wave"))
    }

    @Test(arguments: [
        ("policy.stages.soka", "'policy.spec.stages' has no field 'soka'; did you mean 'soak'?"),
        ("plicy", "did you mean 'policy'?"), ("rollouts", "'rollouts' is no document that is applied"),
        ("swell.dev/hok", "did you mean 'swell.dev/hook'?"),
        ("policy.stages.soak.x", "'policy.spec.stages.soak' has no fields"),
    ])
    func whatThereIsNotIsSaid(what: String, said: String) {
        let error = #expect(throws: CommandError.self) { try explained(what) }
        #expect(error?.code == .notFound && error?.message.contains(said) == true, "\(error?.message ?? "")")
    }

    @Test func programsComplainInOrderWithoutTheirLogs() {
        let text = """
            # Warning: 'bases' is deprecated. Please use 'resources' instead.
            I1130 09:00:00.000000   12345 loader.go:395] Config loaded
            W1130 09:00:00.000000   12345 warnings.go:70] old API
            E1130 09:00:00.000000   12345 run.go:74] "command failed"
            error: accumulating resources: no such file
            """
        #expect(
            ProgramComplaint(text).text
                == "\"command failed\"\nerror: accumulating resources: no such file\n"
                + "warning: 'bases' is deprecated. Please use 'resources' instead.\nwarning: old API")
        #expect(
            ProgramComplaint(text).warnings == [
                "'bases' is deprecated. Please use 'resources' instead.", "old API", "\"command failed\"",
                "error: accumulating resources: no such file",
            ])
        #expect(ProgramComplaint("I1130 09:00:00.000000 1 a.go:1] x").text == "I1130 09:00:00.000000 1 a.go:1] x")
    }

    @Test(arguments: [
        ("level=INFO msg=\"found symbolic link\"", []), ("", []), ("\n \n", []),
        ("level=WARN msg=\"cannot overwrite \\\"a\\\"\" key=b", ["cannot overwrite \"a\" key=b"]),
        (
            "coalesce.go:286: warning: cannot overwrite table with non table for a",
            [
                "cannot overwrite table with non table for a"
            ]
        ),
        ("WARNING: This chart is deprecated\nWARNING: This chart is deprecated", ["This chart is deprecated"]),
        (
            "level=INFO msg=\"skipping unknown hooks\" hookTypes=pre-instal",
            [
                "an object is a hook for 'pre-instal', which this Helm does not know, and is left out; did you mean "
                    + "'pre-install'?"
            ]
        ),
        (
            "2026/11/30 09:00:00 info: skipping unknown hook: \"crd-install\"",
            ["an object is a hook for 'crd-install', which this Helm does not know, and is left out"]
        ),
    ])
    func aProgramThatSucceededWarnsAllTheSame(written: String, warnings: [String]) {
        #expect(ProgramComplaint(written).warnings == warnings)
    }

    @Test func whatIsToldOfASuccessIsBounded() {
        let warnings = ProgramComplaint((0..<100).map { "Warning: \($0)" }.joined(separator: "\n")).warnings
        #expect(warnings.count == 21 && warnings.last == "and 80 more lines")
    }
}
