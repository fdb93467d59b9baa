internal import Foundation

/// A wall clock that is wrong, for one process: a shim of our own in front of the C library. Lengths of time stay right.
struct ClockShift: Sendable, Hashable {
    /// How far the clock is ahead; negative where it is behind.
    let seconds: Int

    static func minutes(_ minutes: Int) -> ClockShift { ClockShift(seconds: minutes * 60) }

    /// The shim, built once from `clock-shift.c` by the toolchain's own C compiler; nil where there is none.
    static let library: URL? = {
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "clock-shift.c")
        let built = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "swell-clock-shift.so")
        for compiler in ["clang", "cc", "gcc"] {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = [compiler, "-shared", "-fPIC", "-O1", "-o", built.path, source.path]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { continue }
            process.waitUntilExit()
            if process.terminationStatus == 0 { return built }
        }
        return nil
    }()

    /// What the process must find in its environment.
    var environment: [String: String] {
        guard let library = Self.library else { return [:] }
        return ["LD_PRELOAD": library.path, "SWELL_TEST_CLOCK_SHIFT": "\(seconds)"]
    }
}
