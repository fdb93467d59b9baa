internal import Foundation

/// One target under libFuzzer, whose own `main` calls the two functions below (https://llvm.org/docs/LibFuzzer.html).
///
/// Its environment says which (`SWELL_FUZZ_TARGET`; `list` prints all) and where the input under test is kept
/// (`SWELL_FUZZ_INPUT`): a trap or an exhausted stack leaves nobody to write it down afterwards.
enum CoverageFuzzer {
    static let target: FuzzTarget = {
        let name = environment["SWELL_FUZZ_TARGET"] ?? ""
        guard let target = FuzzTargets.all.first(where: { $0.name == name }) else {
            for target in FuzzTargets.all { print(target.name) }
            exit(name == "list" ? 0 : 2)
        }
        if let path = environment["SWELL_FUZZ_DICTIONARY"] { writeWords(of: target, to: path) }
        return target
    }()

    private static let environment = ProcessInfo.processInfo.environment

    private static let input: CInt = environment["SWELL_FUZZ_INPUT"].map { open($0, O_RDWR | O_CREAT, 0o644) } ?? -1

    /// The words of a target's language in libFuzzer's form: one a line, quoted, in hexadecimal.
    private static func writeWords(of target: FuzzTarget, to path: String) {
        let lines = target.words.map { word in
            "\"" + word.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\"\n"
        }
        _ = FileManager.default.createFile(atPath: path, contents: Data(lines.joined().utf8))
    }

    static func check(_ bytes: UnsafeBufferPointer<UInt8>) {
        if input >= 0 {
            _ = ftruncate(input, 0)
            if let start = bytes.baseAddress { _ = pwrite(input, start, bytes.count, 0) }
        }
        do {
            try target.check(Array(bytes))
        } catch {
            FileHandle.standardError.write(Data("finding: \(error)\n".utf8))
            abort()
        }
    }
}

@_cdecl("LLVMFuzzerInitialize") public func prepareFuzzing(
    _ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer
) -> CInt {
    _ = CoverageFuzzer.target
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput") public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    CoverageFuzzer.check(UnsafeBufferPointer(start: bytes, count: count))
    return 0
}
