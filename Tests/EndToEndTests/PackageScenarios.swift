internal import Foundation
internal import Testing

/// What `scripts/package` makes, installed where nothing of ours is. It builds all for release and makes a Debian in a folder, which
/// takes a quarter of an hour, root and the network: only where it is asked for.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["SWELL_PACKAGE"] == "full" && getuid() == 0,
        "set SWELL_PACKAGE=full, as root, to try the packages"))
struct PackageScenarios {
    @Test func packagesInstallAndStartOnABareDebian() async throws {
        let script = Programs.repository.appending(path: "scripts/package")
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "swell-packages-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        for arguments in [["--output", folder.path], ["--try", folder.path]] {
            let call = try await Programs.call("bash", [script.path] + arguments, within: .seconds(3_600))
            #expect(call.code == 0, "\(call.errors.suffix(4_000))")
            if arguments[0] == "--output" {
                let made = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(made.count { $0.hasSuffix(".deb") } == 3 && made.count { $0.hasSuffix(".tar.gz") } == 3)
            } else {
                #expect(call.errors.contains("installed on a bare Debian 12, and started"))
            }
        }
    }
}
